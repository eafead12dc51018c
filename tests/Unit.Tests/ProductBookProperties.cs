using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Whatever is asked of a product's book in whatever order, at whatever times: what must hold always.</summary>
public sealed class ProductBookProperties
{
    private const int LongestQueue = 3;

    private static readonly DateTimeOffset Start = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Gen<Step[]> Days = Gen.Select(
        Gen.Frequency((15, Gen.Const(Verb.Request)), (20, Gen.Const(Verb.Authorised)), (8, Gen.Const(Verb.OneMore)), (60, Gen.Enum<Verb>())),
        Gen.Int[0, 9], Gen.Int[1, 2], Gen.Frequency((12, Gen.Int[0, 2]), (2, Gen.Int[5, 20]), (1, Gen.Int[60, 600])),
        (verb, about, qty, minutes) => new Step(verb, about, qty, minutes)).Array[1, 60];

    private enum Verb
    {
        Request,
        Authorised,
        Troubled,
        Declined,
        Ready,
        Claimed,
        Gone,
        Asked,
        CancelByBuyer,
        CancelBySeller,
        Pay,
        Accepted,
        HandedOver,
        CancelRefused,
        Completed,
        PaidOut,
        Refunded,
        Look,
        OneMore,
        OneFewer,
        Hide,
        Withdraw,
    }

    [Fact]
    public void No_unit_is_sold_twice_however_the_day_goes() => Check(turn =>
    {
        var given = turn.After.Reserves.Where(r => r.HasUnit).Sum(r => r.Qty) + turn.After.Gone;

        // Where the seller takes units back, what is paid is settled by stock; what is not paid keeps no unit that is no more.
        var settled = turn.TakenBack && !turn.After.Reserves.Any(r => r.Status == ReserveStatus.Held);
        Assert.True(settled || given <= (turn.After.Listing?.Supplied ?? 0), $"{given} given");
    });

    [Fact]
    public void Who_came_first_is_held_first_as_far_as_the_units_go() => Check(turn =>
    {
        var after = turn.After.Reserves;
        var given = after.Where(r => r.Status == ReserveStatus.Held && turn.Before.Find(r.Id)?.Status != ReserveStatus.Held).ToList();
        foreach (var lucky in given)
        {
            foreach (var waiter in after.Take(after.IndexOf(lucky)).Where(r => r.Status == ReserveStatus.Waitlisted && r.Until > turn.Now))
            {
                var later = given.Where(g => after.IndexOf(g) > after.IndexOf(waiter)).Sum(g => g.Qty);
                Assert.True(waiter.Qty > turn.After.Free + later, $"{lucky.Id} was held before {waiter.Id}");
            }
        }
    });

    [Fact]
    public void A_unit_that_comes_free_goes_to_the_first_it_is_enough_for_in_the_same_write() => Check(turn =>
    {
        var onSale = turn.After.Listing is { StatusCode: not (InventoryStatus.Hidden or InventoryStatus.Withdrawn) };
        if (onSale && (turn.Released || turn.Command is Verb.OneMore))
        {
            Assert.DoesNotContain(turn.After.Reserves, r => r.Status == ReserveStatus.Waitlisted && r.Until > turn.Now && r.Qty <= turn.After.Free);
        }
    });

    [Fact]
    public void No_hold_is_of_use_after_its_deadline_whether_or_not_anything_fired() => Check(turn =>
    {
        foreach (var held in turn.Before.Reserves.Where(r => r.Status == ReserveStatus.Held))
        {
            Assert.Null(turn.Before.PaymentAuthorized(held.Id, "late", held.PayBy!.Value).Next);
            var looked = turn.Before.Overdue(held.PayBy.Value).Next!;
            Assert.Equal(ReserveStatus.Expired, looked.Find(held.Id)!.Status);
            Assert.NotNull(looked.Pay(held.Id, held.UserId).Refusal);
        }

        Assert.DoesNotContain(turn.After.Reserves, r => r.Deadline <= turn.Now);
    });

    [Fact]
    public void Doing_it_again_changes_nothing() => Check(turn =>
    {
        var again = turn.Again();
        Assert.Empty(again.Events);
        Assert.True(again.Next is null || again.Next == turn.After, "the second time something changed");
    });

    [Fact]
    public void The_queue_is_never_longer_than_its_cap() => Check(turn =>
        Assert.InRange(turn.After.Reserves.Count(r => r.Status == ReserveStatus.Waitlisted), 0, LongestQueue));

    [Fact]
    public void Every_change_of_status_has_exactly_one_event_in_the_same_write() => Check(turn =>
    {
        foreach (var after in turn.After.Reserves)
        {
            var told = turn.Events.OfType<ReserveEvent>().Where(e => e.Id == after.Id).ToList();
            var status = turn.Before.Find(after.Id)?.Status;
            foreach (var e in told)
            {
                Assert.Equal(e is ReserveHoldExtended or ReservePayable, e.StatusCode == status);
                status = e.StatusCode;
            }

            Assert.Equal(after.Status, status);
        }
    });

