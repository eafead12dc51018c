using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>The reservation "r" of a product with one unit; where another is in the way it is "h", and "w" waits behind.</summary>
public sealed class ProductBookTable(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Midnight = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Then = Midnight + TimeSpan.FromMinutes(1);

    private static readonly ListingRegistered OneUnit = new() { ProductId = "p", ProductName = "자전거", SellerId = "seller", Qty = 1, Supplied = 1, Price = 50_000 };

    private static readonly IReadOnlyList<(string Name, Func<ProductBook, Decision<ProductBook>> Do)> Commands =
    [
        ("request", b => b.Request(Asked("r"), Then)),
        ("listing heard", b => b.Hear(OneUnit, Then)),
        ("one unit more", b => b.Hear(OneUnit with { Qty = 2, Supplied = 2 }, Then)),
        ("units taken back", b => b.Hear(OneUnit with { Qty = 0, Supplied = 0 }, Then)),
        ("hidden", b => b.Hear(OneUnit with { StatusCode = InventoryStatus.Hidden }, Then)),
        ("withdrawn", b => b.Hear(OneUnit with { StatusCode = InventoryStatus.Withdrawn }, Then)),
        ("payment authorised", b => b.PaymentAuthorized("r", "r", Then)),
        ("payment authorised late", b => b.PaymentAuthorized("r", "r", Midnight.AddHours(1))),
        ("payment troubled", b => b.PaymentTroubled("r", Then)),
        ("payment declined", b => b.PaymentDeclined("r", Then)),
        ("payment ready", b => b.PaymentReady("r")),
        ("payment claimed", b => b.PaymentClaimed("r")),
        ("payment gone", b => b.PaymentGone("r", "void", Then)),
        ("payment asked", b => b.AskPayment(Then)),
        ("cancel by buyer", b => b.Cancel("r", "buyer", "by-buyer", Then)),
        ("cancel by seller", b => b.Cancel("r", "seller", "by-seller", Then)),
        ("cancel by nobody named", b => b.Cancel("r", null, "by-buyer", Then)),
        ("cancel by stranger", b => b.Cancel("r", "stranger", "by-buyer", Then)),
        ("pay", b => b.Pay("r", "buyer")),
        ("pay by stranger", b => b.Pay("r", "stranger")),
        ("trade accepted", b => b.TradeAccepted("r")),
        ("trade handed over", b => b.TradeHandedOver("r")),
        ("trade refuses to cancel", b => b.TradeCancelRefused("r")),
        ("trade completed", b => b.TradeCompleted("r", Midnight)),
        ("dispute paid out", b => b.TradeResolved("r", refund: false, Midnight)),
        ("dispute refunded", b => b.TradeResolved("r", refund: true, Midnight)),
        ("an hour passes", b => b.Overdue(Midnight.AddHours(1))),
        ("the day passes", b => b.Overdue(Midnight.AddDays(3))),
    ];

    private static ProductBook Unknown => ProductBook.Empty("p");

    private static ProductBook Listed => Next(Unknown.Hear(OneUnit, Midnight));

    private static ProductBook Held => Next(Listed.Request(Asked("r"), Midnight));

    private static ProductBook Confirmed => Next(Held.PaymentAuthorized("r", "r", Midnight));

    private static IEnumerable<(string Name, ProductBook State)> States =>
    [
        ("– (nothing asked)", Listed),
        ("REQUESTED (the listing is not known yet)", Next(Unknown.Request(Asked("r"), Midnight))),
        ("WAITLISTED (behind h)", Queue(Next(Next(Listed.Request(Asked("h"), Midnight)).Request(Asked("r"), Midnight)))),
        ("HELD", Queue(Held)),
        ("HELD, extended", Queue(Next(Held.PaymentTroubled("r", Midnight)))),
        ("HELD, extended, payment ready", Queue(Next(Next(Held.PaymentTroubled("r", Midnight)).PaymentReady("r")))),
        ("CONFIRMED", Queue(Confirmed)),
        ("CONFIRMED, handed over", Queue(Next(Next(Confirmed.TradeAccepted("r")).TradeHandedOver("r")))),
        ("CANCEL_PENDING", Queue(Next(Confirmed.Cancel("r", "buyer", "by-buyer", Midnight)))),
        ("CANCELLED", Next(Held.Cancel("r", "buyer", "by-buyer", Midnight))),
        ("EXPIRED", Next(Held.Overdue(Midnight.AddMinutes(15)))),
        ("REJECTED", Next(Listed.Request(Asked("r") with { UserId = "seller" }, Midnight)) is var rejected ? rejected with { Reserves = [rejected.Find("r")! with { UserId = "buyer" }] } : rejected),
        ("FULFILLED", Next(Confirmed.TradeCompleted("r", Midnight))),
    ];

    [Fact]
    public void A_reservation_has_an_answer_to_every_command_in_every_status()
    {
        var table = StateTable.Of(States, Commands, b => StateTable.Code(b.Find("r")?.Status), Tell);
        output.WriteLine(table);
        Assert.Equal(Repository.Lines(Machine), Repository.Lines(table));
    }

    [Fact]
    public void No_status_of_a_reservation_is_missing_from_the_table()
    {
        var shown = States.Where(s => s.State.Find("r") is not null).Select(s => (s.Name, s.State.Find("r")!.Status)).ToList();
        Assert.All(shown, s => Assert.StartsWith(StateTable.Code<ReserveStatus>(s.Status), s.Name, StringComparison.Ordinal));
        Assert.Equal(Enum.GetValues<ReserveStatus>(), shown.Select(s => s.Status).Distinct().Order());
    }

    [Theory]
    [InlineData("own-listing", "seller", "2027-04-03", 50_000, 1, InventoryStatus.OnSale)]
    [InlineData("not-on-sale", "buyer", "2027-04-03", 50_000, 1, InventoryStatus.Withdrawn)]
    [InlineData("not-on-sale", "buyer", "2027-04-03", 50_000, 1, InventoryStatus.Hidden)]
    [InlineData("past-date", "buyer", "2027-03-31", 50_000, 1, InventoryStatus.OnSale)]
    [InlineData("price-changed", "buyer", "2027-04-03", 49_000, 1, InventoryStatus.OnSale)]
    [InlineData("sold-out", "buyer", "2027-04-03", 50_000, 2, InventoryStatus.OnSale)]
    public void What_cannot_be_had_is_rejected_with_its_reason(string reason, string buyer, string day, long price, int qty, InventoryStatus status)
    {
        var book = Next(Unknown.Hear(OneUnit with { StatusCode = status }, Midnight));
        var reserve = new Reserve("r", buyer, null, qty, price, day, null, MeetingDay.End(day)!.Value, Midnight);
        var decision = book.Request(reserve, Midnight);
        Assert.Equal(["ReserveRequested", $"ReserveRejected {{{reason}}}"], decision.Events.Select(Tell));
    }

    [Theory]
    [InlineData(InventoryStatus.Withdrawn)]
    [InlineData(InventoryStatus.Hidden)]
    public void Of_what_is_not_on_sale_a_rejected_buyer_learns_nothing(InventoryStatus status)
    {
        var book = Next(Unknown.Hear(OneUnit with { StatusCode = status, ProductName = "bicycle", SellerId = "seller", Price = 70_000 }, Midnight));

        var rejected = Next(book.Request(Asked("r") with { AskedPrice = 100 }, Midnight)).Find("r")!;

        Assert.Equal((ReserveStatus.Rejected, null, null, 100), (rejected.Status, rejected.ProductName, rejected.SellerId, rejected.Price));
    }

    [Fact]
    public void A_listing_without_a_price_is_sold_at_the_price_the_reservation_names()
    {
        var book = Next(Unknown.Hear(OneUnit with { Price = null }, Midnight));
        Assert.Equal(7_000, Next(book.Request(Asked("r") with { AskedPrice = 7_000 }, Midnight)).Find("r")!.Price);
        Assert.Equal(["ReserveRequested", "ReserveRejected {price-required}"], book.Request(Asked("r"), Midnight).Events.Select(Tell));
    }

    [Fact]
    public void One_who_wants_more_than_there_is_keeps_no_unit_from_others()
    {
        var two = Next(Unknown.Hear(OneUnit with { Qty = 2, Supplied = 2 }, Midnight));
        var taken = Next(Next(two.Request(Asked("a"), Midnight)).PaymentAuthorized("a", "a", Midnight));
        var waits = Next(taken.Request(Asked("b") with { UserId = "two", Qty = 2 }, Midnight));
        Assert.Equal(ReserveStatus.Waitlisted, waits.Find("b")!.Status);

        var held = Next(waits.Request(Asked("c") with { UserId = "one" }, Midnight));

        Assert.Equal(ReserveStatus.Held, held.Find("c")!.Status);
        var sold = Next(held.TradeCompleted("a", Midnight));
        Assert.Equal((ReserveStatus.Rejected, "sold-out"), (sold.Find("b")!.Status, sold.Find("b")!.Reason));
    }

    [Fact]
    public void A_decline_that_is_heard_after_a_newer_attempt_got_no_answer_only_has_payment_asked_at_once()
    {
        var troubled = Next(Held.PaymentTroubled("r", Midnight));
        var heard = Next(troubled.PaymentDeclined("r", Midnight));
        Assert.Equal(Midnight, heard.NextWake);
        Assert.True(heard.PaymentDeclined("r", Midnight).Next is null);
        var asked = Next(heard.AskPayment(Midnight)).Find("r")!;
        Assert.Equal((Midnight, true), (asked.AskedAt!.Value, asked.AskPaymentAt > Midnight));
    }

    [Fact]
    public void What_was_handed_over_was_accepted_whichever_is_heard_first()
    {
        var handedOver = Next(Confirmed.TradeHandedOver("r"));
        Assert.True(handedOver.Find("r")!.Accepted);
        Assert.Null(handedOver.TradeAccepted("r").Next);
    }

    [Fact]
    public void Who_has_seen_another_version_neither_pays_nor_cancels()
    {
        Assert.Equal("version-changed", Held.Pay("r", "buyer", "1.").Refusal?.Code);
        Assert.Equal("version-changed", Held.Cancel("r", "buyer", "by-buyer", Then, "1.").Refusal?.Code);
        Assert.Equal("not-found", Held.Cancel("r", "stranger", "by-buyer", Then, "1.").Refusal?.Code);
        Assert.Null(Held.Pay("r", "buyer", Held.Tag("r")).Refusal);
        Assert.Equal(ReserveStatus.Cancelled, Next(Held.Cancel("r", "buyer", "by-buyer", Then, Held.Tag("r"))).Find("r")!.Status);
    }

    private static ProductBook Queue(ProductBook book) => Next(book.Request(Asked("w") with { UserId = "waiter" }, Midnight));

    private static Reserve Asked(string id) => new(id, "buyer", null, 1, null, "2027-04-03", "역 앞", MeetingDay.End("2027-04-03")!.Value, Midnight);

    private static ProductBook Next(Decision<ProductBook> decision) => decision.Next!;

    private static string Tell(Event e)
    {
        var told = (ReserveEvent)e;
        var more = new[]
        {
            told.Reason,
            told is ReserveHeld or ReserveHoldExtended ? $"pay by {told.PayBy:HH:mm}" : null,
            told is ReserveHeld { Promoted: true } ? "promoted" : null,
            told is ReserveWaitlisted ? $"position {told.Position}" : null,
        }.OfType<string>().ToList();
        return $"{(e.Id == "r" ? "" : $"{e.Id}: ")}{e.EventType}{(more.Count > 0 ? $" {{{string.Join(", ", more)}}}" : "")}";
    }

    private const string Machine = """
        – (nothing asked)
          request | → HELD  ReserveRequested  ReserveHeld {pay by 00:16}
          listing heard · one unit more · units taken back · hidden · withdrawn | → –
          cancel by buyer · cancel by seller · cancel by nobody named · cancel by stranger · pay · pay by stranger | refused not-found
          payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded · an hour passes · the day passes | unchanged

        REQUESTED (the listing is not known yet)
          listing heard · one unit more | → HELD  ReserveHeld {pay by 00:16}
          units taken back | → REJECTED  ReserveRejected {sold-out}
          hidden · withdrawn | → REJECTED  ReserveRejected {not-on-sale}
          cancel by buyer · cancel by nobody named | → CANCELLED  ReserveCanceled {by-buyer}
          an hour passes · the day passes | → REJECTED  ReserveRejected {unknown-product}
          cancel by seller · cancel by stranger · pay by stranger | refused not-found
          pay | refused not-allowed-in-state
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded | unchanged

        WAITLISTED (behind h)
          listing heard · hidden | → WAITLISTED
          one unit more | → HELD  ReserveHeld {pay by 00:31, promoted}
          units taken back | → WAITLISTED  h: ReserveCanceled {units-taken-back}
          withdrawn | → CANCELLED  h: ReserveCanceled {withdrawn}  ReserveCanceled {withdrawn}  w: ReserveCanceled {withdrawn}
          cancel by buyer · cancel by nobody named | → CANCELLED  ReserveCanceled {by-buyer}
          an hour passes | → HELD  h: ReserveCanceled {payment-timeout}  ReserveHeld {pay by 01:30, promoted}
          the day passes | → EXPIRED  h: ReserveCanceled {payment-timeout}  ReserveCanceled {date-passed}  w: ReserveCanceled {date-passed}
          cancel by seller · cancel by stranger · pay by stranger | refused not-found
          pay | refused not-allowed-in-state
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded | unchanged

        HELD
          listing heard · hidden · trade accepted · trade handed over | → HELD
          one unit more | → HELD  w: ReserveHeld {pay by 00:31, promoted}
          units taken back | → CANCELLED  ReserveCanceled {units-taken-back}
          withdrawn | → CANCELLED  ReserveCanceled {withdrawn}  w: ReserveCanceled {withdrawn}
          payment authorised | → CONFIRMED  ReserveCompleted
          payment troubled | → HELD  ReserveHoldExtended {pay by 00:25}
          cancel by buyer · cancel by nobody named | → CANCELLED  ReserveCanceled {by-buyer}  w: ReserveHeld {pay by 00:31, promoted}
          cancel by seller | → CANCELLED  ReserveCanceled {by-seller}  w: ReserveHeld {pay by 00:31, promoted}
          an hour passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveHeld {pay by 01:30, promoted}
          the day passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveCanceled {date-passed}
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised late · payment declined · payment ready · payment claimed · payment gone · payment asked · pay · trade refuses to cancel · trade completed · dispute paid out · dispute refunded | unchanged

        HELD, extended
          listing heard · hidden · payment asked · trade accepted · trade handed over | → HELD
          one unit more | → HELD  w: ReserveHeld {pay by 00:31, promoted}
          units taken back | → CANCELLED  ReserveCanceled {units-taken-back}
          withdrawn | → CANCELLED  ReserveCanceled {withdrawn}  w: ReserveCanceled {withdrawn}
          payment authorised | → CONFIRMED  ReserveCompleted
          payment ready | → HELD  ReservePayable
          cancel by buyer · cancel by nobody named | → CANCELLED  ReserveCanceled {by-buyer}  w: ReserveHeld {pay by 00:31, promoted}
          cancel by seller | → CANCELLED  ReserveCanceled {by-seller}  w: ReserveHeld {pay by 00:31, promoted}
          an hour passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveHeld {pay by 01:30, promoted}
          the day passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveCanceled {date-passed}
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised late · payment troubled · payment declined · payment claimed · payment gone · pay · trade refuses to cancel · trade completed · dispute paid out · dispute refunded | unchanged

        HELD, extended, payment ready
          listing heard · hidden · payment troubled · trade accepted · trade handed over | → HELD
          one unit more | → HELD  w: ReserveHeld {pay by 00:31, promoted}
          units taken back | → CANCELLED  ReserveCanceled {units-taken-back}
          withdrawn | → CANCELLED  ReserveCanceled {withdrawn}  w: ReserveCanceled {withdrawn}
          payment authorised | → CONFIRMED  ReserveCompleted
          cancel by buyer · cancel by nobody named | → CANCELLED  ReserveCanceled {by-buyer}  w: ReserveHeld {pay by 00:31, promoted}
          cancel by seller | → CANCELLED  ReserveCanceled {by-seller}  w: ReserveHeld {pay by 00:31, promoted}
          an hour passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveHeld {pay by 01:30, promoted}
          the day passes | → EXPIRED  ReserveCanceled {payment-timeout}  w: ReserveCanceled {date-passed}
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised late · payment declined · payment ready · payment claimed · payment gone · payment asked · pay · trade refuses to cancel · trade completed · dispute paid out · dispute refunded | unchanged

        CONFIRMED
          listing heard · units taken back · hidden · trade accepted · trade handed over | → CONFIRMED
          one unit more | → CONFIRMED  w: ReserveHeld {pay by 00:31, promoted}
          withdrawn | → CONFIRMED  w: ReserveCanceled {withdrawn}
          payment gone | → CANCELLED  ReserveCanceled {void}  w: ReserveHeld {pay by 00:31, promoted}
          cancel by buyer · cancel by nobody named | → CANCEL_PENDING  ReserveCancelRequested {by-buyer}
          cancel by seller | → CANCEL_PENDING  ReserveCancelRequested {by-seller}
          trade completed · dispute paid out | → FULFILLED  ReserveFulfilled  w: ReserveRejected {sold-out}
          dispute refunded | → CANCELLED  ReserveCanceled {dispute-refunded}  w: ReserveRejected {sold-out}
          the day passes | → CONFIRMED  w: ReserveCanceled {date-passed}
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment asked · pay · trade refuses to cancel · an hour passes | unchanged

        CONFIRMED, handed over
          listing heard · units taken back · hidden | → CONFIRMED
          one unit more | → CONFIRMED  w: ReserveHeld {pay by 00:31, promoted}
          withdrawn | → CONFIRMED  w: ReserveCanceled {withdrawn}
          payment gone | → CANCELLED  ReserveCanceled {void}  w: ReserveHeld {pay by 00:31, promoted}
          trade completed · dispute paid out | → FULFILLED  ReserveFulfilled  w: ReserveRejected {sold-out}
          dispute refunded | → CANCELLED  ReserveCanceled {dispute-refunded}  w: ReserveRejected {sold-out}
          the day passes | → CONFIRMED  w: ReserveCanceled {date-passed}
          cancel by buyer · cancel by seller · cancel by nobody named | refused already-handed-over
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment asked · pay · trade accepted · trade handed over · trade refuses to cancel · an hour passes | unchanged

        CANCEL_PENDING
          listing heard · units taken back · hidden · payment claimed · payment asked · trade accepted · trade handed over | → CANCEL_PENDING
          one unit more | → CANCEL_PENDING  w: ReserveHeld {pay by 00:31, promoted}
          withdrawn | → CANCEL_PENDING  w: ReserveCanceled {withdrawn}
          payment gone | → CANCELLED  ReserveCanceled {by-buyer}  w: ReserveHeld {pay by 00:31, promoted}
          trade refuses to cancel | → CONFIRMED  ReserveCancelRefused {already-handed-over}
          trade completed · dispute paid out | → FULFILLED  ReserveFulfilled  w: ReserveRejected {sold-out}
          dispute refunded | → CANCELLED  ReserveCanceled {dispute-refunded}  w: ReserveRejected {sold-out}
          the day passes | → CANCEL_PENDING  w: ReserveCanceled {date-passed}
          cancel by stranger · pay by stranger | refused not-found
          pay | refused not-allowed-in-state
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · cancel by buyer · cancel by seller · cancel by nobody named · an hour passes | unchanged

        CANCELLED
          listing heard · one unit more · units taken back · hidden · withdrawn | → CANCELLED
          cancel by stranger · pay by stranger | refused not-found
          pay | refused not-allowed-in-state
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · cancel by buyer · cancel by seller · cancel by nobody named · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded · an hour passes · the day passes | unchanged

        EXPIRED
          listing heard · one unit more · units taken back · hidden · withdrawn | → EXPIRED
          cancel by buyer · cancel by seller · cancel by nobody named | refused not-allowed-in-state
          cancel by stranger · pay by stranger | refused not-found
          pay | refused hold-expired
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded · an hour passes · the day passes | unchanged

        REJECTED
          listing heard · one unit more · units taken back · hidden · withdrawn | → REJECTED
          cancel by buyer · cancel by seller · cancel by nobody named · pay | refused not-allowed-in-state
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded · an hour passes · the day passes | unchanged

        FULFILLED
          listing heard · one unit more · units taken back · hidden · withdrawn | → FULFILLED
          cancel by buyer · cancel by seller · cancel by nobody named · pay | refused not-allowed-in-state
          cancel by stranger · pay by stranger | refused not-found
          request · payment authorised · payment authorised late · payment troubled · payment declined · payment ready · payment claimed · payment gone · payment asked · trade accepted · trade handed over · trade refuses to cancel · trade completed · dispute paid out · dispute refunded · an hour passes · the day passes | unchanged
        """;
}
