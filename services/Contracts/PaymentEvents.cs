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

public sealed record PaymentAuthorized : PaymentEvent;

public sealed record PaymentDeclined : PaymentEvent;

public sealed record PaymentUnknown : PaymentEvent;

public sealed record PaymentClaimed : PaymentEvent;

public sealed record PaymentCaptured : PaymentEvent;

public sealed record PaymentCaptureRefused : PaymentEvent;

public sealed record PaymentReleased : PaymentEvent;

public sealed record PaymentVoided : PaymentEvent;

public sealed record PaymentRefunded : PaymentEvent;

public sealed record PaymentExpired : PaymentEvent;
