using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Trades;

/// <summary>Events that start a trade or move it on, each one call to its actor.</summary>
public static class TradeSubscriptions
{
    public static void MapTradeEvents(this WebApplication app) => app.MapEvents(events =>
    {
        void Reserve(string route) => events.MapPost(route, async (ReserveEvent e, IActorProxyFactory actors) => (await actors.Trade(e.Id).HearReserve(e)).Heard());
        void Payment(string route) => events.MapPost(route, async (PaymentEvent e, IActorProxyFactory actors) => (await actors.Trade(e.ReservationId).HearPayment(e)).Heard());
        void Stock(string route) => events.MapPost(route, async (ListingEvent e, IActorProxyFactory actors) => (await actors.Trade(e.TradeId!).HearStock(e)).Heard());

        Reserve("/reserve-completed");
        Reserve("/reserve-cancel-requested");
        Payment("/payment-captured");
        Payment("/payment-capture-refused");
        Stock("/stock-committed");
        Stock("/stock-decrease-rejected");
    });
}
