using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Whatever is asked of a payment and whatever the provider answers, in any order: no won is lost and no won is made.</summary>
public sealed class PaymentProperties
{
    private static readonly DateTimeOffset Start = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly PaymentOrder Order = new("r", "r", "p", "buyer", 50_000);

    private static readonly Gen<Step[]> Lives = Gen.Select(
        Gen.Frequency((6, Gen.Const(Verb.Answer)), (6, Gen.Const(Verb.Ask)), (2, Gen.Const(Verb.Authorise)), (3, Gen.Const(Verb.Claim)), (3, Gen.Const(Verb.Capture)), (4, Gen.Enum<Verb>())),
        Gen.Frequency((9, Gen.Const("ours")), (1, Gen.Const("theirs"))), Gen.Enum<Operation>(), Gen.Enum<ProviderWord>(), Gen.Int[0, 9],
        (verb, trade, operation, word, chance) => new Step(verb, trade, operation, word, chance)).Array[1, 80];

    private enum Verb
    {
        Authorise,
        Void,
        Claim,
        Capture,
        GiveBack,
        Release,
        Ask,
        Answer,
        Days,
    }

    [Fact]
    public void Captured_is_always_escrow_and_released_and_refunded() => Check(turn =>
    {
        var after = turn.After;
        var captured = Moved(after, Account.Buyer, Account.Escrow);
        var refunded = Moved(after, Account.Escrow, Account.Buyer);
        Assert.Equal(captured, after.Balance(Account.Escrow) + after.Balance(Account.Seller) + refunded);
        Assert.True(refunded <= captured);
        Assert.True(captured is 0 or 50_000);
        Assert.InRange(after.Balance(Account.Escrow), 0, captured);
        Assert.Equal(0, after.Balance(Account.Buyer) + after.Balance(Account.Escrow) + after.Balance(Account.Seller));
    });

    [Fact]
    public void The_status_says_where_the_money_is() => Check(turn =>
    {
        var (escrow, seller) = (turn.After.Balance(Account.Escrow), turn.After.Balance(Account.Seller));
        Assert.Equal(turn.After.Status switch { PaymentStatus.Captured => (50_000L, 0L), PaymentStatus.Released => (0L, 50_000L), _ => (0L, 0L) }, (escrow, seller));
    });

    [Fact]
    public void A_payment_has_one_winner_and_without_one_nothing_is_captured() => Check(turn =>
    {
        Assert.True(turn.Before.TradeId is null || turn.After.TradeId == turn.Before.TradeId);
        Assert.True(turn.After.Ledger.IsEmpty || turn.After.TradeId is not null);
        if (turn.After.TradeId != turn.Before.TradeId)
        {
            Assert.Equal(PaymentStatus.Authorized, turn.Before.Status);
            Assert.Single(turn.Events.OfType<PaymentClaimed>());
        }
    });

    [Fact]
    public void What_is_claimed_is_voided_or_refunded_only_for_its_own_trade() => Check(turn =>
    {
        var ends = turn.After.Status is PaymentStatus.Voided or PaymentStatus.Refunded && turn.Before.Status != turn.After.Status;
        Assert.True(!ends || turn.After.TradeId is null || turn.GivenBack.Contains(turn.After.TradeId), "a claimed payment was given back although its trade is not cancelled");
    });

    [Fact]
    public void What_is_over_stays_over() => Check(turn =>
    {
        if (turn.Before.Status is PaymentStatus.Voided or PaymentStatus.Refunded or PaymentStatus.Released or PaymentStatus.Expired)
        {
            Assert.Equal(turn.Before.Status, turn.After.Status);
            Assert.Empty(turn.Events);
        }
    });

    [Fact]
    public void Doing_it_again_changes_nothing() => Check(turn =>
    {
        var again = turn.Again();
        Assert.Null(again.Next);
        Assert.Empty(again.Events);
    });

    [Fact]
    public void Work_for_the_provider_has_a_time_and_wakes_the_payment() => Check(turn =>
    {
        Assert.Equal(turn.After.Work is null, turn.After.WorkDue is null);
        Assert.True(turn.After.Work is null || turn.After.NextWake <= turn.After.WorkDue);
    });

