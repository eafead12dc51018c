using System.Globalization;
using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

/// <summary>What is searched for: text in name or description, near a point (<c>near=37.48,126.98&amp;within=3</c>, kilometres), a price range in won, a status.</summary>
public sealed record Search(string? Text, string? Near, string? Within, string? MinPrice, string? MaxPrice, string? Status, string? ProductId, string? SellerId)
{
    private (double Latitude, double Longitude)? Point => Near?.Split(',') is [var lat, var lon]
        && double.TryParse(lat, CultureInfo.InvariantCulture, out var latitude) && double.TryParse(lon, CultureInfo.InvariantCulture, out var longitude)
        && latitude is >= -90 and <= 90 && longitude is >= -180 and <= 180 ? (latitude, longitude) : null;

    private double Kilometres => Within is null ? 3 : double.TryParse(Within, CultureInfo.InvariantCulture, out var km) ? km : double.NaN;

    public IResult? Wrong() => new Check()
        .That(Near is null || Point is not null, "near", "near must be latitude,longitude in degrees.")
        .That(Kilometres is > 0 and <= 20_000, "within", "within must be kilometres, more than 0.")
        .That(MinPrice is null || long.TryParse(MinPrice, out _), "minprice", "minprice must be won, a whole number.")
        .That(MaxPrice is null || long.TryParse(MaxPrice, out _), "maxprice", "maxprice must be won, a whole number.")
        .Failed();

    /// <summary>Whether more is asked than the lists are sorted by.</summary>
    public bool LooksInside => (Text ?? Near ?? MinPrice ?? MaxPrice) is not null;

    public bool Finds(InventoryResource listing) =>
        (Text is null || Has(listing.ProductName, Text) || Has(listing.Description, Text))
        && (MinPrice is null || listing.Price >= long.Parse(MinPrice, CultureInfo.InvariantCulture))
        && (MaxPrice is null || listing.Price <= long.Parse(MaxPrice, CultureInfo.InvariantCulture))
        && (Point is not { } point || (listing.Latitude is { } lat && Points.Kilometres(point.Latitude, point.Longitude, lat, listing.Longitude!.Value) <= Kilometres));

    private static bool Has(string? text, string part) => text?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;
}

