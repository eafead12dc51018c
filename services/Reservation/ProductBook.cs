using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>How long things may take; read from the section <c>Terms</c>.</summary>
public sealed record ReservationTerms
{
    /// <summary>How long a held unit waits for its payment.</summary>
    public TimeSpan PayWithin { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The same for one who comes up from the waiting list and may not be looking.</summary>
    public TimeSpan PayWithinWhenPromoted { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How much longer, once, when it is payment that has trouble.</summary>
    public TimeSpan Extension { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a request waits for word of its listing.</summary>
    public TimeSpan DecideWithin { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many may wait for one product.</summary>
    public int LongestQueue { get; init; } = 100;

    /// <summary>How many reservations one person may have open at a time.</summary>
    public int OpenPerUser { get; init; } = 20;
}

/// <summary>One reservation, as its product's book keeps it.</summary>
public sealed record Reserve(
    string Id, string UserId, string? ProductName, int Qty, long? AskedPrice, string ReserveDt, string? Address, DateTimeOffset Until, DateTimeOffset RequestedAt)
{
    public ReserveStatus Status { get; init; } = ReserveStatus.Requested;

    /// <summary>Counts this reservation's changes, from 1.</summary>
    public long Version { get; init; } = 1;

    /// <summary>Won for one unit: what the listing says, or what was asked where it says nothing.</summary>
    public long Price { get; init; }

    public string? SellerId { get; init; }

    public bool Instant { get; init; } = true;

    public DateTimeOffset? DecideBy { get; init; }

    public DateTimeOffset? PayBy { get; init; }

    public bool Extended { get; init; }

    public bool Promoted { get; init; }

    public string? PaymentId { get; init; }

    public string? Reason { get; init; }

    /// <summary>Whether the seller may know the place: the trade is accepted.</summary>
    public bool Accepted { get; init; }

    public bool HandedOver { get; init; }

    /// <summary>When payment is asked next: to void (취소처리중) or whether it is well again (예약중).</summary>
    public DateTimeOffset? AskPaymentAt { get; init; }

    public int Asked { get; init; }

    /// <summary>When it was last noted that payment is asked.</summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>The trace its request came with: where its story goes on when nobody asks.</summary>
    public string? TraceParent { get; init; }

    [JsonIgnore]
    public bool IsOpen => Status is ReserveStatus.Requested or ReserveStatus.Waitlisted || HasUnit;

    [JsonIgnore]
    public bool HasUnit => Status is ReserveStatus.Held or ReserveStatus.Confirmed or ReserveStatus.CancelPending;

    [JsonIgnore]
    public DateTimeOffset? Deadline => Status switch
    {
        ReserveStatus.Requested => DecideBy,
        ReserveStatus.Waitlisted => Until,
        ReserveStatus.Held => PayBy,
        _ => null,
    };

    /// <summary>What may be done now, by the names of the links.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Allowed => Status switch
    {
        ReserveStatus.Held => ["pay", "reservecancel"],
        ReserveStatus.Requested or ReserveStatus.Waitlisted => ["reservecancel"],
        ReserveStatus.Confirmed when !HandedOver => ["reservecancel"],
        _ => [],
    };
}

/// <summary>
/// All that is decided about one product's units: who holds, who waits, in order of arrival. The only place where a unit is given away.
/// </summary>
public sealed record ProductBook(string ProductId, ListingEvent? Listing, ImmutableList<Reserve> Reserves, int Gone) : IAggregate<ProductBook>
{
    [JsonIgnore]
    public ReservationTerms Terms { get; init; } = new();

    /// <summary>The last that have left the book: a request for one of them comes late and opens nothing. Older ones the journal answers for.</summary>
    public ImmutableList<string> Ended { get; init; } = [];

    public static ProductBook Empty(string productId) => new(productId, null, [], 0);

    /// <summary>Units that may still be given to someone. Never from stock's own quantity, which falls later than a sale is fulfilled here.</summary>
    [JsonIgnore]
    public int Free => (Listing?.Supplied ?? 0) - Gone - Reserves.Where(r => r.HasUnit).Sum(r => r.Qty);

    [JsonIgnore]
    public DateTimeOffset? NextWake => Reserves.SelectMany(r => new[] { r.Deadline, r.AskPaymentAt }).Min();

    public Reserve? Find(string id) => Reserves.Find(r => r.Id == id);

    /// <summary>The place in the waiting list from 1, or null for one who does not wait.</summary>
    public int? Position(string id) => Find(id) is { Status: ReserveStatus.Waitlisted }
        ? Reserves.Where(r => r.Status == ReserveStatus.Waitlisted).TakeWhile(r => r.Id != id).Count() + 1
        : null;

    /// <summary>Names the version of a reservation that people see; its place in the queue changes whenever one ahead leaves.</summary>
    public string Tag(string id) => $"{Find(id)?.Version}.{Position(id)}";

    /// <summary>Of reservations that have left the book nothing that is heard can change anything.</summary>
    public ImmutableDictionary<string, long> Trim(ImmutableDictionary<string, long> seen) => seen.RemoveRange(
        seen.Keys.Where(source => !source.StartsWith("stock:", StringComparison.Ordinal) && Find(source[(source.IndexOf(':', StringComparison.Ordinal) + 1)..]) is null));

    /// <summary>The finished ones leave the book once everyone has been told.</summary>
    public ProductBook Told() => Reserves.TrueForAll(r => r.IsOpen) ? this : this with
    {
        Reserves = Reserves.RemoveAll(r => !r.IsOpen),
        Ended = [.. Ended.Concat(Reserves.Where(r => !r.IsOpen).Select(r => r.Id)).TakeLast(200)],
    };

    public Decision<ProductBook> Request(Reserve asked, DateTimeOffset now)
    {
        if (Find(asked.Id) is not null || Ended.Contains(asked.Id))
        {
            return Unchanged.Already;
        }

        var entered = asked with { DecideBy = now + Terms.DecideWithin };
        var change = new Change(this, this with { Reserves = Reserves.Add(entered) }, asked.Id);
        change.Tell<ReserveRequested>(entered);
        change.Decide(asked.Id, now);
        return change.Done;
    }

    /// <summary>Takes over what stock says of the listing; requests that waited for it are decided in the order they came.</summary>
    public Decision<ProductBook> Hear(ListingEvent listing, DateTimeOffset now)
    {
        var change = new Change(this, this with { Listing = listing });
        foreach (var request in Reserves.Where(r => r.Status == ReserveStatus.Requested))
        {
            change.Decide(request.Id, now);
        }

        if (listing.StatusCode == InventoryStatus.Withdrawn)
        {
            foreach (var unpaid in Reserves.Where(r => r.Status is ReserveStatus.Waitlisted or ReserveStatus.Held))
            {
                change.End<ReserveCanceled>(unpaid.Id, ReserveStatus.Cancelled, "withdrawn");
            }
        }

        // A seller who takes units back takes them from the last who held without paying; what is paid is settled by stock's own refusal.
        while (change.Book.Free < 0 && change.Book.Reserves.LastOrDefault(r => r.Status == ReserveStatus.Held) is { } last)
        {
            change.End<ReserveCanceled>(last.Id, ReserveStatus.Cancelled, "units-taken-back");
        }

        change.Promote(now);
        return change.Done;
    }

    public Decision<ProductBook> PaymentAuthorized(string id, string paymentId, DateTimeOffset now) => Find(id) switch
    {
        { Status: ReserveStatus.Held } held when now < held.PayBy => To<ReserveCompleted>(held with
        {
            Status = ReserveStatus.Confirmed,
            PaymentId = paymentId,
            AskPaymentAt = null,
            Asked = 0,
        }),
        _ => Unchanged.Already,
    };

    /// <summary>Payment is overloaded or does not know: the buyer gets more time, once, and word when payment is well again.</summary>
    public Decision<ProductBook> PaymentTroubled(string id, DateTimeOffset now) => Find(id) switch
    {
        { Status: ReserveStatus.Held, Extended: false } held => To<ReserveHoldExtended>(held with
        {
            PayBy = held.PayBy + Terms.Extension,
            Extended = true,
            AskPaymentAt = now + TimeSpan.FromSeconds(5),
        }),
        { Status: ReserveStatus.Held, AskPaymentAt: null } held => Put(held with { AskPaymentAt = now + TimeSpan.FromSeconds(5), Version = held.Version + 1 }),
        _ => Unchanged.Already,
    };

    /// <summary>Payment has declined, perhaps before an attempt that it has trouble with now: what is so it says when it is asked.</summary>
    public Decision<ProductBook> PaymentDeclined(string id, DateTimeOffset now) => Find(id) switch
    {
        { Status: ReserveStatus.Held } held when held.AskPaymentAt > now => Put(held with { AskPaymentAt = now }),
        _ => Unchanged.Already,
    };

    /// <summary>Payment is well again, or has said no for certain: the buyer may pay now.</summary>
    public Decision<ProductBook> PaymentReady(string id) => Find(id) switch
    {
        { Status: ReserveStatus.Held, AskPaymentAt: not null } held => To<ReservePayable>(held with { AskPaymentAt = null, Asked = 0 }),
        _ => Unchanged.Already,
    };

    /// <summary>No trade can come of it any more: its payment is void, has run out, or was refused to the trade.</summary>
    public Decision<ProductBook> PaymentGone(string id, string reason, DateTimeOffset now) => Find(id) switch
    {
        { Status: ReserveStatus.CancelPending or ReserveStatus.Confirmed } paid => Release(paid, paid.Reason ?? reason, now),
        _ => Unchanged.Already,
    };

    /// <summary>The trade has the payment: from here it decides, and payment need not be asked any more.</summary>
    public Decision<ProductBook> PaymentClaimed(string id) => Find(id) switch
    {
        { Status: ReserveStatus.CancelPending, AskPaymentAt: not null } pending => Put(pending with { AskPaymentAt = null, Asked = 0 }),
        _ => Unchanged.Already,
    };

    public Decision<ProductBook> Cancel(string id, string? by, string reason, DateTimeOffset now, string? expected = null) => Find(id) switch
    {
        null => new Refusal("not-found", $"There is no open reservation {id}."),
        var other when by is not null && by != other.UserId && !(by == other.SellerId && other.Status is not (ReserveStatus.Requested or ReserveStatus.Waitlisted)) =>
            new Refusal("not-found", $"There is no reservation {id}."),
        _ when expected is not null && expected != Tag(id) => Refusal.VersionChanged(Tag(id)),
        { Status: ReserveStatus.Requested or ReserveStatus.Waitlisted or ReserveStatus.Held } unpaid => Release(unpaid, reason, now),
        { Status: ReserveStatus.Confirmed, HandedOver: true } done => Refuse(done, "already-handed-over", "It has been handed over; what is left is to open a dispute on the trade."),
        { Status: ReserveStatus.Confirmed } paid => To<ReserveCancelRequested>(paid with { Status = ReserveStatus.CancelPending, Reason = reason, AskPaymentAt = now, Asked = 0 }),
        { Status: ReserveStatus.CancelPending or ReserveStatus.Cancelled } => Unchanged.Already,
        var ended => Refuse(ended, "not-allowed-in-state", $"A reservation that is {ended.Status.Korean()} cannot be cancelled."),
    };

    /// <summary>Whether a buyer may pay now; the hold is judged by the clock, not by whether anything has fired.</summary>
    public Decision<ProductBook> Pay(string id, string? by, string? expected = null) => Find(id) switch
    {
        null => new Refusal("not-found", $"There is no open reservation {id}."),
        var other when by is not null && by != other.UserId => new Refusal("not-found", $"There is no reservation {id}."),
        _ when expected is not null && expected != Tag(id) => Refusal.VersionChanged(Tag(id)),
        { Status: ReserveStatus.Held or ReserveStatus.Confirmed } => Unchanged.Already,
        { Status: ReserveStatus.Expired } late => Refuse(late, "hold-expired", "The time to pay has passed and the unit was given on."),
        var not => Refuse(not, "not-allowed-in-state", $"A reservation that is {not.Status.Korean()} cannot be paid."),
    };

    public Decision<ProductBook> TradeAccepted(string id) => Find(id) switch
    {
        { Accepted: false, HasUnit: true } paid => Put(paid with { Accepted = true, Version = paid.Version + 1 }),
        _ => Unchanged.Already,
    };

    public Decision<ProductBook> TradeHandedOver(string id) => Find(id) switch
    {
        { HandedOver: false, HasUnit: true } paid => Put(paid with { Accepted = true, HandedOver = true, Version = paid.Version + 1 }),
        _ => Unchanged.Already,
    };

    public Decision<ProductBook> TradeCancelRefused(string id) => Find(id) switch
    {
        { Status: ReserveStatus.CancelPending } pending => To<ReserveCancelRefused>(pending with
        {
            Status = ReserveStatus.Confirmed,
            HandedOver = true,
            AskPaymentAt = null,
            Reason = "already-handed-over",
        }),
        _ => Unchanged.Already,
    };

    /// <summary>The trade is over and the unit with it; those who wait for the last one are told that it is gone.</summary>
    public Decision<ProductBook> TradeCompleted(string id, DateTimeOffset now) => Sold<ReserveFulfilled>(id, ReserveStatus.Fulfilled, null, now);

    /// <summary>A dispute after the hand-over was settled; the unit is gone from here either way.</summary>
    public Decision<ProductBook> TradeResolved(string id, bool refund, DateTimeOffset now) => refund
        ? Sold<ReserveCanceled>(id, ReserveStatus.Cancelled, "dispute-refunded", now)
        : TradeCompleted(id, now);

    public Decision<ProductBook> Overdue(DateTimeOffset now)
    {
        var change = new Change(this, this);
        foreach (var late in Reserves.Where(r => r.Deadline <= now))
        {
            switch (late.Status)
            {
                case ReserveStatus.Requested:
                    change.End<ReserveRejected>(late.Id, ReserveStatus.Rejected, "unknown-product");
                    break;
                case ReserveStatus.Waitlisted:
                    change.End<ReserveCanceled>(late.Id, ReserveStatus.Expired, "date-passed");
                    break;
                case ReserveStatus.Held:
                    change.End<ReserveCanceled>(late.Id, ReserveStatus.Expired, "payment-timeout");
                    break;
            }
        }

        if (change.HasEvents)
        {
            change.Promote(now);
        }

        return change.Done;
    }

    /// <summary>Notes that payment is asked now, and when again if it gives no answer.</summary>
    public Decision<ProductBook> AskPayment(DateTimeOffset now)
    {
        var asking = Reserves.Where(r => r.AskPaymentAt <= now).ToList();
        return asking.Count == 0 ? Unchanged.Already : this with
        {
            Reserves = [.. Reserves.Select(r => asking.Contains(r) ? r with { Asked = r.Asked + 1, AskedAt = now, AskPaymentAt = now + Again(r) } : r)],
        };
    }

    private static TimeSpan Again(Reserve reserve) => TimeSpan.FromSeconds(Math.Min(60, 2 << Math.Min(reserve.Asked, 5)));

    private Decision<ProductBook> Release(Reserve reserve, string reason, DateTimeOffset now)
    {
        var change = new Change(this, this, reserve.Id);
        change.End<ReserveCanceled>(reserve.Id, ReserveStatus.Cancelled, reason);
        change.Promote(now);
        return change.Done;
    }

    private Decision<ProductBook> Sold<TEvent>(string id, ReserveStatus status, string? reason, DateTimeOffset now)
        where TEvent : ReserveEvent, new()
    {
        if (Find(id) is not { Status: ReserveStatus.Confirmed or ReserveStatus.CancelPending } sold)
        {
            return Unchanged.Already;
        }

        var change = new Change(this, this with { Gone = Gone + sold.Qty }, id);
        change.End<TEvent>(id, status, reason);
        foreach (var waiter in Reserves.Where(r => r.Status == ReserveStatus.Waitlisted && r.Qty > change.Book.Listing!.Supplied - change.Book.Gone))
        {
            change.End<ReserveRejected>(waiter.Id, ReserveStatus.Rejected, "sold-out");
        }

        change.Promote(now);

        return change.Done;
    }

    private Decision<ProductBook> To<TEvent>(Reserve next)
        where TEvent : ReserveEvent, new()
    {
        var change = new Change(this, this, next.Id);
        change.To<TEvent>(next);
        return change.Done;
    }

    private ProductBook Put(Reserve next) => this with { Reserves = Reserves.Replace(Find(next.Id)!, next) };

    private static Refusal Refuse(Reserve reserve, string code, string detail) => new(code, detail, reserve.Status.Korean(), reserve.Allowed);

    /// <summary>A book being changed, by a command to one reservation or by none: what it is by now, and what there is to tell.</summary>
    private sealed class Change(ProductBook before, ProductBook start, string? commanded = null)
    {
        private readonly List<Event> events = [];

        public ProductBook Book { get; private set; } = start;

        public bool HasEvents => events.Count > 0;

        public Decision<ProductBook> Done => events.Count == 0 && ReferenceEquals(Book, before) ? Unchanged.Already : (Book, events);

        public void Decide(string id, DateTimeOffset now)
        {
            var listing = Book.Listing;
            if (listing is null)
            {
                return;
            }

            var asked = Book.Find(id)!;
            var reserve = asked with
            {
                ProductName = listing.ProductName ?? asked.ProductName,
                SellerId = listing.SellerId,
                Instant = listing.Instant,
                Price = listing.Price ?? asked.AskedPrice ?? 0,
                DecideBy = null,
            };
            if (Reason(listing, reserve, now) is { } no)
            {
                // Of what its seller shows to nobody, one learns nothing by asking for it.
                To<ReserveRejected>((no == "not-on-sale" ? asked with { DecideBy = null, Price = asked.AskedPrice ?? 0 } : reserve) with { Status = ReserveStatus.Rejected, Reason = no });
            }
            else if (Book.Free >= reserve.Qty && !Book.Reserves.Exists(r => CanHave(r, now)))
            {
                To<ReserveHeld>(reserve with { Status = ReserveStatus.Held, PayBy = now + Book.Terms.PayWithin });
            }
            else
            {
                To<ReserveWaitlisted>(reserve with { Status = ReserveStatus.Waitlisted });
            }
        }

        /// <summary>Gives what is free to the first in the queue whom it is enough for and whose date has not passed.</summary>
        public void Promote(DateTimeOffset now)
        {
            foreach (var waiter in Book.Reserves)
            {
                if (CanHave(waiter, now))
                {
                    To<ReserveHeld>(waiter with { Status = ReserveStatus.Held, Promoted = true, PayBy = now + Book.Terms.PayWithinWhenPromoted });
                }
            }
        }

        public void End<TEvent>(string id, ReserveStatus status, string? reason)
            where TEvent : ReserveEvent, new() =>
            To<TEvent>(Book.Find(id)! with { Status = status, Reason = reason, AskPaymentAt = null, DecideBy = null });

        public void To<TEvent>(Reserve next)
            where TEvent : ReserveEvent, new()
        {
            next = next with { Version = next.Version + 1 };
            Book = Book.Put(next);
            Tell<TEvent>(next);
        }

        public void Tell<TEvent>(Reserve reserve)
            where TEvent : ReserveEvent, new() => events.Add(new TEvent
            {
                Id = reserve.Id,
                ProductId = Book.ProductId,
                ProductName = reserve.ProductName,
                UserId = reserve.UserId,
                SellerId = reserve.SellerId,
                Qty = reserve.Qty,
                Price = reserve.Price,
                ReserveDt = reserve.ReserveDt,
                Address = reserve.Address,
                Instant = reserve.Instant,
                StatusCode = reserve.Status,
                Position = Book.Position(reserve.Id),
                PayBy = reserve.PayBy,
                PaymentId = reserve.PaymentId,
                Promoted = reserve.Promoted,
                Reason = reserve.Reason,
                TraceParent = reserve.Id == commanded ? null : reserve.TraceParent,
            });

        // First in the queue whose quantity fits; a larger request does not block smaller ones behind it.
        private bool CanHave(Reserve waiter, DateTimeOffset now) =>
            waiter.Status == ReserveStatus.Waitlisted && waiter.Until > now && waiter.Qty <= Book.Free
            && Book.Listing is { StatusCode: not (InventoryStatus.Withdrawn or InventoryStatus.Hidden) };

        private int Waiting => Book.Reserves.Count(r => r.Status == ReserveStatus.Waitlisted);

        private string? Reason(ListingEvent listing, Reserve reserve, DateTimeOffset now) => reserve switch
        {
            _ when listing.SellerId == reserve.UserId => "own-listing",
            _ when listing.StatusCode is InventoryStatus.Withdrawn or InventoryStatus.Hidden => "not-on-sale",
            _ when reserve.Until <= now => "past-date",
            _ when listing.Price is { } price && reserve.AskedPrice is { } asked && asked != price => "price-changed",
            _ when reserve.Price <= 0 => "price-required",
            _ when listing.Supplied - Book.Gone < reserve.Qty => "sold-out",
            _ when Book.Free < reserve.Qty && Waiting >= Book.Terms.LongestQueue => "queue-full",
            _ => null,
        };
    }
}
