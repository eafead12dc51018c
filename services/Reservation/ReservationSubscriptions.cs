using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>Listings, payments and trades that a product's book follows, each one call to its actor.</summary>
public static class ReservationSubscriptions
{
    public static void MapReservationEvents(this WebApplication app) => app.MapEvents(events =>
    {
        void Stock(string route) => events.MapPost(route, async (ListingEvent e, IActorProxyFactory actors) => (await actors.Product(e.ProductId).HearStock(e)).Heard());
        void Payment(string route) => events.MapPost(route, async (PaymentEvent e, IActorProxyFactory actors) => (await actors.Product(e.ProductId).HearPayment(e)).Heard());
        void Trade(string route) => events.MapPost(route, async (TradeEvent e, IActorProxyFactory actors) => (await actors.Product(e.ProductId).HearTrade(e, refund: false)).Heard());

        Stock("/listing-registered");
        Stock("/listing-changed");
        Stock("/listing-withdrawn");
        Payment("/payment-authorized");
        Payment("/payment-declined");
        Payment("/payment-claimed");
        Payment("/payment-voided");
        Payment("/payment-expired");
        Trade("/trade-accepted");
        Trade("/trade-refused");
        Trade("/trade-handed-over");
        Trade("/trade-completed");
        Trade("/trade-canceled");
        Trade("/trade-cancel-refused");
        events.MapPost("/trade-resolved", async (TradeResolved e, IActorProxyFactory actors) => (await actors.Product(e.ProductId).HearTrade(e, e.Refund)).Heard());
    });
}
