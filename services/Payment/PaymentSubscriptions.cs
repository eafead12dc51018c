using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>Reservations and trades that decide where money goes, each one call to the payment's actor.</summary>
public static class PaymentSubscriptions
{
    public static void MapPaymentEvents(this WebApplication app) => app.MapEvents(events =>
    {
        void Trade(string route) => events.MapPost(route, async (TradeEvent e, IActorProxyFactory actors) => (await actors.Payment(e.PaymentId).HearTrade(e, refund: false)).Heard());

        // One that never held a unit was never asked to pay.
        events.MapPost("/reserve-canceled", async (ReserveEvent e, IActorProxyFactory actors) =>
            e.PayBy is null ? TypedResults.Ok() : (await actors.Payment(e.Id).HearReserve(e)).Heard());
        Trade("/trade-accepted");
        Trade("/trade-completed");
        Trade("/trade-canceled");
        events.MapPost("/trade-resolved", async (TradeResolved e, IActorProxyFactory actors) => (await actors.Payment(e.PaymentId).HearTrade(e, e.Refund)).Heard());
    });
}
