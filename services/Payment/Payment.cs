using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>What the provider is asked to do with the money of one key; each may be asked any number of times.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Operation>))]
public enum Operation
{
    Authorise,
    Void,
    Capture,
    Refund,
    Release,
}

/// <summary>The provider's word; <see cref="Unknown"/> where it gave none, which says nothing about the money.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProviderWord>))]
public enum ProviderWord
{
    Unknown,
    Approved,
    Declined,

    /// <summary>The provider never got the request, and will not take it any more.</summary>
    NeverCame,

    /// <summary>Nothing had been captured, so the authorisation was voided instead of refunded.</summary>
    Voided,
}

/// <summary>Accounts of the ledger.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Account>))]
public enum Account
{
    Buyer,
    Escrow,
    Seller,
}

/// <summary>Won that went from one account to another.</summary>
public sealed record LedgerEntry(DateTimeOffset At, Account From, Account To, long Amount);

/// <summary>What is to be paid: won in all, by whom, for which reservation, and who sells.</summary>
public sealed record PaymentOrder(string Id, string ReservationId, string ProductId, string UserId, long Amount, string? SellerId = null) : ValidatedRequest
{
    public override Check Check() => new Check()
        .Id(Id, "id")
        .Id(ReservationId, "reservationid")
        .Id(ProductId, "productid")
        .Text(UserId, "userid", required: true, longest: Caller.LongestName)
        .Number(Amount, "amount", 1, 1_000_000_000_000_000);
}

/// <summary>Who claims a payment, and for what it takes it to be.</summary>
public sealed record PaymentClaim(string TradeId, string UserId, long Amount);

/// <summary>The money of one reservation. Saved as 결제대기 before the provider is asked, so that no answer can come for what is not known.</summary>
public sealed record Payment(string Id) : IAggregate<Payment>
{
    // How long after an answer that did not come the provider is asked again; then every ten minutes.
    private static readonly ImmutableArray<TimeSpan> AskAgain = [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(10)];

    public PaymentOrder? Order { get; init; }

    /// <summary>Null until something was asked.</summary>
    public PaymentStatus? Status { get; init; }

    /// <summary>Counts the tries to authorise; each has a key of its own with the provider.</summary>
    public int Attempt { get; init; }

    public DateTimeOffset? ValidUntil { get; init; }

    public string? TradeId { get; init; }

    public string? Reason { get; init; }

    /// <summary>The reservation is dead: what is authorised from now on is voided.</summary>
    public bool Closed { get; init; }

    /// <summary>The provider operation still to be done, retried until it is answered.</summary>
    public Operation? Work { get; init; }

    public DateTimeOffset? WorkDue { get; init; }

    public int WorkTried { get; init; }

    public ImmutableList<LedgerEntry> Ledger { get; init; } = [];

    /// <summary>How long an authorisation holds; set by the actor from configuration.</summary>
    [JsonIgnore]
    public TimeSpan AuthorisationHolds { get; init; } = TimeSpan.FromDays(6);

    /// <summary>The provider's idempotency key.</summary>
    [JsonIgnore]
    public string Key => $"{Id}-{Attempt}";

    [JsonIgnore]
    public DateTimeOffset? NextWake => new[] { WorkDue, Status == PaymentStatus.Authorized ? ValidUntil : null }.Min();

    /// <summary>Won that an account has gained (negative: lost) in this payment.</summary>
    public long Balance(Account account) => Ledger.Sum(e => e.To == account ? e.Amount : e.From == account ? -e.Amount : 0);

    public Decision<Payment> Overdue(DateTimeOffset now) => Status == PaymentStatus.Authorized && ValidUntil <= now
        ? Tell<PaymentExpired>((this with { Status = PaymentStatus.Expired, Reason = "authorisation-expired" }).Ask(Operation.Void, now))
        : Unchanged.Already;