    [Fact]
    public void What_has_a_deadline_or_work_left_is_woken_for_it() => Check(turn =>
        Assert.Equal(
            turn.After.Reserves.SelectMany(r => new[]
            {
                r.Status == ReserveStatus.Requested ? r.DecideBy : null,
                r.Status == ReserveStatus.Waitlisted ? r.Until : null,
                r.Status == ReserveStatus.Held ? r.PayBy : null,
                r.Status is ReserveStatus.Held or ReserveStatus.CancelPending ? r.AskPaymentAt : null,
            }).Min(),
            turn.After.NextWake));

    /// <summary>Plays days and looks at every decision on its own: first what was overdue, then what was asked.</summary>
    private static void Check(Action<Turn> holds) => Days.Sample(
        steps =>
        {
            var (book, now, ids, takenBack) = (ProductBook.Empty("p") with { Terms = new() { LongestQueue = LongestQueue } }, Start, 0, false);
            foreach (var step in steps)
            {
                now += TimeSpan.FromMinutes(step.Minutes);
                takenBack |= step.Verb == Verb.OneFewer;
                var time = now;
                var open = book.Reserves.Where(r => r.IsOpen).Select(r => r.Id).ToList();
                var asked = step.Verb == Verb.Request ? $"{++ids}"
                    : open.Count > 0 && step.About < 9 ? open[step.About % open.Count]
                    : $"{(step.About % Math.Max(1, ids)) + 1}";
                book = Decide(null, later => later.Overdue(time));
                book = Decide(step.Verb, later => Do(later, step, asked, time));
                book = step.Qty == 1 ? book.Told() : book;

                ProductBook Decide(Verb? verb, Func<ProductBook, Decision<ProductBook>> decide)
                {
                    var before = book;
                    var decision = decide(before);
                    var after = decision.Next ?? before;
                    holds(new(before, after, decision.Events, verb, time, takenBack, () => decide(after)));
                    return after;
                }
            }
        },
        iter: 1500,
        print: steps => string.Join("\n", steps.Select(s => $"{s}")));

    private static Decision<ProductBook> Do(ProductBook book, Step step, string id, DateTimeOffset now) => step.Verb switch
    {
        Verb.Request => book.Request(new(id, step.About == 9 ? "seller" : $"buyer{id}", null, step.Qty, 1000, "", null, now.AddHours(1 + step.About), now), now),
        Verb.Authorised => book.PaymentAuthorized(id, id, now),
        Verb.Troubled => book.PaymentTroubled(id, now),
        Verb.Declined => book.PaymentDeclined(id, now),
        Verb.Ready => book.PaymentReady(id),
        Verb.Claimed => book.PaymentClaimed(id),
        Verb.Gone => book.PaymentGone(id, "gone", now),
        Verb.Asked => book.AskPayment(now),
        Verb.CancelByBuyer => book.Cancel(id, $"buyer{id}", "by-buyer", now),
        Verb.CancelBySeller => book.Cancel(id, "seller", "by-seller", now),
        Verb.Pay => book.Pay(id, $"buyer{id}"),
        Verb.Accepted => book.TradeAccepted(id),
        Verb.HandedOver => book.TradeHandedOver(id),
        Verb.CancelRefused => book.TradeCancelRefused(id),
        Verb.Completed => book.TradeCompleted(id, now),
        Verb.PaidOut => book.TradeResolved(id, refund: false, now),
        Verb.Refunded => book.TradeResolved(id, refund: true, now),
        Verb.Look => Unchanged.Already,

        // Between one and three units, so that there is always someone to wait and something to give.
        Verb.OneMore => book.Hear(Listing(book, s => Math.Min(3 + book.Gone, s + 1), InventoryStatus.OnSale), now),
        Verb.OneFewer => book.Hear(Listing(book, s => Math.Max(0, s - 1), InventoryStatus.OnSale), now),
        Verb.Hide => book.Hear(Listing(book, s => s, InventoryStatus.Hidden), now),
        _ => book.Hear(Listing(book, s => s, step.About < 1 ? InventoryStatus.Withdrawn : InventoryStatus.Reserved), now),
    };

    private static ListingChanged Listing(ProductBook book, Func<int, int> supplied, InventoryStatus status) =>
        new() { ProductId = "p", SellerId = "seller", Price = 1000, Supplied = supplied(book.Listing?.Supplied ?? 0), StatusCode = status };

    private sealed record Step(Verb Verb, int About, int Qty, int Minutes);

    private sealed record Turn(
        ProductBook Before, ProductBook After, IReadOnlyList<Event> Events, Verb? Command, DateTimeOffset Now, bool TakenBack, Func<Decision<ProductBook>> Repeat)
    {
        public bool Released => Before.Reserves.Any(r => r.HasUnit && After.Find(r.Id) is not { HasUnit: true }) && After.Gone == Before.Gone;

        // Saying the same of the listing again, not one unit more again.
        public Decision<ProductBook> Again() => Command is Verb.OneMore or Verb.OneFewer ? After.Hear(After.Listing!, Now) : Repeat();
    }
}
