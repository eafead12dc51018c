using System.Text.Json;
using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

/// <summary>A notice as its addressee sees it: <c>status</c> is that of what it is about, <c>statusCode</c> whether it was read.</summary>
public sealed record NoticeResource(
    string Id, string UserId, string ProductId, string? ProductName, string Status, NoticeStatus StatusCode, string Message, string? MessageEn, string? ReservationId, DateTimeOffset CreatedAt,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public const string Kind = "notices";

    public static NoticeResource Of(Notice notice)
    {
        var links = new Dictionary<string, Link> { ["self"] = new($"/notices/{notice.Id}") };
        if (notice.ReservationId is { } reservation)
        {
            links["reserve"] = new($"/reserves/{reservation}");
        }

        if (notice.ReadAt is null)
        {
            links["read"] = new($"/notices/{notice.Id}/read", "PUT");
        }

        return new(
            notice.Id, notice.UserId, notice.ProductId, notice.ProductName, notice.Status, notice.StatusCode, notice.Message, notice.MessageEn, notice.ReservationId, notice.CreatedAt, links);
    }

    public static Row<NoticeResource> Row(Notice notice) => new(
        notice.Id, notice.Version, notice.CreatedAt.ToUnixTimeMilliseconds(),
        [$"userid={notice.UserId}", $"productid={notice.ProductId}", $"status={notice.Status}", $"status={notice.StatusCode.Korean()}", .. notice.ReservationId is { } reservation ? new[] { $"reservationid={reservation}" } : []],
        Of(notice));
}

[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(WriteNotice))]
[JsonSerializable(typeof(Notice))]
[JsonSerializable(typeof(NoticeResource))]
[JsonSerializable(typeof(HalList<NoticeResource>))]
[JsonSerializable(typeof(DeadLetter))]
[JsonSerializable(typeof(DeadLetterResource))]
[JsonSerializable(typeof(HalList<DeadLetterResource>))]
public sealed partial class NotificationJson : JsonSerializerContext;
