using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>Whether the addressee has read a notice.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NoticeStatus>))]
public enum NoticeStatus
{
    [JsonStringEnumMemberName("UNREAD")] Unread,
    [JsonStringEnumMemberName("READ")] Read,
}

/// <summary>Someone was told something; <see cref="Event.Source"/> is <c>notification:{id}</c>.</summary>
public sealed record NoticeCreated : Event
{
    public string UserId { get; init; } = "";

    public string? ProductName { get; init; }

    /// <summary>The status, in Korean, of what the notice is about.</summary>
    public string Status { get; init; } = "";

    public string? Message { get; init; }

    public string? ReservationId { get; init; }

    public override string? CorrelationId => ReservationId;
}
