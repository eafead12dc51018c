using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

/// <summary>Reservations and trades that change what is left of a listing, each one call to its actor.</summary>
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
