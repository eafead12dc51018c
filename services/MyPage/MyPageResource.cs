using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

/// <summary>One line of what happened.</summary>
public sealed record TimelineEntry(DateTimeOffset At, string EventType, string Status, string? Reason);

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
            [.. row.Events.Select(e => new TimelineEntry(e.At, e.EventType, e.Status, e.Reason))], row.Watermarks, links);
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
