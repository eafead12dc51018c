using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

/// <summary>What one person is told of one thing that happened.</summary>
public sealed record Notice(
    string Id, string UserId, string ProductId, string? ProductName, string Status, string Message, string? ReservationId, DateTimeOffset CreatedAt)
{
    /// <summary>The message in English; <see cref="Message"/> is in Korean, or as whoever wrote it worded it, and then there is no other.</summary>
    public string? MessageEn { get; init; }

    public DateTimeOffset? ReadAt { get; init; }

    /// <summary>Whether everyone who must know of the notice does: the lists, the stream, the topic.</summary>
    public bool Told { get; init; }

    public NoticeStatus StatusCode => ReadAt is null ? NoticeStatus.Unread : NoticeStatus.Read;

    /// <summary>Created is 1, read is 2; nothing else can happen to a notice.</summary>
    public long Version => ReadAt is null ? 1 : 2;

    public static string Key(string id) => $"Notice-{id}";

    public Notice Read(DateTimeOffset now) => ReadAt is null ? this with { ReadAt = now } : this;

    /// <summary>Whether both say the same to the same person, whenever that was.</summary>
    public bool SaysTheSame(Notice other) => this with { ReadAt = null, Told = false, CreatedAt = default } == other with { ReadAt = null, Told = false, CreatedAt = default };

    public NoticeCreated Created(string source) => new()
    {
        Id = Id,
        ProductId = ProductId,
        Source = source,
        Version = 1,
        Part = 1,
        Timestamp = CreatedAt,
        UserId = UserId,
        ProductName = ProductName,
        Status = Status,
        Message = Message,
        ReservationId = ReservationId,
    };
}

/// <summary>A notice as a caller of <c>POST /notices</c> writes it.</summary>
public sealed record WriteNotice(string? Id, string? ProductId, string? UserId, string? ProductName, string? Status, string? Message, string? ReservationId) : ValidatedRequest
{
    public override Check Check() => new Check()
        // The id of an event's notice is a number that anyone can work out: whoever took it first would keep its addressee from being told.
        .ChosenId(Id, "id")
        .Id(ProductId, "productid")
        .Text(UserId, "userid", required: true, longest: Caller.LongestName)
        .Text(ProductName, "productname")
        .Text(Status, "status", longest: 64)
        .Text(Message, "message", longest: 500)
        .Id(ReservationId, "reservationid", required: false);

    public Notice Open(string id, DateTimeOffset now)
    {
        var status = Status ?? "알림";
        return new(id, UserId!, ProductId!, ProductName, status, Message ?? $"{ProductName ?? $"상품 {ProductId}"}: {status}", ReservationId, now);
    }
}
