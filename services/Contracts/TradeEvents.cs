using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>Where a trade stands. A draft or refused one is no trade yet and has no name on the wire outside events.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TradeStatus>))]
public enum TradeStatus
{
    [JsonStringEnumMemberName("DRAFT")] Draft,
    [JsonStringEnumMemberName("REFUSED")] Refused,
    [JsonStringEnumMemberName("AWAITING_SELLER")] AwaitingSeller,
    [JsonStringEnumMemberName("IN_PROGRESS")] InProgress,
    [JsonStringEnumMemberName("HANDED_OVER")] HandedOver,
    [JsonStringEnumMemberName("COMPLETED")] Completed,
    [JsonStringEnumMemberName("DECLINED")] Declined,
    [JsonStringEnumMemberName("CANCELLED")] Cancelled,
    [JsonStringEnumMemberName("DISPUTED")] Disputed,
    [JsonStringEnumMemberName("RESOLVED")] Resolved,
}

/// <summary>A snapshot of a trade; its id is its reservation's, <see cref="Event.Source"/> is <c>trade:{id}</c>.</summary>
public record TradeEvent : Event
{
    public string? ProductName { get; init; }

    /// <summary>The buyer.</summary>
    public string UserId { get; init; } = "";

    public string? SellerId { get; init; }

    public int Qty { get; init; }

    /// <summary>Won for one unit.</summary>
    public long Price { get; init; }

    public string ReserveDt { get; init; } = "";

    public string? Address { get; init; }

    public string PaymentId { get; init; } = "";

    public TradeStatus StatusCode { get; init; }

    /// <summary>Whether the trade was cancelled because its reservation was.</summary>
    public bool ByReservation { get; init; }

    public string Status => StatusCode.Korean(ByReservation);

    public DateTimeOffset? AcceptBy { get; init; }

    public DateTimeOffset? CompleteBy { get; init; }

    public string? Reason { get; init; }

    public override string? CorrelationId => Id;
}

/// <summary>A trade exists; it waits for the seller's word unless the listing is sold at once.</summary>
public sealed record TradeOpened : TradeEvent;

/// <summary>The trade goes ahead: the buyer's place and day are known to the seller.</summary>
public sealed record TradeAccepted : TradeEvent;

/// <summary>The payment could not be claimed, so there is no trade.</summary>
public sealed record TradeRefused : TradeEvent;

/// <summary>The thing has changed hands.</summary>
public sealed record TradeHandedOver : TradeEvent;

/// <summary>The buyer asked for more time to look at it.</summary>
public sealed record TradeDeferred : TradeEvent;

/// <summary>The buyer is content, or the time to say otherwise has passed.</summary>
public sealed record TradeCompleted : TradeEvent;

/// <summary>The trade ended before the hand-over; <see cref="TradeEvent.Reason"/> says why.</summary>
public sealed record TradeCanceled : TradeEvent;

/// <summary>The reservation was to be cancelled, but the thing had changed hands.</summary>
public sealed record TradeCancelRefused : TradeEvent;

/// <summary>The buyer says that something is wrong; the money stays in escrow.</summary>
public sealed record TradeDisputed : TradeEvent;

/// <summary>A dispute was settled: the money goes to the seller, or back to the buyer where <see cref="Refund"/> is set.</summary>
public sealed record TradeResolved : TradeEvent
{
    public bool Refund { get; init; }
}
