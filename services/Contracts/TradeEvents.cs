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

public sealed record TradeOpened : TradeEvent;

public sealed record TradeAccepted : TradeEvent;

public sealed record TradeRefused : TradeEvent;

public sealed record TradeHandedOver : TradeEvent;

public sealed record TradeDeferred : TradeEvent;

public sealed record TradeCompleted : TradeEvent;

public sealed record TradeCanceled : TradeEvent;

public sealed record TradeCancelRefused : TradeEvent;

public sealed record TradeDisputed : TradeEvent;

/// <summary>A dispute was settled: the money goes to the seller, or back to the buyer where <see cref="Refund"/> is set.</summary>
public sealed record TradeResolved : TradeEvent
{
    public bool Refund { get; init; }
}