/// <summary>HTTP endpoints of <c>/inventories</c>.</summary>
public static class StockEndpoints
{
    public static void MapStock(this IEndpointRouteBuilder routes)
    {
        var inventories = routes.MapGroup("/inventories").WithTags("Stock");

        inventories.MapPost("", async (RegisterInventory body, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
        {
            var id = http.NewId(body.Id);
            var asked = body with
            {
                Id = id,
                ProductId = body.ProductId ?? id,
                SellerId = caller.Named(body.SellerId),
                Latitude = Points.About(body.Latitude),
                Longitude = Points.About(body.Longitude),
            };
            if (asked.Wrong() is { } wrong)
            {
                return wrong;
            }

            // Asked before the id is taken, so that a refused registration leaves nothing behind.
            if ((await Listing(store, asked.ProductId)).Id is { } listed && listed != id)
            {
                return Problems.Problem(409, "product-listed-already", $"Product {asked.ProductId} is listed already; a product has one listing.");
            }

            var kept = await store.Change<Inventory>(Inventory.Key(id), kept => kept ?? new(asked));
            if (kept!.Request != asked)
            {
                return Problems.IdTaken(http, body.Id, "inventory", id);
            }

            return Answer(http, caller, await actors.Listing(asked.ProductId).Register(id, asked.Offer(), asked.Qty!.Value), 201);
        }).WithSummary("Offers a product; it has one listing.").Answers<InventoryResource>(201).Refuses(409, "id-conflict", "product-listed-already").Refuses(422, "idempotency-key-reused");

        inventories.MapGet("", async ([AsParameters] Search search, Caller caller, string? page, string? size, string? sort, HttpContext http, ReadModel lists) =>
        {
            var paging = new Paging(page, size, sort);
            if ((paging.Check().Failed() ?? search.Wrong()) is { } wrong)
            {
                return wrong;
            }

            // Who names neither a seller nor a product only looks around, and finds what anyone may see.
            var whole = (search.SellerId ?? search.ProductId) is not null && caller.Is(search.SellerId);
            var (views, total) = await lists.Query<InventoryResource>(
                InventoryResource.Kind, paging, search.LooksInside ? search.Finds : null,
                search.Status is null ? null : $"status={search.Status}", search.ProductId is null ? null : $"productid={search.ProductId}", search.SellerId is null ? null : $"sellerid={search.SellerId}",
                whole ? null : InventoryResource.Public);
            return Hal.List(http, InventoryResource.Kind, [.. views.Select(v => v.For(caller))], total, paging);
        }).AllowAnonymous().WithSummary("Searches what is offered: by text, near a point (latitude,longitude) within kilometres, by price, status, product, seller.").Lists<InventoryResource>(InventoryResource.Kind);

        inventories.MapGet("/{id}", async (string id, Caller caller, HttpContext http, AggregateStore store) =>
            await Seen(store, caller, id) is { } document
                ? Hal.Ok(http, InventoryResource.Of(document.State).For(caller), $"{document.Version}")
                : Problems.NotFound("inventory", id)).AllowAnonymous().WithSummary("Shows a listing; a hidden or withdrawn one to its seller alone.").Answers<InventoryResource>(200);

        inventories.MapGet("/{id}/adjustments", async (string id, Caller caller, HttpContext http, AggregateStore store) =>
            await Own(store, caller, id) is { State: var listing } document
                ? Hal.Ok(http, new AdjustmentsResource(id, listing.Qty, listing.Adjustments, new() { ["self"] = new($"/inventories/{id}/adjustments"), ["inventory"] = new($"/inventories/{id}") }), $"{document.Version}")
                : Problems.NotFound("inventory", id)).WithSummary("Tells its seller every coming and going of a listing's units.").Answers<AdjustmentsResource>(200);

        inventories.MapPatch("/{id}", async (string id, Caller caller, ChangeInventory body, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
            await Own(store, caller, id) is not { } document ? Problems.NotFound("inventory", id)
            : body.Wrong() ?? Hal.Stale(http, $"{document.Version}") ?? Answer(http, caller, await actors.Listing(document.State.ProductId).Change(body.Offer(), body.Qty, caller.UserId, Expected(http, document))))
            .WithSummary("Changes a listing; what is absent stays.").Answers<InventoryResource>(200).Refuses(409, "not-allowed-in-state", "units-promised");

        inventories.MapPut("/{id}/withdraw", async (string id, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
            await Own(store, caller, id) is not { } document ? Problems.NotFound("inventory", id)
            : Hal.Stale(http, $"{document.Version}") ?? Answer(http, caller, await actors.Listing(document.State.ProductId).Withdraw(caller.UserId, Expected(http, document))))
            .WithSummary("Takes a listing off the market; what is promised stays promised.").Answers<InventoryResource>(200);

        inventories.MapPictures();

        // For the reservation context: the listing as its next event would tell it, or 204. Never 404, which a breaker would count.
        routes.MapGet("/listings/{productid}", async (string productid, AggregateStore store) =>
        {
            var (document, _) = await store.Load(productid, new Listing(productid));
            return document.State.Id is null
                ? Results.NoContent()
                : TypedResults.Ok(document.State.Snapshot<ListingChanged>() with { Source = store.Source(productid), Version = document.Version, Part = (int)Event.PartsPerVersion - 1, Timestamp = store.Clock.GetUtcNow() });
        }).WithTags("Stock").AllowAnonymous().WithinTown().WithSummary("The listing of a product as its next event would tell it, or 204.").Produces<ListingChanged>().Produces(204);
    }

    // What is hidden or taken down is there for its seller alone.
    internal static async Task<Document<Listing>?> Seen(AggregateStore store, Caller caller, string id) =>
        await Find(store, id) is { } document && (document.State.IsPublic || caller.ActsFor(document.State.Offer.SellerId)) ? document : null;

    // What a seller does is for the seller of this listing; to others there is no such thing.
    internal static async Task<Document<Listing>?> Own(AggregateStore store, Caller caller, string id) =>
        await Find(store, id) is { } document && caller.ActsFor(document.State.Offer.SellerId) ? document : null;

    private static async Task<Listing> Listing(AggregateStore store, string productId) => (await store.Load(productId, new Listing(productId))).Document.State;

    private static long? Expected(HttpContext http, Document<Listing> document) => Hal.NamesVersion(http) ? document.Version : null;

    private static async Task<Document<Listing>?> Find(AggregateStore store, string id)
    {
        if (await store.Read<Inventory>(Inventory.Key(id)) is not { Request.ProductId: { } productId })
        {
            return null;
        }

        var (document, _) = await store.Load(productId, new Listing(productId));
        return document.State.Id == id ? document : null;
    }

    internal static IResult Answer(HttpContext http, Caller caller, Reply<Listing> reply, int status = 200) => reply.Refusal is { } refusal
        ? Problems.Refused(refusal)
        : Hal.Ok(http, InventoryResource.Of(reply.View!).For(caller), $"{reply.Version}", status, status == 201 ? $"/inventories/{reply.View!.Id}" : null);
}
