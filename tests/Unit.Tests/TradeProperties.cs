using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Trades;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Whatever a trade hears and whatever is asked of it, in any order: what must hold always.</summary>
public sealed class TradeProperties
{
    private static readonly DateTimeOffset Start = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Gen<Step[]> Lives = Gen.Select(
        Gen.Frequency(
            (1, Gen.Const(Verb.Paid)), (1, Gen.Const(Verb.PaidInstant)), (2, Gen.Const(Verb.Claimed)), (2, Gen.Const(Verb.Captured)), (2, Gen.Const(Verb.Committed)),
            (2, Gen.Const(Verb.HandOver)), (3, Gen.Const(Verb.Defer)), (9, Gen.Enum<Verb>())),
        Gen.OneOf<string?>("seller", "buyer", "stranger", null), Gen.Frequency((6, Gen.Int[0, 3]), (1, Gen.Int[20, 100])),
        (verb, by, hours) => new Step(verb, by, hours)).Array[1, 60];

    private static readonly HashSet<TradeStatus?> Over =
        [TradeStatus.Refused, TradeStatus.Completed, TradeStatus.Declined, TradeStatus.Cancelled, TradeStatus.Resolved];

    private enum Verb
    {
        Paid,
        PaidInstant,
        CancelAsked,
        TryClaim,
        Claimed,
        ClaimRefused,
        Captured,
        Committed,
        Undone,
        Accept,
        Decline,
        HandOver,
        Receive,
        Complete,
        Defer,
        Cancel,
        Dispute,
        Resolve,
        Look,
    }

    [Fact]
    public void No_trade_is_opened_or_accepted_before_its_payment_is_claimed() => Check(turn =>
    {
        Assert.True(turn.Claimed || !turn.After.Exists);
        Assert.True(turn.Claimed || !turn.Events.Any(e => e is TradeOpened or TradeAccepted));
    });

    [Fact]
    public void Nothing_changes_hands_before_the_money_is_in_escrow_and_the_unit_set_aside() => Check(turn =>
    {
        if (turn.After.HandedOverAt is not null)
        {
            Assert.True(turn.After is { Captured: true, Committed: true });
            Assert.True(turn.Accepted);
        }
    });

    [Fact]
    public void What_was_handed_over_is_never_cancelled() => Check(turn =>
        Assert.True(turn.After.HandedOverAt is null || turn.After.Status is TradeStatus.HandedOver or TradeStatus.Completed or TradeStatus.Disputed or TradeStatus.Resolved));

    [Fact]
    public void What_is_over_stays_over() => Check(turn =>
    {
        if (Over.Contains(turn.Before.Status))
        {
            Assert.Equal(turn.Before.Status, turn.After.Status);
            Assert.Null(turn.After.NextWake);
            Assert.All(turn.Events, e => Assert.IsType<TradeCancelRefused>(e));
        }
    });

    [Fact]
    public void Every_change_of_status_has_its_event_in_the_same_write_and_only_a_draft_is_silent() => Check(turn =>
    {
        if (turn.After.Status != turn.Before.Status && turn.After.Status != TradeStatus.Draft)
        {
            Assert.NotEmpty(turn.Events);
            Assert.All(turn.Events.Cast<TradeEvent>(), e => Assert.Equal(turn.After.Status, e.StatusCode));
        }
    });

    [Fact]
    public void Doing_it_again_changes_nothing() => Check(turn =>
    {
        // Each refusal to cancel answers one question.
        var again = turn.Again();
        Assert.True(again.Next is null || (turn.Command is Verb.CancelAsked && again.Next == turn.After));
    });

    [Fact]
    public void A_silent_buyer_may_put_it_off_to_14_days_and_no_further() => Check(turn =>
        Assert.True(turn.After.CompleteBy is null || turn.After.CompleteBy <= turn.After.HandedOverAt!.Value.AddDays(14)));

    [Fact]
    public void Only_the_parties_act() => Check(turn =>
    {
        if (turn.By == "stranger" && turn.Command is >= Verb.Accept and <= Verb.Dispute)
        {
            Assert.Same(turn.Before, turn.After);
            Assert.Equal("not-found", turn.Refusal?.Code);
        }
    });

    [Fact]
    public void Of_what_is_no_trade_yet_people_are_told_nothing() => Check(turn =>
    {
        if (!turn.Before.Exists && turn.Command is >= Verb.Accept and <= Verb.Resolve)
        {
            Assert.Equal("not-found", turn.Refusal?.Code);
        }
    });

    private static void Check(Action<Turn> holds) => Lives.Sample(
        steps =>
        {
            var (trade, now, claimed, accepted) = (new Trade("r"), Start, false, false);
            foreach (var step in steps)
            {
                now += TimeSpan.FromHours(step.Hours);
                var time = now;
                trade = Decide(null, t => t.Overdue(time));
                claimed |= step.Verb == Verb.Claimed;
                trade = Decide(step.Verb, t => Do(t, step, time));

                Trade Decide(Verb? verb, Func<Trade, Decision<Trade>> decide)
                {
                    var before = trade;
                    var decision = decide(before);
                    var after = decision.Next ?? before;
                    accepted |= decision.Events.Any(e => e is TradeAccepted);
                    holds(new(before, after, decision.Events, decision.Refusal, verb, step.By, claimed, accepted, () => decide(after)));
                    return after;
                }
            }
        },
        iter: 2000,
        print: steps => string.Join("\n", steps.Select(s => $"{s}")));

    private static Decision<Trade> Do(Trade trade, Step step, DateTimeOffset now) => step.Verb switch
    {
        Verb.Paid or Verb.PaidInstant => trade.Draft(
            new ReserveCompleted { Id = "r", ProductId = "p", UserId = "buyer", SellerId = "seller", Qty = 1, Price = 1000, Instant = step.Verb == Verb.PaidInstant }, now),
        Verb.CancelAsked => trade.CancelForReservation(new ReserveCancelRequested { Id = "r" }),
        Verb.TryClaim => trade.TryClaim(now),
        Verb.Claimed => trade.Claimed(now),
        Verb.ClaimRefused => step.Hours == 0 ? trade.ClaimRefused("payment-required") : Unchanged.Already,
        Verb.Captured => trade.PaymentCaptured(),
        Verb.Committed => trade.StockCommitted(),
        Verb.Undone => step.Hours == 0 ? trade.Undone("stock-mismatch") : Unchanged.Already,
        Verb.Accept => trade.Accept(step.By),
        Verb.Decline => trade.Decline(step.By),
        Verb.HandOver => trade.HandOver(step.By, seller: true, now),
        Verb.Receive => trade.HandOver(step.By, seller: false, now),
        Verb.Complete => trade.Complete(step.By),
        Verb.Defer => trade.Defer(step.By, now),
        Verb.Cancel => trade.Cancel(step.By),
        Verb.Dispute => trade.Dispute(step.By, "broken"),
        Verb.Resolve => trade.Resolve(refund: step.Hours == 0),
        _ => Unchanged.Already,
    };

    private sealed record Step(Verb Verb, string? By, int Hours);

    private sealed record Turn(
        Trade Before, Trade After, IReadOnlyList<Event> Events, Refusal? Refusal, Verb? Command, string? By, bool Claimed, bool Accepted, Func<Decision<Trade>> Again);
}