    public Decision<Payment> Authorise(PaymentOrder order, DateTimeOffset now) => Status switch
    {
        _ when Order is { } known && known with { SellerId = order.SellerId } != order => new Refusal("order-changed", $"Payment {Id} is known with another amount or payer.", Status?.Korean()),
        null or PaymentStatus.Declined when Closed => Unchanged.Already,

        // The first try is made by whoever asked for the payment, while they wait.
        null or PaymentStatus.Declined => this with
        {
            Order = order,
            Status = PaymentStatus.Pending,
            Attempt = Attempt + 1,
            Reason = null,
            Work = Operation.Authorise,
            WorkDue = now + AskAgain[0],
            WorkTried = 1,
        },
        _ => Unchanged.Already,
    };

    /// <summary>What the provider said of an operation under a key.</summary>
    public Decision<Payment> Heard(Operation operation, string key, ProviderWord word, string? reason, DateTimeOffset now) => (operation, word, Status) switch
    {
        _ when key != Key || (Work != operation && !(operation == Operation.Capture && Work == Operation.Refund)) => Unchanged.Already,
        (Operation.Authorise, ProviderWord.Unknown, PaymentStatus.Pending) => Tell<PaymentUnknown>(this with { Status = PaymentStatus.Unknown, Reason = reason }),
        (_, ProviderWord.Unknown, _) => Unchanged.Already,

        (Operation.Authorise, ProviderWord.Approved, PaymentStatus.Pending or PaymentStatus.Unknown) when Closed =>
            Tell<PaymentVoided>((this with { Status = PaymentStatus.Voided, Reason = "reservation-dead" }).Ask(Operation.Void, now)),
        (Operation.Authorise, ProviderWord.Approved, PaymentStatus.Pending or PaymentStatus.Unknown) =>
            Tell<PaymentAuthorized>(Done(this with { Status = PaymentStatus.Authorized, ValidUntil = now + AuthorisationHolds, Reason = null })),
        (Operation.Authorise, _, PaymentStatus.Pending or PaymentStatus.Unknown) =>
            Tell<PaymentDeclined>(Done(this with { Status = PaymentStatus.Declined, Reason = Closed ? "reservation-dead" : reason ?? (word == ProviderWord.NeverCame ? "not-received" : "declined") })),

        (Operation.Void, _, _) => Done(this),

        (Operation.Capture, ProviderWord.Approved, PaymentStatus.Claimed) when Work == Operation.Refund =>
            this with { Status = PaymentStatus.Captured, Ledger = Move(Account.Buyer, Account.Escrow, now) },
        (Operation.Capture, ProviderWord.Approved, PaymentStatus.Claimed) =>
            Tell<PaymentCaptured>(Done(this with { Status = PaymentStatus.Captured, Ledger = Move(Account.Buyer, Account.Escrow, now) })),
        (Operation.Capture, _, PaymentStatus.Claimed) when Work == Operation.Capture =>
            Tell<PaymentCaptureRefused>(Done(this with { Reason = reason ?? "capture-refused" })),

        (Operation.Refund, ProviderWord.Voided or ProviderWord.NeverCame, PaymentStatus.Claimed) => Tell<PaymentVoided>(Done(this with { Status = PaymentStatus.Voided })),
        (Operation.Refund, ProviderWord.Approved, PaymentStatus.Claimed) =>
            Tell<PaymentRefunded>(Done(this with { Status = PaymentStatus.Refunded, Ledger = [.. Move(Account.Buyer, Account.Escrow, now), Entry(Account.Escrow, Account.Buyer, now)] })),
        (Operation.Refund, ProviderWord.Approved, PaymentStatus.Captured) =>
            Tell<PaymentRefunded>(Done(this with { Status = PaymentStatus.Refunded, Ledger = Move(Account.Escrow, Account.Buyer, now) })),

        (Operation.Release, ProviderWord.Approved, PaymentStatus.Captured) =>
            Tell<PaymentReleased>(Done(this with { Status = PaymentStatus.Released, Ledger = Move(Account.Escrow, Account.Seller, now) })),

        // A refund or a payout that is refused is not over: it is asked again until a person has seen to it.
        _ => Unchanged.Already,
    };

