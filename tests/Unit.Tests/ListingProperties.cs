using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Stocks;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Whatever a listing hears and whatever its seller does, in any order: the lines add up and no unit leaves twice.</summary>
public sealed class ListingProperties
{
    private static readonly DateTimeOffset Now = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Offer Nothing = new(null, null, null, null, null, null, null);

    private static readonly Gen<Step[]> Lives = Gen.Select(
        Gen.Enum<Verb>(), Gen.Int[1, 6], Gen.Int[0, 4], Gen.Enum<ReserveStatus>(), (verb, trade, qty, status) => new Step(verb, trade, qty, status)).Array[1, 60];

    private enum Verb
    {
        Register,
        Units,
        Price,
        Hide,
        Show,
        Withdraw,
        Reserve,
        Commit,
        Decrease,
        GiveBack,
    }

    [Fact]
    public void Units_left_are_the_sum_of_all_adjustments_and_never_negative() => Check(turn =>
    {
        var after = turn.After;
        Assert.Equal(after.Adjustments.Sum(a => a.Delta), after.Qty);
        Assert.Equal(after.Qty, after.Supplied + after.Adjustments.Where(a => a.Kind == AdjustmentKind.Decrease).Sum(a => a.Delta));
        Assert.True(after.Qty >= 0, "fewer than no units are left");
        Assert.True(after.Committed.Values.Sum() <= after.Qty, "more is set aside than there is");
    });

    [Fact]
    public void Adjustments_are_only_ever_added() => Check(turn =>
        Assert.Equal(turn.Before.Adjustments, turn.After.Adjustments.Take(turn.Before.Adjustments.Count)));

    [Fact]
    public void A_trade_takes_its_units_once() => Check(turn =>
    {
        var sold = turn.After.Adjustments.Where(a => a.TradeId is not null).ToList();
        Assert.Equal(sold.Count, sold.Select(a => a.TradeId).Distinct().Count());
        Assert.All(sold, a => Assert.Equal((AdjustmentKind.Decrease, -Qty(a.TradeId!)), (a.Kind, a.Delta)));
        Assert.Equal(turn.After.Adjustments.Count - turn.Before.Adjustments.Count == 1 && sold.Count > turn.Before.Adjustments.Count(a => a.TradeId is not null), turn.Events.Any(e => e is StockDecreased));
        Assert.DoesNotContain(sold, a => turn.After.Committed.ContainsKey(a.TradeId!) || turn.After.Held.ContainsKey(a.TradeId!));
    });

    [Fact]
    public void What_is_set_aside_stays_so_until_it_is_taken_or_given_back() => Check(turn =>
    {
        foreach (var trade in turn.Before.Committed.Keys.Except(turn.After.Committed.Keys))
        {
            Assert.Contains(turn.Events, e => e is StockDecreased or StockRestored && e is ListingEvent told && told.TradeId == trade);
        }

        foreach (var trade in turn.After.Committed.Keys.Except(turn.Before.Committed.Keys))
        {
            Assert.Contains(turn.Events, e => e is StockCommitted told && told.TradeId == trade);
        }
    });

    [Fact]
    public void The_seller_cannot_take_back_what_is_promised() => Check(turn =>
    {
        if (turn.Command == Verb.Units && turn.After != turn.Before)
        {
            Assert.True(turn.After.Qty >= turn.After.Committed.Keys.Union(turn.After.Held.Keys).Sum(Qty), "fewer units than are promised");
        }
    });

    [Fact]
    public void Every_event_is_a_snapshot_of_what_is_so_after_it() => Check(turn => Assert.All(
        turn.Events.Cast<ListingEvent>(),
        e => Assert.Equal((turn.After.Qty, turn.After.Supplied, turn.After.Status, "p"), (e.Qty, e.Supplied, e.StatusCode, e.ProductId))));

    [Fact]
    public void Doing_it_again_changes_nothing() => Check(turn =>
    {
        // A refusal to set aside answers each question anew; the listing is as before.
        var again = turn.Again();
        Assert.True(again.Next is null || again.Next == turn.After);
        Assert.All(again.Events, e => Assert.IsType<StockDecreaseRejected>(e));
    });

    private static void Check(Action<Turn> holds) => Lives.Sample(
        steps =>
        {
            var listing = new Listing("p");
            foreach (var step in steps)
            {
                var before = listing;
                var decision = Do(before, step);
                var after = decision.Next ?? before;
                holds(new(before, after, decision.Events, step.Verb, () => Do(after, step)));
                listing = after;
            }
        },
        iter: 2000,
        print: steps => string.Join("\n", steps.Select(s => $"{s}")));

    private static Decision<Listing> Do(Listing listing, Step step) => step.Verb switch
    {
        Verb.Register => listing.Register("p", Nothing with { SellerId = "seller", Price = 1000 }, step.Qty, Now),
        Verb.Units => listing.Change(Nothing, step.Qty, "seller", Now),
        Verb.Price => listing.Change(Nothing with { Price = step.Qty }, null, step.Trade == 6 ? "stranger" : "seller", Now),
        Verb.Hide => listing.Change(Nothing with { Hidden = true }, null, "seller", Now),
        Verb.Show => listing.Change(Nothing with { Hidden = false }, null, "seller", Now),
        Verb.Withdraw => step.Trade == 1 ? listing.Withdraw("seller") : Unchanged.Already,
        Verb.Reserve => listing.Hear(new() { Id = $"{step.Trade}", ProductId = "p", Qty = Qty($"{step.Trade}"), StatusCode = step.Status }),
        Verb.Commit => listing.Commit(Trade(step)),
        Verb.Decrease => listing.Decrease(Trade(step), Now),
        _ => listing.GiveBack(Trade(step)),
    };

    private static TradeEvent Trade(Step step) => new() { Id = $"{step.Trade}", ProductId = "p", Qty = Qty($"{step.Trade}") };

    private static int Qty(string trade) => trade is "5" or "6" ? 2 : 1;

    private sealed record Step(Verb Verb, int Trade, int Qty, ReserveStatus Status);

    private sealed record Turn(Listing Before, Listing After, IReadOnlyList<Event> Events, Verb Command, Func<Decision<Listing>> Again);
}
