using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>Where a reservation stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReserveStatus>))]
public enum ReserveStatus
{
    [JsonStringEnumMemberName("REQUESTED")] Requested,
    [JsonStringEnumMemberName("WAITLISTED")] Waitlisted,
    [JsonStringEnumMemberName("HELD")] Held,
    [JsonStringEnumMemberName("CONFIRMED")] Confirmed,
    [JsonStringEnumMemberName("CANCEL_PENDING")] CancelPending,
    [JsonStringEnumMemberName("CANCELLED")] Cancelled,
    [JsonStringEnumMemberName("EXPIRED")] Expired,
    [JsonStringEnumMemberName("REJECTED")] Rejected,
    [JsonStringEnumMemberName("FULFILLED")] Fulfilled,
}

/// <summary>A snapshot of a reservation; <see cref="Event.Source"/> is <c>reservation:{productid}</c>, the product's book.</summary>
public record ReserveEvent : Event
{
    public string? ProductName { get; init; }

    /// <summary>The buyer.</summary>
    public string UserId { get; init; } = "";

    public string? SellerId { get; init; }

    public int Qty { get; init; }

    /// <summary>Won for one unit.</summary>
    public long Price { get; init; }

    /// <summary>When the two meet, as the buyer wrote it: a date (that day, Korean time) or an instant.</summary>
    public string ReserveDt { get; init; } = "";

    /// <summary>Where the two meet; for the seller's eyes only once the trade is accepted.</summary>
    public string? Address { get; init; }

    public bool Instant { get; init; } = true;

    public ReserveStatus StatusCode { get; init; }

    public string Status => StatusCode.Korean();

    /// <summary>The place in the waiting list when this happened, from 1.</summary>
    public int? Position { get; init; }

    /// <summary>Until when a held unit must be paid.</summary>
    public DateTimeOffset? PayBy { get; init; }

    public string? PaymentId { get; init; }

    /// <summary>Whether the unit came from the waiting list.</summary>
    public bool Promoted { get; init; }

    public string? Reason { get; init; }

    public override string? CorrelationId => Id;
}

public sealed record ReserveRequested : ReserveEvent;

public sealed record ReserveHeld : ReserveEvent;

public sealed record ReserveWaitlisted : ReserveEvent;

public sealed record ReserveRejected : ReserveEvent;

public sealed record ReserveHoldExtended : ReserveEvent;

/// <summary>Payment is healthy again while an unpaid unit is still held: its buyer may pay now.</summary>
public sealed record ReservePayable : ReserveEvent;

public sealed record ReserveCompleted : ReserveEvent;

public sealed record ReserveCancelRequested : ReserveEvent;

public sealed record ReserveCancelRefused : ReserveEvent;

public sealed record ReserveCanceled : ReserveEvent;

public sealed record ReserveFulfilled : ReserveEvent;
