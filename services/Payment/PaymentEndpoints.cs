using System.Diagnostics.Metrics;
using System.Text.Json.Serialization;
using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>A payment as people see it.</summary>
public sealed record PaymentResource(
    string Id, string ReservationId, string ProductId, string UserId, long Amount, string Status, PaymentStatus StatusCode, string? TradeId, string? Reason,
    DateTimeOffset? ValidUntil, long Escrow, long Released, long Refunded, IReadOnlyList<LedgerEntry> Ledger, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public const string Kind = "payments";

    /// <summary>Won that went to escrow in all.</summary>
    public long Captured => Ledger.Where(e => e is { From: Account.Buyer, To: Account.Escrow }).Sum(e => e.Amount);

    public static PaymentResource Of(Payment payment) => new(
        payment.Id, payment.Order!.ReservationId, payment.Order.ProductId, payment.Order.UserId, payment.Order.Amount, payment.Status!.Value.Korean(), payment.Status.Value,
        payment.TradeId, payment.Reason, payment.ValidUntil, payment.Balance(Account.Escrow), payment.Balance(Account.Seller),
        payment.Ledger.Where(e => e is { From: Account.Escrow, To: Account.Buyer }).Sum(e => e.Amount), payment.Ledger,
        new() { ["self"] = new($"/payments/{payment.Id}"), ["reserve"] = new($"/reserves/{payment.Order.ReservationId}") });

    public static IEnumerable<Measurement<long>> CountUnknown(IServiceProvider services) =>
        [new(services.GetRequiredService<ReadModel>().Count(Kind, $"status={PaymentStatus.Unknown.Korean()}"))];

    public static Row<PaymentResource> Row(Document<Payment> document, DateTimeOffset changedAt) => new(
        document.State.Id, document.Version, changedAt.ToUnixTimeMilliseconds(), [$"userid={document.State.Order!.UserId}", $"status={document.State.Status!.Value.Korean()}"], Of(document.State));
}

/// <summary>The internal answer: 200 with where the money is and who pays, because a breaker counts every 4xx as a failure; null means never heard of.</summary>
public sealed record PaymentAnswer(PaymentStatus? Outcome, string? Reason, string? UserId = null);

/// <summary>Which trade commands.</summary>
public sealed record TradeCommand(string TradeId, string? Reason);

/// <summary>How the simulator is to behave.</summary>
public sealed record SimulatorSetting(SimulatorMode Mode);

/// <summary>HTTP endpoints of <c>/payments</c>: commands answer 200 with an <c>outcome</c>, because Dapr's breaker counts every 4xx as a failure.</summary>
public static class PaymentEndpoints
{
    public const string Overload = "overload";

