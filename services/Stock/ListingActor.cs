using Dapr.Actors;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

/// <summary>One per product: keeps its listing.</summary>
public interface IListingActor : IActor
{
    Task<Reply<Listing>> Register(string id, Offer offer, int qty);

    /// <summary>Refused where the listing is not at the expected version, if one is named.</summary>
    Task<Reply<Listing>> Change(Offer said, int? qty, string? by, long? expected);

    Task<Reply<Listing>> Withdraw(string? by, long? expected);

    Task<Reply<Listing>> Show(Picture picture, string? by);

    Task<Reply<Listing>> TakeDown(string picture, string? by);

    Task<Reply<Listing>> HearReserve(ReserveEvent reserve);

    Task<Reply<Listing>> HearTrade(TradeEvent trade);

    Task<Reply<Listing>> Wake(double mark);
}

/// <summary>The Dapr actor that stores one product's <see cref="Listing"/> and keeps the lists of listings up to it.</summary>
public sealed class ListingActor(ActorHost host, AggregateStore store, ReadModel lists)
    : AggregateActor<Listing>(host, store, new Listing(host.Id.GetId())), IListingActor
{
    public Task<Reply<Listing>> Register(string id, Offer offer, int qty) => Handle(listing => listing.Register(id, offer, qty, Now));

    public Task<Reply<Listing>> Change(Offer said, int? qty, string? by, long? expected) => Handle(listing => listing.Change(said, qty, by, Now), expected: expected);

    public Task<Reply<Listing>> Withdraw(string? by, long? expected) => Handle(listing => listing.Withdraw(by), expected: expected);

    public Task<Reply<Listing>> Show(Picture picture, string? by) => Handle(listing => listing.Show(picture, by));

    public Task<Reply<Listing>> TakeDown(string picture, string? by) => Handle(listing => listing.TakeDown(picture, by));

    public Task<Reply<Listing>> HearReserve(ReserveEvent reserve) => Handle(listing => listing.Hear(reserve), SourceOf(reserve));

    public Task<Reply<Listing>> HearTrade(TradeEvent trade) => Handle(
        listing => trade.EventType switch
        {
            nameof(TradeAccepted) => listing.Commit(trade),
            nameof(TradeHandedOver) => listing.Decrease(trade, Now),
            nameof(TradeCanceled) => listing.GiveBack(trade),
            _ => Unchanged.Already,
        },
        trade);

    public Task<Reply<Listing>> Wake(double mark) => Handle(_ => Unchanged.Already, wakeMark: mark);

    protected override async Task Project(Document<Listing> document)
    {
        if (document.State.Id is not null)
        {
            await lists.Put(InventoryResource.Kind, InventoryResource.Row(document));
        }
    }

    // One book publishes events of many reservations: the watermark is kept for each, or one's event would hide another's.
    private static ReserveEvent SourceOf(ReserveEvent reserve) => reserve with { Source = $"{reserve.Source}/{reserve.Id}" };
}

/// <summary>Short ways to the actor of a product's listing.</summary>
public static class ListingActors
{
    public static IListingActor Listing(this IActorProxyFactory actors, string productId) =>
        actors.CreateActorProxy<IListingActor>(new ActorId(productId), nameof(ListingActor));
}
