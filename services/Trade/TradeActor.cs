using Dapr.Actors;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.Extensions.Options;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Trades;

/// <summary>What a person does to a trade.</summary>
public enum TradeAction
{
    Accept,
    Decline,
    HandOver,
    Receive,
    Complete,
    Defer,
    Cancel,
    Dispute,
    ResolvePaidOut,
    ResolveRefunded,
}

/// <summary>One per trade: keeps it.</summary>
public interface ITradeActor : IActor
{
    /// <summary>Refused where the trade is not at the expected version (see <see cref="Trade.Tag"/>), if one is named.</summary>
    Task<Reply<Trade>> Do(TradeAction action, string? by, string? reason, string? expected);

    Task<Reply<Trade>> Claimed();

    Task<Reply<Trade>> ClaimRefused(string reason);

    Task<Reply<Trade>> HearReserve(ReserveEvent reserve);

    Task<Reply<Trade>> HearPayment(PaymentEvent payment);

    Task<Reply<Trade>> HearStock(ListingEvent listing);

    /// <summary>Does what is due; a changed draft means the payment is to be claimed now.</summary>
    Task<Reply<Trade>> Wake(double mark);
}

/// <summary>The Dapr actor that stores one <see cref="Trade"/> and keeps the lists of trades up to it.</summary>
public sealed class TradeActor(ActorHost host, AggregateStore store, ReadModel lists, IOptions<TradeTerms> terms)
    : AggregateActor<Trade>(host, store, new Trade(host.Id.GetId()) { Terms = terms.Value }), ITradeActor
{
    public Task<Reply<Trade>> Do(TradeAction action, string? by, string? reason, string? expected) => Handle(trade => action switch
    {
        _ when expected is not null && expected != trade.Tag => Refusal.VersionChanged(trade.Tag),
        TradeAction.Accept => trade.Accept(by),
        TradeAction.Decline => trade.Decline(by),
        TradeAction.HandOver => trade.HandOver(by, seller: true, Now),
        TradeAction.Receive => trade.HandOver(by, seller: false, Now),
        TradeAction.Complete => trade.Complete(by),
        TradeAction.Defer => trade.Defer(by, Now),
        TradeAction.Cancel => trade.Cancel(by),
        TradeAction.Dispute => trade.Dispute(by, reason),
        TradeAction.ResolvePaidOut => trade.Resolve(refund: false),
        TradeAction.ResolveRefunded => trade.Resolve(refund: true),
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, null),
    });

    public Task<Reply<Trade>> Claimed() => Handle(trade => trade.Claimed(Now));

    public Task<Reply<Trade>> ClaimRefused(string reason) => Handle(trade => trade.ClaimRefused(reason));

    public Task<Reply<Trade>> HearReserve(ReserveEvent reserve) => Handle(
        trade => reserve.EventType switch
        {
            nameof(ReserveCompleted) => trade.Draft(reserve, Now),
            nameof(ReserveCancelRequested) => trade.CancelForReservation(reserve),
            _ => Unchanged.Already,
        },
        reserve);

    public Task<Reply<Trade>> HearPayment(PaymentEvent payment) => Handle(
        trade => payment.EventType switch
        {
            nameof(PaymentCaptured) => trade.PaymentCaptured(),
            nameof(PaymentCaptureRefused) => trade.Undone("capture-refused"),
            _ => Unchanged.Already,
        },
        payment);

    // A listing tells of many trades: the watermark is this trade's own place in what it tells.
    public Task<Reply<Trade>> HearStock(ListingEvent listing) => Handle(
        trade => listing.EventType switch
        {
            nameof(StockCommitted) => trade.StockCommitted(),
            nameof(StockDecreaseRejected) => trade.Undone("stock-mismatch"),
            _ => Unchanged.Already,
        },
        listing);

    public Task<Reply<Trade>> Wake(double mark) => Handle(trade => trade.TryClaim(Now), wakeMark: mark);

    protected override Trade Equip(Trade state) => state with { Terms = terms.Value };

    protected override async Task Project(Document<Trade> document)
    {
        if (document.State.Exists)
        {
            await lists.Put(TradeResource.Kind, TradeResource.Row(document));
        }
    }
}

/// <summary>Short ways to the actor of a trade.</summary>
public static class TradeActors
{
    public static ITradeActor Trade(this IActorProxyFactory actors, string id) => actors.CreateActorProxy<ITradeActor>(new ActorId(id), nameof(TradeActor));
}
