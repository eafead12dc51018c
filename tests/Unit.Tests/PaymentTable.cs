using SecondhandTrade.Contracts;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>The payment of one reservation; "ours" is the trade that claims it, "theirs" one that comes too late.</summary>
public sealed class PaymentTable(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Now = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly PaymentOrder Order = new("r", "r", "p", "buyer", 50_000);

    private static readonly IReadOnlyList<(string Name, Func<Payment, Decision<Payment>> Do)> Commands =
    [
        ("authorise", p => p.Authorise(Order, Now)),
        ("authorise another amount", p => p.Authorise(Order with { Amount = 1 }, Now)),
        ("void", p => p.Void("by-buyer", Now)),
        ("claim ours", p => p.Claim(new("ours", "buyer", 50_000))),
        ("claim theirs", p => p.Claim(new("theirs", "buyer", 50_000))),
        ("claim for another buyer", p => p.Claim(new("ours", "other", 50_000))),
        ("capture", p => p.Capture("ours", Now)),
        ("capture for theirs", p => p.Capture("theirs", Now)),
        ("give back", p => p.GiveBack("ours", "trade-cancelled", Now)),
        ("give back for theirs", p => p.GiveBack("theirs", "trade-cancelled", Now)),
        ("release", p => p.Release("ours", Now)),
        ("release for theirs", p => p.Release("theirs", Now)),
        ("ask the provider", p => p.Try(Now)),
        .. from operation in Enum.GetValues<Operation>()
           from word in Enum.GetValues<ProviderWord>()
           select ($"{operation}: {word}", (Func<Payment, Decision<Payment>>)(p => p.Heard(operation, p.Key, word, null, Now))),
        ("an answer to an older attempt", p => p.Heard(Operation.Authorise, "r-0", ProviderWord.Approved, null, Now)),
        ("6 days pass", p => p.Overdue(Now.AddDays(6))),
    ];

    private static Payment Pending => Next(new Payment("r").Authorise(Order, Now));

    private static Payment Authorized => Next(Pending.Heard(Operation.Authorise, "r-1", ProviderWord.Approved, null, Now));

    private static Payment Claimed => Next(Authorized.Claim(new("ours", "buyer", 50_000)));

    private static Payment Capturing => Next(Claimed.Capture("ours", Now));

    private static Payment Captured => Next(Capturing.Heard(Operation.Capture, "r-1", ProviderWord.Approved, null, Now));

    private static Payment Refunding => Next(Captured.GiveBack("ours", "trade-cancelled", Now));

    private static Payment Declined => Next(Pending.Heard(Operation.Authorise, "r-1", ProviderWord.Declined, null, Now));

    private static IEnumerable<(string Name, Payment State)> States =>
    [
        ("– (nothing asked)", new Payment("r")),
        ("PENDING", Pending),
        ("PENDING, its reservation dead", Next(Pending.Void("by-buyer", Now))),
        ("UNKNOWN", Next(Pending.Heard(Operation.Authorise, "r-1", ProviderWord.Unknown, null, Now))),
        ("UNKNOWN, its reservation dead", Next(Next(Pending.Heard(Operation.Authorise, "r-1", ProviderWord.Unknown, null, Now)).Void("by-buyer", Now))),
        ("DECLINED", Declined),
        ("DECLINED, its reservation dead", Next(Declined.Void("by-buyer", Now))),
        ("AUTHORIZED", Authorized),
        ("EXPIRED, to be voided", Next(Authorized.Overdue(Now.AddDays(6))) with { WorkDue = Now }),
        ("VOIDED, to be voided with the provider", Next(Authorized.Void("by-buyer", Now))),
        ("VOIDED", Next(Next(Authorized.Void("by-buyer", Now)).Heard(Operation.Void, "r-1", ProviderWord.Approved, null, Now))),
        ("CLAIMED", Claimed),
        ("CLAIMED, to be captured", Capturing),
        ("CLAIMED, to be captured, then given back", Next(Capturing.GiveBack("ours", "trade-cancelled", Now))),
        ("CAPTURED", Captured),
        ("CAPTURED, to be refunded", Refunding),
        ("CAPTURED, to be paid out", Next(Captured.Release("ours", Now))),
        ("RELEASED", Next(Next(Captured.Release("ours", Now)).Heard(Operation.Release, "r-1", ProviderWord.Approved, null, Now))),
        ("REFUNDED", Next(Refunding.Heard(Operation.Refund, "r-1", ProviderWord.Approved, null, Now))),
    ];

    [Fact]
    public void The_provider_is_asked_again_after_5_seconds_whatever_it_was_asked_and_then_less_and_less_often()
    {
        // The first try to authorise is made by whoever asks for the payment.
        Assert.Equal([5, 30, 120, 600, 600], Waits(Pending).Prepend((int)(Pending.WorkDue!.Value - Now).TotalSeconds).Take(5));
        Assert.Equal([5, 30, 120, 600, 600], Waits(Capturing).Take(5));

        static IEnumerable<int> Waits(Payment payment)
        {
            while (true)
            {
                var due = payment.WorkDue!.Value;
                payment = Next(payment.Try(due));
                yield return (int)(payment.WorkDue!.Value - due).TotalSeconds;
            }
        }
    }

    [Fact]
    public void A_payment_has_an_answer_to_every_command_and_every_word_of_the_provider_in_every_status()
    {
        var table = StateTable.Of(States, Commands, Show, e => e.EventType, quiet: "every other word");
        output.WriteLine(table);
        Assert.Equal(Repository.Lines(Machine), Repository.Lines(table));
    }

    [Fact]
    public void No_status_of_a_payment_is_missing_from_the_table()
    {
        Assert.All(States, s => Assert.StartsWith(StateTable.Code(s.State.Status), s.Name, StringComparison.Ordinal));
        Assert.Equal(Enum.GetValues<PaymentStatus>(), States.Select(s => s.State.Status).OfType<PaymentStatus>().Distinct().Order());
    }

    [Fact]
    public void A_provider_that_gives_no_answer_is_asked_again_after_5_s_30_s_2_min_and_then_every_10_min()
    {
        var (payment, now, waits) = (Pending, Now, new List<double>());
        for (var i = 0; i < 6; i++)
        {
            waits.Add((payment.WorkDue!.Value - now).TotalSeconds);
            now = payment.WorkDue.Value;
            payment = Next(payment.Try(now));
            payment = payment.Heard(Operation.Authorise, payment.Key, ProviderWord.Unknown, null, now).Next ?? payment;
        }

        Assert.Equal([5, 30, 120, 600, 600, 600], waits);
    }

    private static Payment Next(Decision<Payment> decision) => decision.Next!;

    private static string Show(Payment payment) => string.Join(
        ", ",
        new[]
        {
            StateTable.Code(payment.Status),
            payment.Work is { } work ? $"to {work}" : null,
            payment.Closed ? "dead" : null,
            payment.Ledger.IsEmpty ? null : $"escrow {payment.Balance(Account.Escrow)} seller {payment.Balance(Account.Seller)}",
        }.OfType<string>());

    private const string Machine = """
        – (nothing asked)
          authorise · authorise another amount | → PENDING, to Authorise
          void | → VOIDED, dead
          claim ours · claim theirs · claim for another buyer | refused payment-required
          capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        PENDING
          void | → PENDING, to Authorise, dead
          Authorise: Unknown | → UNKNOWN, to Authorise  PaymentUnknown
          Authorise: Approved | → AUTHORIZED  PaymentAuthorized
          Authorise: Declined · Authorise: NeverCame · Authorise: Voided | → DECLINED  PaymentDeclined
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        PENDING, its reservation dead
          Authorise: Unknown | → UNKNOWN, to Authorise, dead  PaymentUnknown
          Authorise: Approved | → VOIDED, to Void, dead  PaymentVoided
          Authorise: Declined · Authorise: NeverCame · Authorise: Voided | → DECLINED, dead  PaymentDeclined
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        UNKNOWN
          void | → UNKNOWN, to Authorise, dead
          Authorise: Approved | → AUTHORIZED  PaymentAuthorized
          Authorise: Declined · Authorise: NeverCame · Authorise: Voided | → DECLINED  PaymentDeclined
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        UNKNOWN, its reservation dead
          Authorise: Approved | → VOIDED, to Void, dead  PaymentVoided
          Authorise: Declined · Authorise: NeverCame · Authorise: Voided | → DECLINED, dead  PaymentDeclined
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        DECLINED
          authorise | → PENDING, to Authorise
          void | → DECLINED, dead
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        DECLINED, its reservation dead
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        AUTHORIZED
          void | → VOIDED, to Void, dead  PaymentVoided
          claim ours · claim theirs | → CLAIMED  PaymentClaimed
          6 days pass | → EXPIRED, to Void  PaymentExpired
          authorise another amount | refused order-changed
          claim for another buyer | refused claim-mismatch
          authorise · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt | unchanged

        EXPIRED, to be voided
          ask the provider | → EXPIRED, to Void
          Void: Approved · Void: Declined · Void: NeverCame · Void: Voided | → EXPIRED
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        VOIDED, to be voided with the provider
          ask the provider | → VOIDED, to Void, dead
          Void: Approved · Void: Declined · Void: NeverCame · Void: Voided | → VOIDED, dead
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        VOIDED
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        CLAIMED
          capture | → CLAIMED, to Capture
          give back | → VOIDED, to Void  PaymentVoided
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture for theirs · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        CLAIMED, to be captured
          give back | → CLAIMED, to Refund
          ask the provider | → CLAIMED, to Capture
          Capture: Approved | → CAPTURED, escrow 50000 seller 0  PaymentCaptured
          Capture: Declined · Capture: NeverCame · Capture: Voided | → CLAIMED  PaymentCaptureRefused
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        CLAIMED, to be captured, then given back
          ask the provider | → CLAIMED, to Refund
          Capture: Approved | → CAPTURED, to Refund, escrow 50000 seller 0
          Refund: Approved | → REFUNDED, escrow 0 seller 0  PaymentRefunded
          Refund: NeverCame · Refund: Voided | → VOIDED  PaymentVoided
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        CAPTURED
          give back | → CAPTURED, to Refund, escrow 50000 seller 0
          release | → CAPTURED, to Release, escrow 50000 seller 0
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back for theirs · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        CAPTURED, to be refunded
          ask the provider | → CAPTURED, to Refund, escrow 50000 seller 0
          Refund: Approved | → REFUNDED, escrow 0 seller 0  PaymentRefunded
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        CAPTURED, to be paid out
          ask the provider | → CAPTURED, to Release, escrow 50000 seller 0
          Release: Approved | → RELEASED, escrow 0 seller 50000  PaymentReleased
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back · give back for theirs · release · release for theirs · every other word · an answer to an older attempt · 6 days pass | unchanged

        RELEASED
          authorise another amount | refused order-changed
          claim theirs | refused payment-required
          authorise · void · claim ours · claim for another buyer · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged

        REFUNDED
          authorise another amount | refused order-changed
          claim ours · claim theirs · claim for another buyer | refused payment-required
          authorise · void · capture · capture for theirs · give back · give back for theirs · release · release for theirs · ask the provider · every other word · an answer to an older attempt · 6 days pass | unchanged
        """;
}
