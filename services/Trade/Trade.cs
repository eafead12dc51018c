using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Trades;

/// <summary>How long things may take; read from the section <c>Terms</c>.</summary>
public sealed record TradeTerms
{
    public TimeSpan AcceptWithin { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long after the hand-over a silent buyer is taken to be content.</summary>
    public TimeSpan CompleteWithin { get; init; } = TimeSpan.FromDays(3);

    /// <summary>How far a buyer may put that off, from the hand-over.</summary>
    public TimeSpan DeferAtMost { get; init; } = TimeSpan.FromDays(14);
}

/// <summary>What a trade is about, as the reservation told it.</summary>
public sealed record TradeTerm(
    string ProductId, string? ProductName, string UserId, string? SellerId, int Qty, long Price, string ReserveDt, string? Address, string PaymentId, bool Instant);

/// <summary>A trade, from the draft that waits for its payment to the end. There is no trade before its payment is claimed.</summary>
public sealed record Trade(string Id) : IAggregate<Trade>
{
    /// <summary>Null until anything was heard of the reservation.</summary>
    public TradeStatus? Status { get; init; }

    public TradeTerm? About { get; init; }

    public DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset? ClaimDue { get; init; }

    public int ClaimTried { get; init; }

    /// <summary>The reservation wants to cancel while it is not known yet whether the payment could be claimed.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether it ever was accepted: from then on the seller knows the place.</summary>
    public bool Accepted { get; init; }

    public bool Captured { get; init; }

    public bool Committed { get; init; }

    public DateTimeOffset? AcceptBy { get; init; }

    public DateTimeOffset? HandedOverAt { get; init; }

    public DateTimeOffset? CompleteBy { get; init; }

    public bool ByReservation { get; init; }

    public string? Reason { get; init; }

    [JsonIgnore]
    public TradeTerms Terms { get; init; } = new();

    private bool CanDefer => CompleteBy < HandedOverAt + Terms.DeferAtMost;

    /// <summary>Whether this is a trade that people can see.</summary>
    [JsonIgnore]
    public bool Exists => Status is not (null or TradeStatus.Draft or TradeStatus.Refused);

    [JsonIgnore]
    public DateTimeOffset? NextWake => Status switch
    {
        TradeStatus.Draft => ClaimDue,
        TradeStatus.AwaitingSeller => AcceptBy,
        TradeStatus.HandedOver => CompleteBy,
        _ => null,
    };

    /// <summary>Names the version that people see; it changes with whatever they are shown.</summary>
    [JsonIgnore]
    public string Tag => $"{Status}.{CompleteBy?.ToUnixTimeMilliseconds()}.{Captured}.{Committed}";

    /// <summary>What may be done now, by the names of the links.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Allowed => Status switch
    {
        TradeStatus.AwaitingSeller => ["accept", "decline", "cancel"],
        TradeStatus.InProgress when Captured && Committed => ["handover", "receive", "cancel"],
        TradeStatus.InProgress => ["cancel"],
        TradeStatus.HandedOver when CanDefer => ["complete", "defer", "dispute"],
        TradeStatus.HandedOver => ["complete", "dispute"],
        _ => [],
    };

    public Decision<Trade> Overdue(DateTimeOffset now) => Status switch
    {
        TradeStatus.AwaitingSeller when AcceptBy <= now => End("accept-timeout"),
        TradeStatus.HandedOver when CompleteBy <= now => To<TradeCompleted>(this with { Status = TradeStatus.Completed, Reason = "not-objected" }),
        _ => Unchanged.Already,
    };

    /// <summary>A paid reservation: stored as a draft; the claim is made outside, so that a dead payment holds up nobody's events.</summary>
    public Decision<Trade> Draft(ReserveEvent paid, DateTimeOffset now) => Status switch
    {
        null => this with
        {
            Status = TradeStatus.Draft,
            About = new(paid.ProductId, paid.ProductName, paid.UserId, paid.SellerId, paid.Qty, paid.Price, paid.ReserveDt, paid.Address, paid.PaymentId ?? paid.Id, paid.Instant),
            OpenedAt = now,
            ClaimDue = now,
        },
        _ => Unchanged.Already,
    };

