using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>Where the money of one reservation is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PaymentStatus>))]
public enum PaymentStatus
{
    [JsonStringEnumMemberName("PENDING")] Pending,
    [JsonStringEnumMemberName("AUTHORIZED")] Authorized,
    [JsonStringEnumMemberName("CLAIMED")] Claimed,
    [JsonStringEnumMemberName("CAPTURED")] Captured,
    [JsonStringEnumMemberName("RELEASED")] Released,
    [JsonStringEnumMemberName("VOIDED")] Voided,
    [JsonStringEnumMemberName("REFUNDED")] Refunded,
    [JsonStringEnumMemberName("DECLINED")] Declined,
    [JsonStringEnumMemberName("EXPIRED")] Expired,
    [JsonStringEnumMemberName("UNKNOWN")] Unknown,
}

/// <summary>A snapshot of a payment; its id is its reservation's, <see cref="Event.Source"/> is <c>payment:{id}</c>.</summary>
public record PaymentEvent : Event
{
    public string ReservationId { get; init; } = "";

    /// <summary>Who pays.</summary>
    public string UserId { get; init; } = "";

    /// <summary>Won, for all units together.</summary>
    public long Amount { get; init; }

    public PaymentStatus StatusCode { get; init; }

    public string Status => StatusCode.Korean();

    /// <summary>The trade that has claimed the payment.</summary>
    public string? TradeId { get; init; }

    public string? Reason { get; init; }

    public override string? CorrelationId => ReservationId;
}

/// <summary>The provider keeps the amount for us; nothing is taken yet.</summary>
public sealed record PaymentAuthorized : PaymentEvent;

/// <summary>The provider refused.</summary>
public sealed record PaymentDeclined : PaymentEvent;

/// <summary>The provider's answer was lost; it is asked until it is known.</summary>
public sealed record PaymentUnknown : PaymentEvent;

/// <summary>One trade, and only it, may have the money.</summary>
public sealed record PaymentClaimed : PaymentEvent;

/// <summary>The money was taken and is kept in escrow.</summary>
public sealed record PaymentCaptured : PaymentEvent;

/// <summary>The provider would not give the money it had authorised.</summary>
public sealed record PaymentCaptureRefused : PaymentEvent;

/// <summary>The seller was paid.</summary>
public sealed record PaymentReleased : PaymentEvent;

/// <summary>The authorisation was given up; nothing was taken.</summary>
public sealed record PaymentVoided : PaymentEvent;

/// <summary>The buyer has the money back.</summary>
public sealed record PaymentRefunded : PaymentEvent;

/// <summary>The authorisation grew too old before a trade claimed it.</summary>
public sealed record PaymentExpired : PaymentEvent;