    public static void MapPayments(this WebApplication app)
    {
        var payments = app.MapGroup("/payments").WithTags("Payments");

        // The town's own commands: who asks is the sidecar, which the app token proves.
        var commands = app.MapGroup("/payments").WithTags("Payments").AllowAnonymous().WithinTown();

        commands.MapPost("", async (PaymentOrder order, IActorProxyFactory actors, ProviderWorker provider) =>
        {
            if (order.Wrong() is { } wrong)
            {
                return wrong;
            }

            var reply = await actors.Payment(order.Id).Authorise(order);
            if (reply.Refusal is { } refusal)
            {
                return TypedResults.Ok(new PaymentAnswer(PaymentStatus.Declined, refusal.Code));
            }

            var payment = reply.View!;
            if (payment.Status == PaymentStatus.Unknown)
            {
                // One who pays again need not wait until it is looked after by itself; what never came may be tried anew at once.
                payment = await provider.Ask(payment, first: false);
                if (payment is { Status: PaymentStatus.Declined, Reason: "not-received" })
                {
                    reply = await actors.Payment(order.Id).Authorise(order);
                    payment = reply.View!;
                }
            }

            if (reply.Changed && payment is { Status: PaymentStatus.Pending })
            {
                payment = await provider.Ask(payment, first: true);
                if (payment is { Status: PaymentStatus.Unknown, Reason: "provider-silent" })
                {
                    return Problems.Unavailable("provider-silent", $"The payment provider gave no answer for {payment.Key}; payment {payment.Id} finds out by itself.");
                }
            }

            return Answer(payment);
        }).RequireRateLimiting(Overload).WithSummary("Authorises the money of a reservation; the same order again is answered as before.").Produces<PaymentAnswer>().Refuses(503, "payment-overloaded", "provider-silent");

        commands.MapPost("/{id}/claim", async (string id, PaymentClaim claim, IActorProxyFactory actors) =>
        {
            var reply = await actors.Payment(id).Claim(claim);
            return reply.Refusal is { } refusal ? TypedResults.Ok(new PaymentAnswer(reply.View!.Status is PaymentStatus.Authorized ? PaymentStatus.Declined : reply.View.Status, refusal.Code)) : Answer(reply.View!);
        }).WithSummary("Claims the money for a trade; one trade wins.").Produces<PaymentAnswer>();

        commands.MapPost("/{id}/look", async (string id, AggregateStore store) => Answer(Now((await store.Load(id, new Payment(id))).Document.State, store)))
            .WithSummary("Tells where the money is.").Produces<PaymentAnswer>();

        commands.MapPost("/{id}/void", async (string id, IActorProxyFactory actors) => Answer((await actors.Payment(id).Void("asked-by-reservation")).View!))
            .WithSummary("Lets the buyer's money go, unless a trade has claimed it.").Produces<PaymentAnswer>();

        commands.MapPost("/{id}/capture", async (string id, TradeCommand command, IActorProxyFactory actors) => Answer((await actors.Payment(id).Capture(command.TradeId)).View!))
            .WithSummary("Takes the money into escrow for the trade that claimed it.").Produces<PaymentAnswer>();

        commands.MapPost("/{id}/refund", async (string id, TradeCommand command, IActorProxyFactory actors) =>
            Answer((await actors.Payment(id).GiveBack(command.TradeId, command.Reason)).View!))
            .WithSummary("Gives the buyer the money back.").Produces<PaymentAnswer>();

        commands.MapPost("/{id}/release", async (string id, TradeCommand command, IActorProxyFactory actors) => Answer((await actors.Payment(id).Release(command.TradeId)).View!))
            .WithSummary("Pays the seller out of escrow.").Produces<PaymentAnswer>();

        payments.MapGet("/{id}", async (string id, Caller caller, HttpContext http, AggregateStore store) =>
            (await store.Load(id, new Payment(id))).Document is { State: { Order: { } order, Status: not null } payment } document && (caller.Is(order.UserId) || caller.Is(order.SellerId))
                ? Hal.Ok(http, PaymentResource.Of(Now(payment, store)), $"{document.Version}.{Now(payment, store).Status}")
                : Problems.NotFound("payment", id)).WithSummary("Shows a payment to its buyer and its seller.").Answers<PaymentResource>(200);

        payments.MapGet("/reconciliation", async (ReconciliationJob books, CancellationToken stop) => TypedResults.Ok(await books.Reconcile(stop))).RequireAuthorization(SignIn.Operator)
            .WithinTown().WithSummary("Holds the town's books against the provider's.").Produces<Reconciliation>();

        if (!app.Environment.IsProduction())
        {
            payments.MapGet("/simulator", async (SimulatedProvider simulator) => TypedResults.Ok(new SimulatorSetting(await simulator.Mode()))).RequireAuthorization(SignIn.Operator)
                .WithinTown().WithSummary("Tells how the simulated provider behaves.").Produces<SimulatorSetting>();
            payments.MapPut("/simulator", async (SimulatorSetting setting, SimulatedProvider simulator) =>
            {
                await simulator.SetMode(setting.Mode);
                return TypedResults.Ok(setting);
            }).RequireAuthorization(SignIn.Operator).WithinTown().WithSummary("Sets how the simulated provider behaves; not in production.").Produces<SimulatorSetting>();
        }
    }

    private static Microsoft.AspNetCore.Http.HttpResults.Ok<PaymentAnswer> Answer(Payment payment) => TypedResults.Ok(new PaymentAnswer(payment.Status, payment.Reason, payment.Order?.UserId));

    // A deadline that has passed is so for whoever looks.
    private static Payment Now(Payment payment, AggregateStore store) => payment.AsOf(store.Clock.GetUtcNow());
}

[JsonSerializable(typeof(PaymentOrder))]
[JsonSerializable(typeof(PaymentClaim))]
[JsonSerializable(typeof(TradeCommand))]
[JsonSerializable(typeof(PaymentAnswer))]
[JsonSerializable(typeof(SimulatorSetting))]
[JsonSerializable(typeof(Reconciliation))]
[JsonSerializable(typeof(Document<Payment>))]
[JsonSerializable(typeof(Reply<Payment>))]
[JsonSerializable(typeof(PaymentResource))]
public sealed partial class PaymentJson : JsonSerializerContext;
