using Dapr.Actors;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.Extensions.Options;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>One per product: puts what is asked of its units in order.</summary>
public interface IProductActor : IActor
{
    Task<Reply<Reserve>> Request(Reserve asked);

    /// <summary>This and cancelling are refused where the reservation is not at the expected version (see <see cref="ProductBook.Tag"/>), if one is named.</summary>
    Task<Reply<Reserve>> Pay(string id, string? by, string? expected);

    Task<Reply<Reserve>> Cancel(string id, string? by, string reason, string? expected);

    Task<Reply<Reserve>> PaymentAuthorized(string id, string paymentId);

    Task<Reply<Reserve>> PaymentTroubled(string id);

    Task<Reply<Reserve>> PaymentReady(string id);

    Task<Reply<Reserve>> PaymentGone(string id, string reason);

    Task<Reply<Reserve>> PaymentClaimed(string id);

    Task<Reply<Reserve>> HearStock(ListingEvent listing);

    Task<Reply<Reserve>> HearPayment(PaymentEvent payment);

    Task<Reply<Reserve>> HearTrade(TradeEvent trade, bool refund);

    /// <summary>Does what is due; answers with the book and, of its reservations, only those whose payment is to be asked about now.</summary>
    Task<Reply<ProductBook>> Wake(double mark);
}

/// <summary>The Dapr actor that stores one product's <see cref="ProductBook"/>, and with it decides who gets a unit.</summary>
public sealed class ProductActor(ActorHost host, AggregateStore store, ReadModel lists, IOptions<ReservationTerms> terms)
    : AggregateActor<ProductBook>(host, store, ProductBook.Empty(host.Id.GetId()) with { Terms = terms.Value }), IProductActor
{
    // Up to which version each confirmed reservation's journal has been brought; if this is lost, it is only done once more.
    private Dictionary<string, long> followed = [];

    public async Task<Reply<Reserve>> Request(Reserve asked)
    {
        // A repeated request must not reopen a reservation that has finished and left the book: the journal knows.
        var decided = await Store.Read<Journal>(Journal.Key(asked.Id)) is { Timeline.IsEmpty: false } journal ? journal.Last : null;
        var reply = await About(asked.Id, book => decided is null ? book.Request(asked, Now) : Unchanged.Already);
        return reply.View is null ? reply with { View = decided } : reply;
    }

    public Task<Reply<Reserve>> Pay(string id, string? by, string? expected) => About(id, book => book.Pay(id, by, expected));

    public Task<Reply<Reserve>> Cancel(string id, string? by, string reason, string? expected) => About(id, book => book.Cancel(id, by, reason, Now, expected));

    public Task<Reply<Reserve>> PaymentAuthorized(string id, string paymentId) => About(id, book => book.PaymentAuthorized(id, paymentId, Now));

    public Task<Reply<Reserve>> PaymentTroubled(string id) => About(id, book => book.PaymentTroubled(id, Now));

    public Task<Reply<Reserve>> PaymentReady(string id) => About(id, book => book.PaymentReady(id));

    public Task<Reply<Reserve>> PaymentGone(string id, string reason) => About(id, book => book.PaymentGone(id, reason, Now));

    public Task<Reply<Reserve>> PaymentClaimed(string id) => About(id, book => book.PaymentClaimed(id));

    public Task<Reply<Reserve>> HearStock(ListingEvent listing) => About("", book => book.Hear(listing, Now), listing);

    public Task<Reply<Reserve>> HearPayment(PaymentEvent payment) => About(
        payment.ReservationId,
        book => payment.EventType switch
        {
            nameof(Contracts.PaymentAuthorized) => book.PaymentAuthorized(payment.ReservationId, payment.Id, Now),
            nameof(PaymentDeclined) => book.PaymentDeclined(payment.ReservationId, Now),
            nameof(PaymentVoided) or nameof(PaymentExpired) => book.PaymentGone(payment.ReservationId, payment.Reason ?? "payment-void", Now),
            nameof(Contracts.PaymentClaimed) => book.PaymentClaimed(payment.ReservationId),
            _ => Unchanged.Already,
        },
        payment);

    public Task<Reply<Reserve>> HearTrade(TradeEvent trade, bool refund) => About(
        trade.Id,
        book => trade.EventType switch
        {
            nameof(TradeAccepted) => book.TradeAccepted(trade.Id),
            nameof(TradeHandedOver) => book.TradeHandedOver(trade.Id),
            nameof(TradeCancelRefused) => book.TradeCancelRefused(trade.Id),
            nameof(TradeCanceled) or nameof(TradeRefused) => book.PaymentGone(trade.Id, trade.Reason ?? "trade-cancelled", Now),
            nameof(TradeCompleted) => book.TradeCompleted(trade.Id, Now),
            nameof(TradeResolved) => book.TradeResolved(trade.Id, refund, Now),
            _ => Unchanged.Already,
        },
        trade);

    public async Task<Reply<ProductBook>> Wake(double mark)
    {
        var now = Now;
        var reply = await Handle(book => book.AskPayment(now), wakeMark: mark);
        return reply.Of(book => book with { Reserves = book.Reserves.RemoveAll(r => !reply.Changed || r.AskedAt != now) });
    }

    protected override ProductBook Equip(ProductBook state) => state with { Terms = terms.Value };

    protected override async Task Project(Document<ProductBook> document)
    {
        // A trade that goes on changes what may be done with its reservation without an event of ours.
        var confirmed = document.State.Reserves.Where(r => r.Status == ReserveStatus.Confirmed).ToDictionary(r => r.Id, r => r.Version);
        var traded = confirmed.Where(r => followed.GetValueOrDefault(r.Key) < r.Value).Select(r => r.Key);
        foreach (var id in document.Outbox.Select(e => e.Subject).Union(traded).ToList())
        {
            var journal = await Store.Change<Journal>(Journal.Key(id), journal => journal?.Follow(document));
            if (journal is not null)
            {
                await lists.Put(ReserveResource.Kind, ReserveResource.Row(journal));
            }
        }

        followed = confirmed;
    }

    private async Task<Reply<Reserve>> About(string id, Func<ProductBook, Decision<ProductBook>> decide, Event? heard = null) =>
        (await Handle(decide, heard)).Of(book => book.Find(id));
}

/// <summary>Short ways to the actor of a product.</summary>
public static class ProductActors
{
    public static IProductActor Product(this IActorProxyFactory actors, string productId) =>
        actors.CreateActorProxy<IProductActor>(new ActorId(productId), nameof(ProductActor));
}
