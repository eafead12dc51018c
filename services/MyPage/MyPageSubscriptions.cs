using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

/// <summary>What happens to reservations, trades and payments, folded into the rows of my page.</summary>
public static class MyPageSubscriptions
{
    public static void MapMyPageEvents(this WebApplication app) => app.MapEvents(events =>
    {
        events.MapPost("/reservations", (ReserveEvent e, MyPages pages) => pages.Take("reservations", Heard.Of(e)));
        events.MapPost("/trades", (TradeEvent e, MyPages pages) => pages.Take("trades", Heard.Of(e)));
        events.MapPost("/payments", (PaymentEvent e, MyPages pages) => pages.Take("payments", Heard.Of(e)));

        // What a row shows of its product comes with the reservation, so that a listing's event never has rows to search for.
        events.MapPost("/stock", (ListingEvent e, ProjectionLag lag) => lag.Applied("stock", e.Timestamp));
    });

    private static async Task<IResult> Take(this MyPages pages, string topic, Heard e)
    {
        // What says neither which reservation it tells of nor its place among its source's events can be put nowhere: to the dead letters.
        if (new Check().Id(e.ReservationId, "id").Text(e.Source, "source", required: true).Number(e.Order / Event.PartsPerVersion, "version", 1, long.MaxValue).Failed() is { } wrong)
        {
            return wrong;
        }

        await pages.Hear(topic, e);
        return TypedResults.Ok();
    }
}
