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

/// <summary>A reservation was written down; whether it gets a unit is decided next.</summary>
public sealed record ReserveRequested : ReserveEvent;

/// <summary>A unit is kept for the buyer until it is paid or <see cref="ReserveEvent.PayBy"/> passes.</summary>
public sealed record ReserveHeld : ReserveEvent;

/// <summary>No unit is free: the buyer waits in the product's queue.</summary>
public sealed record ReserveWaitlisted : ReserveEvent;

/// <summary>The reservation cannot be had; <see cref="ReserveEvent.Reason"/> says why.</summary>
public sealed record ReserveRejected : ReserveEvent;

/// <summary>Payment could not be asked in time, so the buyer has longer, once.</summary>
public sealed record ReserveHoldExtended : ReserveEvent;

/// <summary>Payment is healthy again while an unpaid unit is still held: its buyer may pay now.</summary>
public sealed record ReservePayable : ReserveEvent;

/// <summary>The payment is authorised: the reservation is confirmed.</summary>
public sealed record ReserveCompleted : ReserveEvent;

/// <summary>A confirmed reservation is to be cancelled; it depends on whether its payment can still be voided.</summary>
public sealed record ReserveCancelRequested : ReserveEvent;

/// <summary>The trade had gone too far: the reservation stays confirmed.</summary>
public sealed record ReserveCancelRefused : ReserveEvent;

/// <summary>The reservation ended without a sale, and a unit it held is free unless it was handed over; <see cref="ReserveEvent.Reason"/> says why.</summary>
public sealed record ReserveCanceled : ReserveEvent;

/// <summary>The trade is complete.</summary>
public sealed record ReserveFulfilled : ReserveEvent;
