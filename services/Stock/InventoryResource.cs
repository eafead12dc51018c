using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

/// <summary>What a seller sends to offer something.</summary>
public sealed record RegisterInventory(
    string? Id, string? ProductId, string? ProductName, int? Qty, string? SellerId, long? Price, string? Description, double? Latitude, double? Longitude, bool? Instant) : ValidatedRequest
{
    public override Check Check() => new Check()
        .Id(Id, "id", required: false)
        .Id(ProductId, "productid", required: false)
        .Text(ProductName, "productname", required: true)
        .Number(Qty, "qty", 1, 1000)
        .Text(SellerId, "sellerid", longest: Caller.LongestName)
        .Number(Price, "price", 1, 1_000_000_000_000, required: false)
        .Text(Description, "description", longest: 4000)
        .At(Latitude, Longitude);

    public Offer Offer() => new(ProductName, SellerId, Price, Description, Latitude is { } lat ? new(lat, Longitude!.Value) : null, Instant, null);
}

/// <summary>What a seller changes; what is absent stays, an empty description takes it away, and <c>placeless: true</c> the place. <c>qty</c> is how many units are left from now on.</summary>
public sealed record ChangeInventory(string? ProductName, int? Qty, long? Price, string? Description, double? Latitude, double? Longitude, bool? Instant, bool? Hidden, bool? Placeless = null) : ValidatedRequest
{
    public override Check Check() => new Check()
        .Text(ProductName, "productname")
        .Number(Qty, "qty", 0, 1000, required: false)
        .Number(Price, "price", 1, 1_000_000_000_000, required: false)
        .Text(Description, "description", longest: 4000, clears: true)
        .At(Latitude, Longitude)
        .That(Placeless != true || (Latitude ?? Longitude) is null, "placeless", "placeless goes without latitude and longitude.");

    public Offer Offer() => new(ProductName, null, Price, Description, Latitude is { } lat ? new(Points.About(lat)!.Value, Points.About(Longitude)!.Value) : null, Instant, Hidden, Placeless);
}

/// <summary>Which inventory stands for which product, and how it was asked for; written once, before anything else.</summary>
public sealed record Inventory(RegisterInventory Request)
{
    public static string Key(string id) => $"Inventory-{id}";
}

/// <summary>A listing as people see it.</summary>
public sealed record InventoryResource(
    string Id, string ProductId, string? ProductName, int Qty, string? SellerId, long? Price, string? Description, double? Latitude, double? Longitude, bool Instant,
    string Status, InventoryStatus StatusCode, DateTimeOffset RegisteredAt, IReadOnlyList<Link> Pictures, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public const string Kind = "inventories";

    /// <summary>The facet of what anyone may see.</summary>
    public const string Public = "public=yes";

    public static InventoryResource Of(Listing listing)
    {
        var path = $"/inventories/{listing.Id}";
        var links = new Dictionary<string, Link> { ["self"] = new(path), ["adjustments"] = new($"{path}/adjustments"), ["queue"] = new($"/products/{listing.ProductId}/queue") };
        if (listing.Allowed.Count > 0)
        {
            links["change"] = new(path, "PATCH");
            links["withdraw"] = new($"{path}/withdraw", "PUT");
            if (listing.Pictures.Count < Listing.MostPictures)
            {
                links["pictures"] = new($"{path}/pictures", "POST");
            }
        }

        return new(
            listing.Id!, listing.ProductId, listing.Offer.ProductName, listing.Qty, listing.Offer.SellerId, listing.Offer.Price, listing.Offer.Description,
            listing.Offer.Place?.Latitude, listing.Offer.Place?.Longitude, listing.Offer.Instant ?? true, listing.Status.Korean(), listing.Status, listing.RegisteredAt,
            [.. listing.Pictures.Select(p => new Link($"{path}/pictures/{p.Name}"))], links);
    }

    /// <summary>The same without what only its seller may do.</summary>
    public InventoryResource For(Caller caller) =>
        caller.ActsFor(SellerId) ? this : this with { Links = Links.Where(l => l.Key is "self" or "queue").ToDictionary() };

    public static Row<InventoryResource> Row(Document<Listing> document) => new(
        document.State.Id!, document.Version, document.State.RegisteredAt.ToUnixTimeMilliseconds(),
        [
            $"productid={document.State.ProductId}", $"status={document.State.Status.Korean()}",
            .. document.State.Offer.SellerId is { } seller ? new[] { $"sellerid={seller}" } : [],
            .. document.State.IsPublic ? new[] { Public } : [],
        ],
        Of(document.State));
}

/// <summary>Every coming and going of units, oldest first; their sum is the quantity.</summary>
public sealed record AdjustmentsResource(string Id, int Qty, IReadOnlyList<Adjustment> Adjustments, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

/// <summary>Distances between places on the globe, and places rounded so that nobody's door is told.</summary>
internal static class Points
{
    public static Check At(this Check check, double? latitude, double? longitude) => check
        .That(latitude is null or (>= -90 and <= 90), "latitude", "latitude must be from -90 to 90 degrees.")
        .That(longitude is null or (>= -180 and <= 180), "longitude", "longitude must be from -180 to 180 degrees.")
        .That(latitude is null == longitude is null, latitude is null ? "latitude" : "longitude", "latitude and longitude go together.");

    /// <summary>A degree to a hundred metres: nearer than that the town does not know where anyone lives.</summary>
    public static double? About(double? degrees) => degrees is { } exact ? Math.Round(exact, 3) : null;

    /// <summary>Kilometres between two points along the surface.</summary>
    public static double Kilometres(double latitude, double longitude, double toLatitude, double toLongitude)
    {
        var (a, b) = (double.DegreesToRadians(latitude), double.DegreesToRadians(toLatitude));
        var half = Math.Pow(Math.Sin((b - a) / 2), 2) + (Math.Cos(a) * Math.Cos(b) * Math.Pow(Math.Sin(double.DegreesToRadians(toLongitude - longitude) / 2), 2));
        return 2 * 6371 * Math.Asin(Math.Sqrt(half));
    }
}

[JsonSerializable(typeof(RegisterInventory))]
[JsonSerializable(typeof(ChangeInventory))]
[JsonSerializable(typeof(Inventory))]
[JsonSerializable(typeof(Document<Listing>))]
[JsonSerializable(typeof(Reply<Listing>))]
[JsonSerializable(typeof(InventoryResource))]
[JsonSerializable(typeof(HalList<InventoryResource>))]
[JsonSerializable(typeof(AdjustmentsResource))]
public sealed partial class StockJson : JsonSerializerContext;