    /// <summary>The reservation is dead and no trade has the money: it is voided, or will be as soon as it is known where it is.</summary>
    public Decision<Payment> Void(string reason, DateTimeOffset now) => Status switch
    {
        PaymentStatus.Authorized => Tell<PaymentVoided>((this with { Status = PaymentStatus.Voided, Closed = true, Reason = reason }).Ask(Operation.Void, now)),
        null => this with { Status = PaymentStatus.Voided, Closed = true, Reason = reason },
        PaymentStatus.Pending or PaymentStatus.Unknown or PaymentStatus.Declined when !Closed => this with { Closed = true },
        _ => Unchanged.Already,
    };

    /// <summary>Gives the payment to a trade: one winner, and the same trade asking again gets the same answer.</summary>
    public Decision<Payment> Claim(PaymentClaim claim) => Status switch
    {
        PaymentStatus.Authorized when !Closed && claim.UserId == Order!.UserId && claim.Amount == Order.Amount =>
            Tell<PaymentClaimed>(this with { Status = PaymentStatus.Claimed, TradeId = claim.TradeId }),
        PaymentStatus.Authorized => new Refusal("claim-mismatch", $"Payment {Id} is not for this buyer and amount.", Status?.Korean()),
        PaymentStatus.Claimed or PaymentStatus.Captured or PaymentStatus.Released when TradeId == claim.TradeId => Unchanged.Already,
        _ => new Refusal("payment-required", $"Payment {Id} is {Status?.Korean() ?? "unknown"} and cannot be claimed.", Status?.Korean()),
    };

    /// <summary>The trade is accepted: the money is taken into escrow.</summary>
    public Decision<Payment> Capture(string tradeId, DateTimeOffset now) => Status == PaymentStatus.Claimed && TradeId == tradeId && Work is null
        ? Ask(Operation.Capture, now)
        : Unchanged.Already;

    /// <summary>The trade is cancelled: what is not captured is voided, what may be is given back.</summary>
    public Decision<Payment> GiveBack(string tradeId, string? reason, DateTimeOffset now) => Status switch
    {
        _ when TradeId != tradeId => Unchanged.Already,
        PaymentStatus.Claimed when Work is null => Tell<PaymentVoided>((this with { Status = PaymentStatus.Voided, Reason = reason }).Ask(Operation.Void, now)),
        PaymentStatus.Claimed or PaymentStatus.Captured when Work is not (Operation.Refund or Operation.Release) => (this with { Reason = reason }).Ask(Operation.Refund, now),
        _ => Unchanged.Already,
    };

    /// <summary>The trade is completed: the seller gets the money.</summary>
    public Decision<Payment> Release(string tradeId, DateTimeOffset now) => Status == PaymentStatus.Captured && TradeId == tradeId && Work is null
        ? Ask(Operation.Release, now)
        : Unchanged.Already;

    /// <summary>Notes that the provider is asked now, and when again if it gives no answer.</summary>
    public Decision<Payment> Try(DateTimeOffset now) => Work is not null && WorkDue <= now
        ? this with { WorkTried = WorkTried + 1, WorkDue = now + AskAgain[Math.Min(WorkTried, AskAgain.Length - 1)] }
        : Unchanged.Already;

    private Payment Ask(Operation work, DateTimeOffset now) => this with { Work = work, WorkDue = now, WorkTried = 0 };

    private static Payment Done(Payment payment) => payment with { Work = null, WorkDue = null, WorkTried = 0 };

    private LedgerEntry Entry(Account from, Account to, DateTimeOffset now) => new(now, from, to, Order!.Amount);

    private ImmutableList<LedgerEntry> Move(Account from, Account to, DateTimeOffset now) => Ledger.Add(Entry(from, to, now));

    private static Decision<Payment> Tell<TEvent>(Payment next)
        where TEvent : PaymentEvent, new() => (next, new TEvent
        {
            Id = next.Id,
            ReservationId = next.Order!.ReservationId,
            ProductId = next.Order.ProductId,
            UserId = next.Order.UserId,
            Amount = next.Order.Amount,
            StatusCode = next.Status!.Value,
            TradeId = next.TradeId,
            Reason = next.Reason,
        });
}
