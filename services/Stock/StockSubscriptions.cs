using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

public static class StockSubscriptions
{
    public static void MapStockEvents(this WebApplication app) => app.MapEvents(events =>
    {
        void Reserve(string route) => events.MapPost(route, async (ReserveEvent e, IActorProxyFactory actors) => (await actors.Listing(e.ProductId).HearReserve(e)).Heard());
        void Trade(string route) => events.MapPost(route, async (TradeEvent e, IActorProxyFactory actors) => (await actors.Listing(e.ProductId).HearTrade(e)).Heard());

        Reserve("/reserve-held");
        Reserve("/reserve-completed");
        Reserve("/reserve-canceled");
        Reserve("/reserve-fulfilled");
        Trade("/trade-accepted");
        Trade("/trade-handed-over");
        Trade("/trade-canceled");
    });
}
