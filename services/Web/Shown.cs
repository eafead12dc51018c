using System.Text.Json.Serialization;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Web;

/// <summary>A page of a list, of whatever kind.</summary>
public sealed record ListOf<T>([property: JsonPropertyName("_embedded")] Dictionary<string, IReadOnlyList<T>> Embedded, PageInfo Page)
{
    [JsonIgnore]
    public IReadOnlyList<T> All => Embedded.Values.First();
}

/// <summary>Something for sale.</summary>
public sealed record Listing(
    string Id, string ProductId, string? ProductName, int Qty, string? SellerId, long? Price, string? Description, double? Latitude, double? Longitude,
    bool Instant, string Status, string StatusCode, IReadOnlyList<Link>? Pictures, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    /// <summary>Where a browser finds a picture; one that its seller alone may see it cannot ask the services for, having no token to show.</summary>
    public string AddressOf(Link picture) => StatusCode is "HIDDEN" or "WITHDRAWN" ? picture.Href.Replace("/inventories/", "/items/", StringComparison.Ordinal) : picture.Href;
}

/// <summary>How many wait for a product, what is free of it, and the visitor's own place.</summary>
public sealed record Queue(int Free, int Waiting, int? Position);

/// <summary>A reservation with what may be done with it now.</summary>
public sealed record Reserve(
    string Id, string ProductId, string? ProductName, string UserId, string? SellerId, int Qty, long? Price, string ReserveDt, string? Address, string Status, string StatusCode,
    int? Position, DateTimeOffset? PayBy, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    /// <summary>The little of its story that a reservation knows by itself.</summary>
    public Story AsStory() => new(Id, null, ProductId, ProductName, UserId, SellerId, Qty, Price, ReserveDt, Status, StatusCode, null, null, []);
}

/// <summary>A trade with what may be done with it now.</summary>
public sealed record Trade(
    string Id, string? ProductName, string UserId, string? SellerId, int Qty, long Price, string? Reason,
    string StatusCode, string Status, string? Address, DateTimeOffset? AcceptBy, DateTimeOffset? CompleteBy, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

/// <summary>A reservation with its trade and payment, as my page tells it.</summary>
public sealed record Story(
    string ReservationId, string? Role, string ProductId, string? ProductName, string UserId, string? SellerId, int? Qty, long? Price, string? ReserveDt,
    string Status, string? ReserveStatusCode, string? TradeStatusCode, string? PaymentStatus, IReadOnlyList<StoryLine> Timeline)
{
    /// <summary>Whether the buyer or the seller can still act on the trade; how a dispute ends is the operator's to say.</summary>
    [JsonIgnore]
    public bool HasTradeActions => !IsOver && TradeStatusCode is not (null or "DISPUTED");

    /// <summary>Whether the buyer or the seller can still act on the reservation, which takes part until the goods are handed over.</summary>
    [JsonIgnore]
    public bool HasReserveActions => !IsOver && TradeStatusCode is not ("HANDED_OVER" or "DISPUTED");

    /// <summary>Whether nothing can be done with it any more.</summary>
    [JsonIgnore]
    public bool IsOver => TradeStatusCode is "COMPLETED" or "DECLINED" or "CANCELLED" or "RESOLVED"
        || (TradeStatusCode is null && ReserveStatusCode is "CANCELLED" or "EXPIRED" or "REJECTED" or "FULFILLED");
}

/// <summary>One line of what happened.</summary>
public sealed record StoryLine(DateTimeOffset At, string EventType, string Status, string? Reason, string? By);

/// <summary>A notice to the visitor.</summary>
public sealed record Notice(
    string Id, string ProductId, string? ProductName, string Status, string StatusCode, string Message, string? MessageEn, string? ReservationId, string UserId, DateTimeOffset CreatedAt);

/// <summary>How far behind my page is on one topic.</summary>
public sealed record TopicLag(string Topic, long Applied, DateTimeOffset? LastEventAt, long? BehindMs);

/// <summary>An event that an app could not take in.</summary>
public sealed record DeadLetter(string Id, string App, string? Topic, string? Type, string? Key, DateTimeOffset At, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

/// <summary>The town's books beside the payment provider's.</summary>
public sealed record Reconciliation(int Payments, long Captured, long Escrow, long Released, long Refunded, bool Balanced, IReadOnlyList<Difference> Differences);

/// <summary>A payment of which the two say different things.</summary>
public sealed record Difference(string Key, string Ours, string Theirs);