    /// <summary>The reservation wants out: before the claim is known it waits for it, before the hand-over it has its way, after it not.</summary>
    public Decision<Trade> CancelForReservation(ReserveEvent asked) => Status switch
    {
        TradeStatus.Draft when !CancelRequested => this with { CancelRequested = true, Reason = asked.Reason },
        TradeStatus.AwaitingSeller or TradeStatus.InProgress => End(asked.Reason ?? "reservation-cancelled", byReservation: true),
        TradeStatus.HandedOver or TradeStatus.Completed or TradeStatus.Disputed or TradeStatus.Resolved => To<TradeCancelRefused>(this),
        _ => Unchanged.Already,
    };

    public Decision<Trade> Claimed(DateTimeOffset now) => Status switch
    {
        TradeStatus.Draft when CancelRequested => (this with { Status = TradeStatus.Cancelled, ByReservation = true, ClaimDue = null }).Tell<TradeCanceled>(),
        TradeStatus.Draft when About!.Instant => (this with { Status = TradeStatus.InProgress, Accepted = true, ClaimDue = null }).Tell<TradeOpened, TradeAccepted>(),
        TradeStatus.Draft => To<TradeOpened>(this with { Status = TradeStatus.AwaitingSeller, ClaimDue = null, AcceptBy = now + Terms.AcceptWithin }),
        _ => Unchanged.Already,
    };

    public Decision<Trade> ClaimRefused(string reason) => Status switch
    {
        TradeStatus.Draft => To<TradeRefused>(this with { Status = TradeStatus.Refused, ClaimDue = null, Reason = reason }),
        _ => Unchanged.Already,
    };

    public Decision<Trade> PaymentCaptured() => Captured ? Unchanged.Already : this with { Captured = true };

    public Decision<Trade> StockCommitted() => Committed ? Unchanged.Already : this with { Committed = true };

    /// <summary>Payment or stock could not do its part: nothing has been handed over, so nothing is owed.</summary>
    public Decision<Trade> Undone(string reason) => Status switch
    {
        TradeStatus.AwaitingSeller or TradeStatus.InProgress => End(reason),
        _ => Unchanged.Already,
    };

    public Decision<Trade> Accept(string? by) => Status switch
    {
        _ when Stranger(by, seller: true) => NotFound,
        TradeStatus.AwaitingSeller => To<TradeAccepted>(this with { Status = TradeStatus.InProgress, Accepted = true, AcceptBy = null }),
        TradeStatus.InProgress or TradeStatus.HandedOver or TradeStatus.Completed => Unchanged.Already,
        _ => Refuse("accepted"),
    };

    public Decision<Trade> Decline(string? by) => Status switch
    {
        _ when Stranger(by, seller: true) => NotFound,
        TradeStatus.AwaitingSeller => To<TradeCanceled>(this with { Status = TradeStatus.Declined, AcceptBy = null, Reason = "declined-by-seller" }),
        TradeStatus.Declined => Unchanged.Already,
        _ => Refuse("declined"),
    };

    /// <summary>The goods change hands: the seller says so, or the buyer does.</summary>
    public Decision<Trade> HandOver(string? by, bool seller, DateTimeOffset now) => Status switch
    {
        _ when Stranger(by, seller) => NotFound,
        TradeStatus.InProgress when Captured && Committed => To<TradeHandedOver>(this with { Status = TradeStatus.HandedOver, HandedOverAt = now, CompleteBy = now + Terms.CompleteWithin }),
        TradeStatus.InProgress => new Refusal(
            "not-ready", $"Nothing may change hands before {(Captured ? "stock has set the unit aside" : "the money is in escrow")}; ask again in a moment.", Status?.Korean(), Allowed),
        TradeStatus.HandedOver or TradeStatus.Completed => Unchanged.Already,
        _ => Refuse("handed over"),
    };

    public Decision<Trade> Complete(string? by) => Status switch
    {
        _ when Stranger(by, seller: false) => NotFound,
        TradeStatus.HandedOver => To<TradeCompleted>(this with { Status = TradeStatus.Completed }),
        TradeStatus.Completed => Unchanged.Already,
        _ => Refuse("completed"),
    };

