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

    public static Row<PaymentResource> Row(Document<Payment> document) => new(
        document.State.Id, document.Version, document.Version, [$"userid={document.State.Order!.UserId}", $"status={document.State.Status!.Value.Korean()}"], Of(document.State));
}

/// <summary>The internal answer: 200 with where the money is, because a breaker counts every 4xx as a failure; null means never heard of.</summary>
public sealed record PaymentAnswer(PaymentStatus? Outcome, string? Reason);

/// <summary>Which trade commands.</summary>
public sealed record TradeCommand(string TradeId, string? Reason);

/// <summary>How the simulator is to behave.</summary>
public sealed record SimulatorSetting(SimulatorMode Mode);

/// <summary>One disagreement between the town's books and the provider's.</summary>
public sealed record Difference(string Key, string Ours, string Theirs);

/// <summary>The town's books beside the provider's: won, and where they disagree.</summary>
public sealed record Reconciliation(int Payments, long Captured, long Escrow, long Released, long Refunded, bool Balanced, IReadOnlyList<Difference> Differences);

public static class PaymentEndpoints
{
    public const string Overload = "overload";

    public static void MapPayments(this WebApplication app)
    {
        var payments = app.MapGroup("/payments").WithTags("Payments");

        payments.MapPost("", async (PaymentOrder order, IActorProxyFactory actors, ProviderDesk provider) =>
        {
            if (new Check().Id(order.Id, "id").Id(order.ReservationId, "reservationid").Id(order.ProductId, "productid").Text(order.UserId, "userid", required: true, longest: 64)
                .Number(order.Amount, "amount", 1, 1_000_000_000_000_000).Failed() is { } wrong)
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
        }).RequireRateLimiting(Overload);

        payments.MapPost("/{id}/claim", async (string id, PaymentClaim claim, IActorProxyFactory actors) =>
        {
            var reply = await actors.Payment(id).Claim(claim);
            return reply.Refusal is { } refusal ? TypedResults.Ok(new PaymentAnswer(reply.View!.Status is PaymentStatus.Authorized ? PaymentStatus.Declined : reply.View.Status, refusal.Code)) : Answer(reply.View!);
        });

        payments.MapPost("/{id}/look", async (string id, AggregateStore store) => Answer(Now((await store.Load(id, new Payment(id))).Document.State, store)));

        payments.MapPost("/{id}/void", async (string id, IActorProxyFactory actors) => Answer((await actors.Payment(id).Void("asked-by-reservation")).View!));

        payments.MapPost("/{id}/capture", async (string id, TradeCommand command, IActorProxyFactory actors) => Answer((await actors.Payment(id).Capture(command.TradeId)).View!));

        payments.MapPost("/{id}/refund", async (string id, TradeCommand command, IActorProxyFactory actors) =>
            Answer((await actors.Payment(id).GiveBack(command.TradeId, command.Reason)).View!));

        payments.MapPost("/{id}/release", async (string id, TradeCommand command, IActorProxyFactory actors) => Answer((await actors.Payment(id).Release(command.TradeId)).View!));

        payments.MapGet("/{id}", async (string id, HttpContext http, AggregateStore store) =>
            (await store.Load(id, new Payment(id))).Document is { State: { Order: not null, Status: not null } payment } document
                ? Hal.Ok(http, PaymentResource.Of(Now(payment, store)), $"{document.Version}.{Now(payment, store).Status}")
                : Problems.NotFound("payment", id));

        payments.MapGet("/reconciliation", async (ReadModel lists, IPaymentProvider provider, CancellationToken stop) => TypedResults.Ok(await Reconcile(lists, provider, stop)));

        if (!app.Environment.IsProduction())
        {
            payments.MapGet("/simulator", async (SimulatedProvider simulator) => TypedResults.Ok(new SimulatorSetting(await simulator.Mode())));
            payments.MapPut("/simulator", async (SimulatorSetting setting, SimulatedProvider simulator) =>
            {
                await simulator.SetMode(setting.Mode);
                return TypedResults.Ok(setting);
            });
        }
    }

    private static Microsoft.AspNetCore.Http.HttpResults.Ok<PaymentAnswer> Answer(Payment payment) => TypedResults.Ok(new PaymentAnswer(payment.Status, payment.Reason));

    // A deadline that has passed is so for whoever looks.
    private static Payment Now(Payment payment, AggregateStore store) => payment.Overdue(store.Clock.GetUtcNow()).Next ?? payment;

    private static async Task<Reconciliation> Reconcile(ReadModel lists, IPaymentProvider provider, CancellationToken stop)
    {
        var (payments, _) = await lists.Query<PaymentResource>(PaymentResource.Kind, new("0", $"{int.MaxValue}", null));
        var theirs = await provider.Records(stop);
        var differences = new List<Difference>();
        foreach (var payment in payments)
        {
            // What is still under way, or waits for the provider's word, may differ for a moment; what is settled may not.
            var expected = payment.StatusCode switch
            {
                PaymentStatus.Captured => "captured",
                PaymentStatus.Released => "released",
                PaymentStatus.Refunded => "refunded",
                _ => null,
            };
            var known = theirs.Where(r => r.Key.StartsWith($"{payment.Id}-", StringComparison.Ordinal) && r.Key.AsSpan(payment.Id.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0).Select(r => r.Value).ToList();
            if (expected is not null && !known.Contains(expected))
            {
                differences.Add(new(payment.Id, expected, string.Join(", ", known)));
            }
        }

        var (captured, escrow, released, refunded) = (payments.Sum(p => p.Captured), payments.Sum(p => p.Escrow), payments.Sum(p => p.Released), payments.Sum(p => p.Refunded));
        return new(payments.Count, captured, escrow, released, refunded, captured == escrow + released + refunded, differences);
    }
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
