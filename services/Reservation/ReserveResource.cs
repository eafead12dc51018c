using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>A reservation as people see it; <c>_links</c> holds only what may be done now.</summary>
public sealed record ReserveResource(
    string Id, string ProductId, string? ProductName, string UserId, string? SellerId, int Qty, long? Price, string ReserveDt, string? Address,
    string Status, ReserveStatus StatusCode, int? Position, DateTimeOffset? PayBy, string? PaymentId, bool Promoted, string? Reason, DateTimeOffset RequestedAt,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public const string Kind = "reserves";

    /// <summary>The reservation as the caller sees it.</summary>
    public static ReserveResource Of(Journal journal, int? position, Caller caller)
    {
        // The place is between the two only once the trade is accepted.
        var whole = Of(journal, position);
        return caller.Is(whole.UserId) || (caller.Is(whole.SellerId) && journal.Last.Accepted) ? whole.For(caller) : whole.For(caller) with { Address = null };
    }

    /// <summary>Whether a deadline may have passed since this was written.</summary>
    public bool IsOverdue(DateTimeOffset now, ReservationTerms terms) => StatusCode switch
    {
        ReserveStatus.Requested => RequestedAt + terms.DecideWithin <= now,
        ReserveStatus.Waitlisted => MeetingDay.End(ReserveDt) <= now,
        ReserveStatus.Held => PayBy <= now,
        _ => false,
    };

    /// <summary>This without what only the buyer may do, for one who is not.</summary>
    public ReserveResource For(Caller caller) => caller.Is(UserId) ? this : this with
    {
        Links = Links.Where(l => l.Key != "pay" && !(l.Key == "reservecancel" && StatusCode is ReserveStatus.Requested or ReserveStatus.Waitlisted)).ToDictionary(),
    };

    /// <summary>The reservation as its buyer sees it.</summary>
    public static ReserveResource Of(Journal journal, int? position)
    {
        var (reserve, path) = (journal.Last, $"/reserves/{journal.Request.Id}");
        var links = new Dictionary<string, Link> { ["self"] = new(path), ["timeline"] = new($"{path}/timeline") };
        foreach (var action in reserve.Allowed)
        {
            links[action] = new($"{path}/{action}", "PUT");
        }

        return new(
            reserve.Id, journal.Request.ProductId!, reserve.ProductName, reserve.UserId, reserve.SellerId, reserve.Qty, reserve.Price == 0 ? null : reserve.Price,
            reserve.ReserveDt, reserve.Address, reserve.Status.Korean(), reserve.Status, position,
            reserve.Status == ReserveStatus.Held ? reserve.PayBy : null, reserve.PaymentId, reserve.Promoted, reserve.Reason, journal.At, links);
    }

    /// <summary>How many are in each status that does not last.</summary>
    public static IEnumerable<Measurement<long>> Counts(IServiceProvider services) =>
        new[] { ReserveStatus.Requested, ReserveStatus.Waitlisted, ReserveStatus.Held, ReserveStatus.CancelPending }.Select(status => new Measurement<long>(
            services.GetRequiredService<ReadModel>().Count(Kind, $"status={status.Korean()}"), new KeyValuePair<string, object?>("town.status", JsonNamingPolicy.SnakeCaseUpper.ConvertName($"{status}"))));

    // Without the place in the queue, which changes whenever one ahead leaves: that is read from the book.
    public static Row<ReserveResource> Row(Journal journal) => new(
        journal.Request.Id!, journal.Last.Version, journal.At.ToUnixTimeMilliseconds(),
        [
            $"userid={journal.Last.UserId}", $"productid={journal.Request.ProductId}", $"status={journal.Last.Status.Korean()}",
            .. journal.Last.SellerId is { } seller ? new[] { $"userid={seller}" } : [],
            .. journal.Last.IsOpen ? new[] { $"open={journal.Last.UserId}" } : [],
        ],
        Of(journal, null));
}

/// <summary>What happened to a reservation, oldest first.</summary>
public sealed record TimelineResource(string Id, IReadOnlyList<JournalLine> Timeline, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

/// <summary>How many wait for a product and what is free of it; <c>position</c> is the asker's own.</summary>
public sealed record QueueResource(string ProductId, int Free, int Waiting, int? Position, [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

[JsonSerializable(typeof(PlaceReserve))]
[JsonSerializable(typeof(Journal))]
[JsonSerializable(typeof(Document<ProductBook>))]
[JsonSerializable(typeof(Reply<Reserve>))]
[JsonSerializable(typeof(Reply<ProductBook>))]
[JsonSerializable(typeof(AuthorisePayment))]
[JsonSerializable(typeof(PaymentAnswer))]
[JsonSerializable(typeof(ReserveResource))]
[JsonSerializable(typeof(HalList<ReserveResource>))]
[JsonSerializable(typeof(TimelineResource))]
[JsonSerializable(typeof(QueueResource))]
[JsonSerializable(typeof(TradeResolved))]
public sealed partial class ReservationJson : JsonSerializerContext;