    /// <summary>The buyer wants more time to look at the goods: as much again, up to the limit. Asked twice in a row, it is put off once.</summary>
    public Decision<Trade> Defer(string? by, DateTimeOffset now) => Status switch
    {
        _ when Stranger(by, seller: false) => NotFound,
        TradeStatus.HandedOver when CanDefer => CompleteBy - now > Terms.CompleteWithin ? Unchanged.Already : To<TradeDeferred>(this with
        {
            CompleteBy = new[] { CompleteBy!.Value + Terms.CompleteWithin, HandedOverAt!.Value + Terms.DeferAtMost }.Min(),
        }),
        TradeStatus.HandedOver => new Refusal("deferred-to-the-limit", $"It cannot be put off beyond {CompleteBy:u}; open a dispute if something is wrong.", Status?.Korean(), Allowed),
        _ => Refuse("deferred"),
    };

    public Decision<Trade> Cancel(string? by) => Status switch
    {
        _ when Stranger(by, seller: true) && Stranger(by, seller: false) => NotFound,
        TradeStatus.AwaitingSeller or TradeStatus.InProgress => End(by is not null && by == About!.SellerId ? "by-seller" : "by-buyer"),
        TradeStatus.Cancelled or TradeStatus.Declined => Unchanged.Already,
        TradeStatus.HandedOver or TradeStatus.Disputed => new Refusal(
            "already-handed-over", "It has been handed over; what is left is to open a dispute.", Status?.Korean(), Allowed),
        _ => Refuse("cancelled"),
    };

    public Decision<Trade> Dispute(string? by, string? reason) => Status switch
    {
        _ when Stranger(by, seller: false) => NotFound,
        TradeStatus.HandedOver => To<TradeDisputed>(this with { Status = TradeStatus.Disputed, CompleteBy = null, Reason = reason }),
        TradeStatus.Disputed => Unchanged.Already,
        _ => Refuse("disputed"),
    };

    /// <summary>A dispute is settled: the seller is paid, or the buyer gets the money back.</summary>
    public Decision<Trade> Resolve(bool refund) => Status switch
    {
        _ when !Exists => NotFound,
        TradeStatus.Disputed => Settle(this with { Status = TradeStatus.Resolved, Reason = Outcome(refund) }, refund),
        TradeStatus.Resolved when Reason == Outcome(refund) => Unchanged.Already,
        _ => Refuse("resolved"),
    };

    /// <summary>Notes that the claim is made now, and when again if payment gives no answer.</summary>
    public Decision<Trade> TryClaim(DateTimeOffset now) => Status == TradeStatus.Draft && ClaimDue <= now
        ? this with { ClaimTried = ClaimTried + 1, ClaimDue = now + TimeSpan.FromSeconds(Math.Min(60, 2 << Math.Min(ClaimTried, 5))) }
        : Unchanged.Already;

    private static string Outcome(bool refund) => refund ? "refunded" : "paid-out";

    private static Decision<Trade> Settle(Trade next, bool refund) => (next, next.Fill(new TradeResolved { Refund = refund }));

    private Refusal NotFound => new("not-found", $"There is no trade {Id}.");

    private bool Stranger(string? by, bool seller) => !Exists || (by is not null && (seller ? About!.SellerId is { } s && s != by : About!.UserId != by));

    private Decision<Trade> Refuse(string done) => new Refusal("not-allowed-in-state", $"A trade that is {Status?.Korean(ByReservation)} cannot be {done}.", Status?.Korean(ByReservation), Allowed);

    private Decision<Trade> End(string reason, bool byReservation = false) =>
        To<TradeCanceled>(this with { Status = TradeStatus.Cancelled, ByReservation = byReservation, AcceptBy = null, Reason = reason });

    private static Decision<Trade> To<TEvent>(Trade next)
        where TEvent : TradeEvent, new() => next.Tell<TEvent>();

    private Decision<Trade> Tell<TEvent>()
        where TEvent : TradeEvent, new() => (this, Fill(new TEvent()));

    private Decision<Trade> Tell<TFirst, TSecond>()
        where TFirst : TradeEvent, new()
        where TSecond : TradeEvent, new() => (this, [Fill(new TFirst()), Fill(new TSecond())]);

    private TradeEvent Fill(TradeEvent blank) => blank with
    {
        Id = Id,
        ProductId = About!.ProductId,
        ProductName = About.ProductName,
        UserId = About.UserId,
        SellerId = About.SellerId,
        Qty = About.Qty,
        Price = About.Price,
        ReserveDt = About.ReserveDt,
        Address = About.Address,
        PaymentId = About.PaymentId,
        StatusCode = Status!.Value,
        ByReservation = ByReservation,
        AcceptBy = AcceptBy,
        CompleteBy = CompleteBy,
        Reason = Reason,
    };
}