    [Fact]
    public void At_rest_our_books_say_what_the_providers_say_whatever_got_lost_or_came_late() => Lives.Sample(
        steps =>
        {
            var (payment, now, provider, late) = (new Payment("r"), Start, new Provider(), new List<(Operation Operation, string Key, ProviderWord Word)>());
            foreach (var step in steps)
            {
                if (step.Verb == Verb.Ask && payment.Work is { } work)
                {
                    now = payment.WorkDue > now ? payment.WorkDue.Value : now;
                    payment = payment.Try(now).Next!;
                    late.Add((work, payment.Key, provider.Answer(work, payment.Key, first: step.Chance < 5, step.Word != ProviderWord.Declined)));
                }
                else if (step.Verb == Verb.Answer && late.Count > 0)
                {
                    var (operation, key, word) = late[step.Chance % late.Count];
                    late.RemoveAt(step.Chance % late.Count);
                    payment = step.Chance == 9 ? payment : payment.Heard(operation, key, word, null, now).Next ?? payment;
                }
                else if (step.Verb is not (Verb.Ask or Verb.Answer))
                {
                    now += step.Verb == Verb.Days ? TimeSpan.FromDays(step.Chance) : TimeSpan.Zero;
                    payment = payment.Overdue(now).Then(payment, p => Do(p, step, now)).Next ?? payment;
                }
            }

            for (var tries = 0; payment.Work is { } left; tries++)
            {
                Assert.True(tries < 20, $"{payment} never comes to rest");
                payment = payment.Heard(left, payment.Key, provider.Answer(left, payment.Key, first: false, approve: true), null, now).Next ?? payment;
            }

            var books = provider.Books.GetValueOrDefault(payment.Key);
            var agree = payment.Status switch
            {
                PaymentStatus.Authorized or PaymentStatus.Claimed => books is "authorised" || (payment.Reason == "capture-refused" && books == "refused"),
                PaymentStatus.Captured => books is "captured",
                PaymentStatus.Released => books is "released",
                PaymentStatus.Refunded => books is "refunded",
                PaymentStatus.Voided or PaymentStatus.Expired => books is null or "voided" or "refused",
                _ => books is null or "declined" or "voided",
            };
            Assert.True(agree, $"ours {payment.Status}, theirs {books}");
            Assert.All(provider.Books.Where(b => b.Key != payment.Key), b => Assert.True(b.Value is "declined" or "voided", $"{b.Key} is left {b.Value}"));
        },
        iter: 5000,
        print: Print);

    private static void Check(Action<Turn> holds) => Lives.Sample(
        steps =>
        {
            var (payment, now, givenBack) = (new Payment("r"), Start, new HashSet<string>());
            foreach (var step in steps)
            {
                now += step.Verb == Verb.Days ? TimeSpan.FromDays(step.Chance) : TimeSpan.FromSeconds(step.Chance);
                if (step.Verb == Verb.GiveBack)
                {
                    givenBack.Add(step.Trade);
                }

                var time = now;
                payment = Decide(p => p.Overdue(time));

                // An answer is to what was asked, also when it comes a second time.
                var told = step with { Operation = step.Chance < 7 ? payment.Work ?? step.Operation : step.Operation };
                payment = Decide(p => Do(p, told, time));

                Payment Decide(Func<Payment, Decision<Payment>> decide)
                {
                    var before = payment;
                    var decision = decide(before);
                    var after = decision.Next ?? before;
                    holds(new(before, after, decision.Events, givenBack, () => decide(after)));
                    return after;
                }
            }
        },
        iter: 2000,
        print: Print);

    private static Decision<Payment> Do(Payment payment, Step step, DateTimeOffset now) => step.Verb switch
    {
        Verb.Authorise => payment.Authorise(Order, now),
        Verb.Void => payment.Void("dead", now),
        Verb.Claim => payment.Claim(new(step.Trade, step.Chance == 9 ? "other" : "buyer", 50_000)),
        Verb.Capture => payment.Capture(step.Trade, now),
        Verb.GiveBack => payment.GiveBack(step.Trade, "cancelled", now),
        Verb.Release => payment.Release(step.Trade, now),
        Verb.Ask => payment.Try(now),
        Verb.Answer => payment.Heard(step.Operation, step.Chance == 9 ? "r-1" : payment.Key, step.Word, null, now),
        _ => Unchanged.Already,
    };

    private static long Moved(Payment payment, Account from, Account to) => payment.Ledger.Where(e => e.From == from && e.To == to).Sum(e => e.Amount);

    private static string Print(Step[] steps) => string.Join("\n", steps.Select(s => $"{s}"));

    private sealed record Step(Verb Verb, string Trade, Operation Operation, ProviderWord Word, int Chance);

    private sealed record Turn(Payment Before, Payment After, IReadOnlyList<Event> Events, IReadOnlySet<string> GivenBack, Func<Decision<Payment>> Again);

    /// <summary>The provider by the promises it makes: each operation under a key is done once, and what came too late is refused.</summary>
    private sealed class Provider
    {
        public Dictionary<string, string> Books { get; } = [];

        public ProviderWord Answer(Operation operation, string key, bool first, bool approve)
        {
            var now = Books.GetValueOrDefault(key);
            Books[key] = (operation, now) switch
            {
                (Operation.Authorise, null) => !first ? "voided" : approve ? "authorised" : "declined",
                (Operation.Void, null or "authorised" or "refused") => "voided",
                (Operation.Capture, "authorised") => approve ? "captured" : "refused",
                (Operation.Refund, "captured") => "refunded",
                (Operation.Refund, null or "authorised" or "refused") => "voided",
                (Operation.Release, "captured") => "released",
                _ => now!,
            };
            return (operation, Books[key]) switch
            {
                (Operation.Authorise, "declined") => ProviderWord.Declined,
                (Operation.Authorise, "voided") => ProviderWord.NeverCame,
                (Operation.Authorise, _) => ProviderWord.Approved,
                (Operation.Void, _) => ProviderWord.Approved,
                (Operation.Capture, "captured") or (Operation.Refund, "refunded") or (Operation.Release, "released") => ProviderWord.Approved,
                (Operation.Refund, not "captured") => ProviderWord.Voided,
                _ => ProviderWord.Declined,
            };
        }
    }
}
