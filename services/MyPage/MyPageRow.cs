using System.Collections.Immutable;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.MyPages;

/// <summary>
/// A reservation with its trade and its payment, as the two people see it. Folded from the set of events heard, never from the order in
/// which they came: each part shows the newest event of its source, the timeline each event once.
/// </summary>
public sealed record MyPageRow(string ReservationId)
{
    public string ProductId { get; init; } = "";

    public string? ProductName { get; init; }

    /// <summary>The buyer.</summary>
    public string UserId { get; init; } = "";

    public string? SellerId { get; init; }

    public int? Qty { get; init; }

    public long? Price { get; init; }

    public string? ReserveDt { get; init; }

    public string? Address { get; init; }

    public ReserveStatus? ReserveStatusCode { get; init; }

    public TradeStatus? TradeStatusCode { get; init; }

    public PaymentStatus? PaymentStatusCode { get; init; }

    /// <summary>The trade's status in words, which for a cancelled one say through what.</summary>
    public string? TradeStatus { get; init; }

    /// <summary>The one status a person wants to see.</summary>
    public string Status { get; init; } = "";

    public string? Reason { get; init; }


    public DateTimeOffset? PayBy { get; init; }

    /// <summary>When the first of it happened.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>By source, the newest place among its events that the row shows.</summary>
    public ImmutableSortedDictionary<string, long> Watermarks { get; init; } = ImmutableSortedDictionary<string, long>.Empty;

    /// <summary>All that the row was folded from, each source's in its own order and otherwise in order of time; the timeline, and what a rebuild starts with.</summary>
    public ImmutableList<Heard> Events { get; init; } = [];

    /// <summary>The row after one more event; itself if it has had that event.</summary>
    public MyPageRow Hear(Heard e) => Events.Any(known => known.Source == e.Source && known.Order == e.Order) ? this : Fold(ReservationId, Events.Add(e));

    /// <summary>The row that the events make, whatever their order.</summary>
    public static MyPageRow Fold(string reservationId, IEnumerable<Heard> heard)
    {
        var events = InTime(heard);
        var reserve = Newest(events.Where(e => e.Reserve is not null));

        // A draft or a refused claim is no trade and has no name outside the events.
        var trade = Newest(events.Where(e => e.Trade is not null)) is { Trade: not (Contracts.TradeStatus.Draft or Contracts.TradeStatus.Refused) } opened ? opened : null;
        var payment = Newest(events.Where(e => e.Payment is not null));
        var shown = Shown(reserve, trade, payment);
        return new(reservationId)
        {
            ProductId = (reserve ?? trade ?? payment)?.ProductId ?? "",
            ProductName = reserve?.ProductName ?? trade?.ProductName,
            UserId = (reserve ?? trade ?? payment)?.UserId ?? "",
            SellerId = reserve?.SellerId ?? trade?.SellerId,
            Qty = reserve?.Qty ?? trade?.Qty,
            Price = reserve?.Price ?? trade?.Price,
            ReserveDt = reserve?.ReserveDt ?? trade?.ReserveDt,
            Address = trade?.Address,
            ReserveStatusCode = reserve?.Reserve,
            TradeStatusCode = trade?.Trade,
            PaymentStatusCode = payment?.Payment,
            TradeStatus = trade?.Status,
            Status = shown?.Status ?? "",
            Reason = shown?.Reason,
            PayBy = reserve?.PayBy,
            Since = events.IsEmpty ? default : events[0].At,
            Watermarks = events.GroupBy(e => e.Source).ToImmutableSortedDictionary(of => of.Key, of => of.Max(e => e.Order), StringComparer.Ordinal),
            Events = events,
        };
    }

    /// <summary>The part that speaks for the whole: the trade once there is one, but a cancellation under way before it.</summary>
    private static Heard? Shown(Heard? reserve, Heard? trade, Heard? payment) => (reserve, trade) switch
    {
        ({ Reserve: ReserveStatus.CancelPending }, null or { Trade: Contracts.TradeStatus.AwaitingSeller or Contracts.TradeStatus.InProgress }) => reserve,
        _ => trade ?? reserve ?? payment,
    };

    // A clock may step back and many events share one instant, but what a source has told before stays before: its events never sort earlier than those it told first.
    private static ImmutableList<Heard> InTime(IEnumerable<Heard> heard)
    {
        var placed = new List<((DateTimeOffset At, int Step) Place, Heard Event)>();
        foreach (var source in heard.GroupBy(e => e.Source))
        {
            var latest = (At: DateTimeOffset.MinValue, Step: 0);
            foreach (var e in source.OrderBy(e => e.Order))
            {
                latest = (e.At, Step(e)).CompareTo(latest) > 0 ? (e.At, Step(e)) : latest;
                placed.Add((latest, e));
            }
        }

        return [.. placed.OrderBy(p => p.Place).ThenBy(p => p.Event.Source, StringComparer.Ordinal).ThenBy(p => p.Event.Order).Select(p => p.Event)];
    }

    // Which of two events of one instant brought about the other.
    private static int Step(Heard e) => e.EventType switch
    {
        nameof(ReserveRequested) or nameof(ReserveHeld) or nameof(ReserveWaitlisted) or nameof(ReserveRejected) => 0,
        nameof(PaymentAuthorized) or nameof(PaymentDeclined) or nameof(PaymentUnknown) => 1,
        nameof(ReserveHoldExtended) or nameof(ReservePayable) or nameof(ReserveCompleted) => 2,
        nameof(PaymentClaimed) => 3,
        nameof(TradeOpened) or nameof(TradeAccepted) or nameof(TradeRefused) => 4,
        nameof(PaymentCaptured) or nameof(PaymentCaptureRefused) => 5,
        nameof(ReserveCancelRequested) => 6,
        _ when e.Trade is not null => 7,
        _ when e.Payment is not null => 8,
        _ => 9,
    };

    private static Heard? Newest(IEnumerable<Heard> part) => part.MaxBy(e => e.Order);
}
