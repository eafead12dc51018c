using System.Collections.Immutable;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>What a buyer asks for, as it came in.</summary>
public sealed record PlaceReserve(
    string? Id, string? ProductId, string? UserId, string? ProductName, int? Qty, string? ReserveDt, string? Address, long? Price) : ValidatedRequest
{
    public override Check Check() => new Check()
        .Id(Id, "id", required: false)
        .Id(ProductId, "productid")
        .Text(UserId, "userid", required: true, longest: Caller.LongestName)
        .Text(ProductName, "productname", required: false)
        .Number(Qty, "qty", 1, 1000)
        .Text(ReserveDt, "reserveDt", required: true)
        .That(MeetingDay.End(ReserveDt) is not null, "reserveDt", "reserveDt must be a date (2027-04-04) or an instant (2027-04-04T18:30:00+09:00).")
        .Text(Address, "address", required: false)
        .Number(Price, "price", 1, 1_000_000_000_000, required: false);

    public Reserve Open(DateTimeOffset now, string? trace) =>
        new(Id!, UserId!, ProductName, Qty!.Value, Price, ReserveDt!, Address, MeetingDay.End(ReserveDt)!.Value, now) { Price = Price ?? 0, TraceParent = trace };
}

/// <summary>One line of a reservation's story.</summary>
public sealed record JournalLine(DateTimeOffset At, string EventType, string Status, string? Reason, DateTimeOffset? Until, bool Promoted, long Order);

/// <summary>A reservation's record: written before anything is decided, then brought up to its product's book; finished reservations are stored only here.</summary>
public sealed record Journal(PlaceReserve Request, DateTimeOffset At, Reserve Last, ImmutableList<JournalLine> Timeline)
{
    public static string Key(string id) => $"Reserve-{id}";

    /// <summary>The journal brought up to the book's document; itself if it is so already.</summary>
    public Journal Follow(Document<ProductBook> book)
    {
        var known = Timeline.LastOrDefault()?.Order ?? 0;
        var lines = book.Outbox.Where(e => e.Subject == Request.Id && e.Order > known).Select(e =>
        {
            var told = e.Data.GetProperty("status").GetString()!;
            return new JournalLine(
                e.Data.GetProperty("timestamp").GetDateTimeOffset(), e.Type, told,
                e.Data.TryGetProperty("reason", out var reason) ? reason.GetString() : null,
                e.Data.TryGetProperty("payBy", out var payBy) ? payBy.GetDateTimeOffset() : null,
                e.Data.GetProperty("promoted").GetBoolean(), e.Order);
        }).ToList();
        var last = book.State.Find(Request.Id!) is { } entry && entry.Version > Last.Version ? entry : Last;
        return lines.Count == 0 && ReferenceEquals(last, Last) ? this : this with { Last = last, Timeline = Timeline.AddRange(lines) };
    }
}
