using Dapr.Actors;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.Extensions.Options;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>How long things may take; read from the section <c>Terms</c>.</summary>
public sealed record PaymentTerms
{
    public TimeSpan AuthorisationHolds { get; init; } = TimeSpan.FromDays(6);
}

/// <summary>One per payment: keeps where its money is.</summary>
public interface IPaymentActor : IActor
{
    Task<Reply<Payment>> Authorise(PaymentOrder order);

    Task<Reply<Payment>> Heard(Operation operation, string key, ProviderWord word, string? reason);

    Task<Reply<Payment>> Claim(PaymentClaim claim);

    Task<Reply<Payment>> Void(string reason);

    Task<Reply<Payment>> Capture(string tradeId);

    Task<Reply<Payment>> GiveBack(string tradeId, string? reason);

    Task<Reply<Payment>> Release(string tradeId);

    Task<Reply<Payment>> HearReserve(ReserveEvent reserve);

    Task<Reply<Payment>> HearTrade(TradeEvent trade, bool refund);

    /// <summary>Does what is due; changed with work left means the provider is to be asked now.</summary>
    Task<Reply<Payment>> Wake(double mark);
}

/// <summary>The Dapr actor that stores one <see cref="Payment"/>; the provider is asked outside of its turns, by <see cref="ProviderWorker"/>.</summary>
public sealed class PaymentActor(ActorHost host, AggregateStore store, ReadModel lists, IOptions<PaymentTerms> terms)
    : AggregateActor<Payment>(host, store, new Payment(host.Id.GetId())), IPaymentActor
{
    public Task<Reply<Payment>> Authorise(PaymentOrder order) => Handle(payment => payment.Authorise(order, Now));

    public Task<Reply<Payment>> Heard(Operation operation, string key, ProviderWord word, string? reason) => Handle(payment => payment.Heard(operation, key, word, reason, Now));

    public Task<Reply<Payment>> Claim(PaymentClaim claim) => Handle(payment => payment.Claim(claim));

    public Task<Reply<Payment>> Void(string reason) => Handle(payment => payment.Void(reason, Now));

    public Task<Reply<Payment>> Capture(string tradeId) => Handle(payment => payment.Capture(tradeId, Now));

    public Task<Reply<Payment>> GiveBack(string tradeId, string? reason) => Handle(payment => payment.GiveBack(tradeId, reason, Now));

    public Task<Reply<Payment>> Release(string tradeId) => Handle(payment => payment.Release(tradeId, Now));

    public Task<Reply<Payment>> HearReserve(ReserveEvent reserve) => Handle(payment => payment.Void(reserve.Reason ?? "reservation-dead", Now), reserve);

    public Task<Reply<Payment>> HearTrade(TradeEvent trade, bool refund) => Handle(
        payment => trade.EventType switch
        {
            nameof(TradeAccepted) => payment.Capture(trade.Id, Now),
            nameof(TradeCompleted) => payment.Release(trade.Id, Now),
            nameof(TradeCanceled) => payment.GiveBack(trade.Id, trade.Reason, Now),
            nameof(TradeResolved) => refund ? payment.GiveBack(trade.Id, "dispute-refunded", Now) : payment.Release(trade.Id, Now),
            _ => Unchanged.Already,
        },
        trade);

    public Task<Reply<Payment>> Wake(double mark) => Handle(payment => payment.Try(Now), wakeMark: mark);

    protected override Payment Equip(Payment state) => state with { AuthorisationHolds = terms.Value.AuthorisationHolds };

    protected override async Task Project(Document<Payment> document)
    {
        if (document.State.Order is not null)
        {
            await lists.Put(PaymentResource.Kind, PaymentResource.Row(document, Now));
        }
    }
}

/// <summary>Short ways to the actor of a payment.</summary>
public static class PaymentActors
{
    public static IPaymentActor Payment(this IActorProxyFactory actors, string id) => actors.CreateActorProxy<IPaymentActor>(new ActorId(id), nameof(PaymentActor));
}

/// <summary>Asks the provider, outside the actor's turn, and tells the payment what it said.</summary>
public sealed partial class ProviderWorker(IPaymentProvider provider, IActorProxyFactory actors, TimeProvider clock, ILogger<ProviderWorker> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    public async Task Wake(string id, double mark)
    {
        if (await actors.Payment(id).Wake(mark) is { Changed: true, View: { Work: not null } payment })
        {
            await Ask(payment, first: false);
        }
    }

    /// <summary>Asks for the work a payment has; an authorisation that was asked before is looked for, not asked again.</summary>
    public async Task<Payment> Ask(Payment payment, bool first)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        var (word, reason) = (ProviderWord.Unknown, (string?)null);
        try
        {
            word = await (payment.Work switch
            {
                Operation.Authorise when first => provider.Authorise(payment.Key, payment.Order!.UserId, payment.Order.Amount, patience.Token),
                Operation.Authorise => provider.Find(payment.Key, patience.Token),
                Operation.Void => provider.Void(payment.Key, patience.Token),
                Operation.Capture => provider.Capture(payment.Key, patience.Token),
                Operation.Refund => provider.Refund(payment.Key, patience.Token),
                Operation.Release => provider.Release(payment.Key, patience.Token),
                _ => throw new InvalidOperationException($"Payment {payment.Id} has no work for the provider."),
            });
        }
        catch (Exception failure) when (failure is ProviderException or OperationCanceledException or HttpRequestException)
        {
            reason = "provider-silent";
            LogSilent(payment.Key, payment.Work!.Value, failure.Message);
        }

        return (await actors.Payment(payment.Id).Heard(payment.Work!.Value, payment.Key, word, reason)).View!;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The provider gave no answer for {Key} to {Operation} and is asked again: {Why}")]
    private partial void LogSilent(string key, Operation operation, string why);
}
