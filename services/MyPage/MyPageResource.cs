using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

/// <summary>One line of what happened; <c>by</c> is whose doing it was, <c>BUYER</c>, <c>SELLER</c> or the <c>TOWN</c>'s own, and absent where the event does not say.</summary>
public sealed record TimelineEntry(DateTimeOffset At, string EventType, string Status, string? Reason, string? By)
{
    public static TimelineEntry Of(Heard e) => new(e.At, e.EventType, e.Status, e.Reason, Doer(e));

    // Why a dispute was opened is in the buyer's own words, and a payment only follows what others do.
    private static string? Doer(Heard e) => e switch
    {
        { Payment: not null } => "TOWN",
        { EventType: nameof(ReserveRequested) or nameof(TradeDeferred) or nameof(TradeDisputed) } or { Reason: "by-buyer" } => "BUYER",
        { Reason: "by-seller" or "declined-by-seller" or "withdrawn" or "units-taken-back" } => "SELLER",
        { EventType: nameof(TradeCompleted), Reason: not "not-objected" } => "BUYER",

        // Either may say that the goods have changed hands; a trade may be accepted by its seller or at once.
        { EventType: nameof(TradeHandedOver) or nameof(TradeAccepted) } => null,
        _ => "TOWN",
    };
}

/// <summary>A row of my page; <c>role</c> is what whoever asks is in it, <c>BUYER</c> or <c>SELLER</c>.</summary>
public sealed record MyPageResource(
    string ReservationId, string? Role, string ProductId, string? ProductName, string UserId, string? SellerId, int? Qty, long? Price, string? ReserveDt, string? Address,
    string Status, string? Reason, string? ReserveStatus, ReserveStatus? ReserveStatusCode, string? TradeStatus, TradeStatus? TradeStatusCode,
    string? PaymentStatus, PaymentStatus? PaymentStatusCode, DateTimeOffset? PayBy, DateTimeOffset RequestedAt,
    IReadOnlyList<TimelineEntry> Timeline, IReadOnlyDictionary<string, long> Watermarks,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public static MyPageResource Of(MyPageRow row, string? reader)
    {
        var links = new Dictionary<string, Link> { ["self"] = new($"/mypages/{row.ReservationId}"), ["reserve"] = new($"/reserves/{row.ReservationId}") };
        if (row.TradeStatusCode is not null)
        {
            links["trade"] = new($"/trades/{row.ReservationId}");
        }

        if (row.PaymentStatusCode is not null)
        {
            links["payment"] = new($"/payments/{row.ReservationId}");
        }

        return new(
            row.ReservationId, reader is null ? null : reader == row.UserId ? "BUYER" : reader == row.SellerId ? "SELLER" : null, row.ProductId, row.ProductName, row.UserId, row.SellerId,
            row.Qty, row.Price, row.ReserveDt, row.Address, row.Status, row.Reason, row.ReserveStatusCode?.Korean(), row.ReserveStatusCode,
            row.TradeStatus, row.TradeStatusCode, row.PaymentStatusCode?.Korean(), row.PaymentStatusCode, row.PayBy, row.Since,
            [.. row.Events.Select(TimelineEntry.Of)], row.Watermarks, links);
    }
}

/// <summary>How far behind my page is on one topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Applied">How many of its events changed something.</param>
/// <param name="LastEventAt">When the last of them happened.</param>
/// <param name="BehindMs">How old that one was when it was applied, in milliseconds.</param>
public sealed record TopicLag(string Topic, long Applied, DateTimeOffset? LastEventAt, long? BehindMs);

/// <summary>How many rows a rebuild looked at, and which it found to differ from what their events make.</summary>
public sealed record Rebuilt(int Rows, int Differences, IReadOnlyList<string> Changed);

[JsonSerializable(typeof(MyPageRow))]
[JsonSerializable(typeof(MyPageResource))]
[JsonSerializable(typeof(HalList<MyPageResource>))]
[JsonSerializable(typeof(HalList<TopicLag>))]
[JsonSerializable(typeof(Rebuilt))]
public sealed partial class MyPageJson : JsonSerializerContext;
