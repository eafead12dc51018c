using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

/// <summary>The events that people are told of, each one call to the notice service.</summary>
public static class NoticeSubscriptions
{
    public static void MapNoticeEvents(this WebApplication app) => app.MapEvents(events =>
    {
        events.MapPost("/reservations", (ReserveEvent e, NoticeService desk, NoticeStream stream) => desk.Tell(stream, e, Notices.Of(e)));
        events.MapPost("/trades", (TradeEvent e, NoticeService desk, NoticeStream stream) => desk.Tell(stream, e, Notices.Of(e)));
        events.MapPost("/trade-resolved", (TradeResolved e, NoticeService desk, NoticeStream stream) => desk.Tell(stream, e, Notices.Of(e, e.Refund)));
        events.MapPost("/listing-changed", (ListingEvent e, NoticeStream stream) => stream.Show(e));
        events.MapPost("/listing-withdrawn", (ListingEvent e, NoticeStream stream) => stream.Show(e));
        events.MapPost("/payment-declined", (PaymentEvent e, NoticeService desk, NoticeStream stream) => desk.Tell(stream, e, Notices.Of(e)));
    });

    // Nobody in particular is told: whoever looks at it looks again.
    private static async Task<IResult> Show(this NoticeStream stream, ListingEvent e)
    {
        await stream.Ring(e.ProductId);
        return TypedResults.Ok();
    }

    private static async Task<IResult> Tell(this NoticeService desk, NoticeStream stream, Event e, IReadOnlyList<Notice> notices)
    {
        // An event without source and version cannot be de-duplicated: it is refused, so that it becomes a dead letter.
        if (new Check().Text(e.Source, "source", required: true).Number(e.Version, "version", 1, long.MaxValue).Failed() is { } wrong)
        {
            return wrong;
        }

        foreach (var notice in notices)
        {
            await desk.Keep(notice);
        }

        await stream.Ring(e.ProductId);

        return TypedResults.Ok();
    }
}
