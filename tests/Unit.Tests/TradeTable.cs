using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Trades;
using Xunit;

namespace SecondhandTrade.UnitTests;

public sealed class TradeTable(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Now = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly ReserveCompleted Paid = new()
    {
        Id = "r",
        ProductId = "p",
        UserId = "buyer",
        SellerId = "seller",
        Qty = 1,
        Price = 50_000,
        ReserveDt = "2027-04-03",
        PaymentId = "r",
        Instant = true,
    };

    private static readonly ReserveCancelRequested CancelAsked = new() { Id = "r", Reason = "by-buyer" };

    private static readonly IReadOnlyList<(string Name, Func<Trade, Decision<Trade>> Do)> Commands =
    [
        ("reserve completed", t => t.Draft(Paid, Now)),
        ("reserve asks to cancel", t => t.CancelForReservation(CancelAsked)),
        ("try the claim", t => t.TryClaim(Now)),
        ("claimed", t => t.Claimed(Now)),
        ("claim refused", t => t.ClaimRefused("payment-required")),
        ("payment captured", t => t.PaymentCaptured()),
        ("stock committed", t => t.StockCommitted()),
        ("capture refused", t => t.Undone("capture-refused")),
        ("stock mismatch", t => t.Undone("stock-mismatch")),
        ("accept", t => t.Accept("seller")),
        ("accept by buyer", t => t.Accept("buyer")),
        ("decline", t => t.Decline("seller")),
        ("decline by buyer", t => t.Decline("buyer")),
        ("hand over", t => t.HandOver("seller", seller: true, Now)),
        ("hand over by buyer", t => t.HandOver("buyer", seller: true, Now)),
        ("receive", t => t.HandOver("buyer", seller: false, Now)),
        ("receive by seller", t => t.HandOver("seller", seller: false, Now)),
        ("complete", t => t.Complete("buyer")),
        ("complete by seller", t => t.Complete("seller")),
        ("defer", t => t.Defer("buyer", Now)),
        ("defer by seller", t => t.Defer("seller", Now)),
        ("cancel by buyer", t => t.Cancel("buyer")),
        ("cancel by seller", t => t.Cancel("seller")),
        ("cancel by nobody named", t => t.Cancel(null)),
        ("cancel by stranger", t => t.Cancel("stranger")),
        ("dispute", t => t.Dispute("buyer", "broken")),
        ("dispute by seller", t => t.Dispute("seller", "broken")),
        ("resolve for the seller", t => t.Resolve(refund: false)),
        ("resolve for the buyer", t => t.Resolve(refund: true)),
        ("a day passes", t => t.Overdue(Now.AddDays(1))),
        ("3 days pass", t => t.Overdue(Now.AddDays(3))),
    ];

    private static Trade Draft => Next(new Trade("r").Draft(Paid, Now));

    private static Trade Awaiting => Next(Next(new Trade("r").Draft(Paid with { Instant = false }, Now)).Claimed(Now));

    private static Trade InProgress => Next(Draft.Claimed(Now));

    private static Trade Ready => Next(Next(InProgress.PaymentCaptured()).StockCommitted());

    private static Trade HandedOver => Next(Ready.HandOver("seller", seller: true, Now));

    private static Trade Disputed => Next(HandedOver.Dispute("buyer", "broken"));

    private static IEnumerable<(string Name, Trade State)> States =>
    [
        ("– (nothing heard)", new Trade("r")),
        ("DRAFT", Draft),
        ("DRAFT, its reservation asks to cancel", Next(Draft.CancelForReservation(CancelAsked))),
        ("REFUSED", Next(Draft.ClaimRefused("payment-required"))),
        ("AWAITING_SELLER", Awaiting),
        ("IN_PROGRESS", InProgress),
        ("IN_PROGRESS, captured and committed", Ready),
        ("HANDED_OVER", HandedOver),
        ("HANDED_OVER, put off as far as it goes", Enumerable.Range(0, 4).Aggregate(HandedOver, (t, n) => Next(t.Defer("buyer", Now.AddDays(3 * n))))),
        ("COMPLETED", Next(HandedOver.Complete("buyer"))),
        ("DECLINED", Next(Awaiting.Decline("seller"))),
        ("CANCELLED", Next(InProgress.Cancel("buyer"))),
        ("DISPUTED", Disputed),
        ("RESOLVED", Next(Disputed.Resolve(refund: true))),
    ];

    [Fact]
    public void A_trade_has_an_answer_to_every_command_in_every_status()
    {
        var table = StateTable.Of(States, Commands, Show, Tell);
        output.WriteLine(table);
        Assert.Equal(Repository.Lines(Machine), Repository.Lines(table));
    }

    [Fact]
    public void No_status_of_a_trade_is_missing_from_the_table()
    {
        Assert.All(States, s => Assert.StartsWith(StateTable.Code(s.State.Status), s.Name, StringComparison.Ordinal));
        Assert.Equal(Enum.GetValues<TradeStatus>(), States.Select(s => s.State.Status).OfType<TradeStatus>().Distinct().Order());
    }

    [Fact]
    public void The_links_of_a_trade_name_only_what_is_not_refused()
    {
        var verbs = new Dictionary<string, string>
        {
            ["accept"] = "accept",
            ["decline"] = "decline",
            ["handover"] = "hand over",
            ["receive"] = "receive",
            ["complete"] = "complete",
            ["defer"] = "defer",
            ["cancel"] = "cancel by buyer",
            ["dispute"] = "dispute",
        };
        foreach (var (name, trade) in States)
        {
            foreach (var (verb, command) in verbs)
            {
                Assert.True(trade.Allowed.Contains(verb) == (Commands.First(c => c.Name == command).Do(trade).Next is not null), $"{verb} in {name}");
            }
        }
    }

    private static Trade Next(Decision<Trade> decision) => decision.Next!;

    private static string Show(Trade trade) => string.Join(
        ", ",
        new[]
        {
            StateTable.Code(trade.Status),
            trade.CancelRequested ? "to be cancelled" : null,
            trade.Captured ? "captured" : null,
            trade.Committed ? "committed" : null,
        }.OfType<string>());

    private static string Tell(Event e)
    {
        var told = (TradeEvent)e;
        var more = new[]
        {
            told.Reason,
            told is TradeCanceled { ByReservation: true } ? "by the reservation" : null,
            told is TradeOpened { AcceptBy: { } accept } ? $"accept by {accept:MM-dd}" : null,
            told is TradeHandedOver or TradeDeferred ? $"complete by {told.CompleteBy:MM-dd}" : null,
            told is TradeResolved { Refund: true } ? "refund" : null,
        }.OfType<string>().ToList();
        return $"{e.EventType}{(more.Count > 0 ? $" {{{string.Join(", ", more)}}}" : "")}";
    }

    private const string Machine = """
        – (nothing heard)
          reserve completed | → DRAFT
          payment captured | → –, captured
          stock committed | → –, committed
          accept · accept by buyer · decline · decline by buyer · hand over · hand over by buyer · receive · receive by seller · complete · complete by seller · defer · defer by seller · cancel by buyer · cancel by seller · cancel by nobody named · cancel by stranger · dispute · dispute by seller · resolve for the seller · resolve for the buyer | refused not-found
          reserve asks to cancel · try the claim · claimed · claim refused · capture refused · stock mismatch · a day passes · 3 days pass | unchanged

        DRAFT
          reserve asks to cancel | → DRAFT, to be cancelled
          try the claim | → DRAFT
          claimed | → IN_PROGRESS  TradeOpened  TradeAccepted
          claim refused | → REFUSED  TradeRefused {payment-required}
          payment captured | → DRAFT, captured
          stock committed | → DRAFT, committed
          accept · accept by buyer · decline · decline by buyer · hand over · hand over by buyer · receive · receive by seller · complete · complete by seller · defer · defer by seller · cancel by buyer · cancel by seller · cancel by nobody named · cancel by stranger · dispute · dispute by seller · resolve for the seller · resolve for the buyer | refused not-found
          reserve completed · capture refused · stock mismatch · a day passes · 3 days pass | unchanged

        DRAFT, its reservation asks to cancel
          try the claim | → DRAFT, to be cancelled
          claimed | → CANCELLED, to be cancelled  TradeCanceled {by-buyer, by the reservation}
          claim refused | → REFUSED, to be cancelled  TradeRefused {payment-required}
          payment captured | → DRAFT, to be cancelled, captured
          stock committed | → DRAFT, to be cancelled, committed
          accept · accept by buyer · decline · decline by buyer · hand over · hand over by buyer · receive · receive by seller · complete · complete by seller · defer · defer by seller · cancel by buyer · cancel by seller · cancel by nobody named · cancel by stranger · dispute · dispute by seller · resolve for the seller · resolve for the buyer | refused not-found
          reserve completed · reserve asks to cancel · capture refused · stock mismatch · a day passes · 3 days pass | unchanged

        REFUSED
          payment captured | → REFUSED, captured
          stock committed | → REFUSED, committed
          accept · accept by buyer · decline · decline by buyer · hand over · hand over by buyer · receive · receive by seller · complete · complete by seller · defer · defer by seller · cancel by buyer · cancel by seller · cancel by nobody named · cancel by stranger · dispute · dispute by seller · resolve for the seller · resolve for the buyer | refused not-found
          reserve completed · reserve asks to cancel · try the claim · claimed · claim refused · capture refused · stock mismatch · a day passes · 3 days pass | unchanged

        AWAITING_SELLER
          reserve asks to cancel | → CANCELLED  TradeCanceled {by-buyer, by the reservation}
          payment captured | → AWAITING_SELLER, captured
          stock committed | → AWAITING_SELLER, committed
          capture refused | → CANCELLED  TradeCanceled {capture-refused}
          stock mismatch | → CANCELLED  TradeCanceled {stock-mismatch}
          accept | → IN_PROGRESS  TradeAccepted
          decline | → DECLINED  TradeCanceled {declined-by-seller}
          cancel by buyer · cancel by nobody named | → CANCELLED  TradeCanceled {by-buyer}
          cancel by seller | → CANCELLED  TradeCanceled {by-seller}
          a day passes · 3 days pass | → CANCELLED  TradeCanceled {accept-timeout}
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          hand over · receive · complete · defer · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          reserve completed · try the claim · claimed · claim refused | unchanged

        IN_PROGRESS
          reserve asks to cancel | → CANCELLED  TradeCanceled {by-buyer, by the reservation}
          payment captured | → IN_PROGRESS, captured
          stock committed | → IN_PROGRESS, committed
          capture refused | → CANCELLED  TradeCanceled {capture-refused}
          stock mismatch | → CANCELLED  TradeCanceled {stock-mismatch}
          cancel by buyer · cancel by nobody named | → CANCELLED  TradeCanceled {by-buyer}
          cancel by seller | → CANCELLED  TradeCanceled {by-seller}
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          decline · complete · defer · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          hand over · receive | refused not-ready
          reserve completed · try the claim · claimed · claim refused · accept · a day passes · 3 days pass | unchanged

        IN_PROGRESS, captured and committed
          reserve asks to cancel | → CANCELLED, captured, committed  TradeCanceled {by-buyer, by the reservation}
          capture refused | → CANCELLED, captured, committed  TradeCanceled {capture-refused}
          stock mismatch | → CANCELLED, captured, committed  TradeCanceled {stock-mismatch}
          hand over · receive | → HANDED_OVER, captured, committed  TradeHandedOver {complete by 04-04}
          cancel by buyer · cancel by nobody named | → CANCELLED, captured, committed  TradeCanceled {by-buyer}
          cancel by seller | → CANCELLED, captured, committed  TradeCanceled {by-seller}
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          decline · complete · defer · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · accept · a day passes · 3 days pass | unchanged

        HANDED_OVER
          reserve asks to cancel | → HANDED_OVER, captured, committed  TradeCancelRefused
          complete | → COMPLETED, captured, committed  TradeCompleted
          defer | → HANDED_OVER, captured, committed  TradeDeferred {complete by 04-07}
          dispute | → DISPUTED, captured, committed  TradeDisputed {broken}
          3 days pass | → COMPLETED, captured, committed  TradeCompleted {not-objected}
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          decline · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          cancel by buyer · cancel by seller · cancel by nobody named | refused already-handed-over
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · capture refused · stock mismatch · accept · hand over · receive · a day passes | unchanged

        HANDED_OVER, put off as far as it goes
          reserve asks to cancel | → HANDED_OVER, captured, committed  TradeCancelRefused
          complete | → COMPLETED, captured, committed  TradeCompleted
          dispute | → DISPUTED, captured, committed  TradeDisputed {broken}
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          decline · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          defer | refused deferred-to-the-limit
          cancel by buyer · cancel by seller · cancel by nobody named | refused already-handed-over
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · capture refused · stock mismatch · accept · hand over · receive · a day passes · 3 days pass | unchanged

        COMPLETED
          reserve asks to cancel | → COMPLETED, captured, committed  TradeCancelRefused
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          decline · defer · cancel by buyer · cancel by seller · cancel by nobody named · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · capture refused · stock mismatch · accept · hand over · receive · complete · a day passes · 3 days pass | unchanged

        DECLINED
          payment captured | → DECLINED, captured
          stock committed | → DECLINED, committed
          accept · hand over · receive · complete · defer · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          reserve completed · reserve asks to cancel · try the claim · claimed · claim refused · capture refused · stock mismatch · decline · cancel by buyer · cancel by seller · cancel by nobody named · a day passes · 3 days pass | unchanged

        CANCELLED
          payment captured | → CANCELLED, captured
          stock committed | → CANCELLED, committed
          accept · decline · hand over · receive · complete · defer · dispute · resolve for the seller · resolve for the buyer | refused not-allowed-in-state
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          reserve completed · reserve asks to cancel · try the claim · claimed · claim refused · capture refused · stock mismatch · cancel by buyer · cancel by seller · cancel by nobody named · a day passes · 3 days pass | unchanged

        DISPUTED
          reserve asks to cancel | → DISPUTED, captured, committed  TradeCancelRefused {broken}
          resolve for the seller | → RESOLVED, captured, committed  TradeResolved {paid-out}
          resolve for the buyer | → RESOLVED, captured, committed  TradeResolved {refunded, refund}
          accept · decline · hand over · receive · complete · defer | refused not-allowed-in-state
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          cancel by buyer · cancel by seller · cancel by nobody named | refused already-handed-over
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · capture refused · stock mismatch · dispute · a day passes · 3 days pass | unchanged

        RESOLVED
          reserve asks to cancel | → RESOLVED, captured, committed  TradeCancelRefused {refunded}
          accept · decline · hand over · receive · complete · defer · cancel by buyer · cancel by seller · cancel by nobody named · dispute · resolve for the seller | refused not-allowed-in-state
          accept by buyer · decline by buyer · hand over by buyer · receive by seller · complete by seller · defer by seller · cancel by stranger · dispute by seller | refused not-found
          reserve completed · try the claim · claimed · claim refused · payment captured · stock committed · capture refused · stock mismatch · resolve for the buyer · a day passes · 3 days pass | unchanged
        """;
}
