using System.Net;

namespace SecondhandTrade.SystemTests;

/// <summary>Whoever may cancel, at every stage, with what it undoes.</summary>
public sealed class Cancellations
{
    [Fact]
    public async Task A_request_that_waits_for_its_listing_is_simply_cancelled()
    {
        await using var town = await TestTown.Open();
        await town.Stop("stock");
        Assert.Equal("예약접수", (await town.TurnUntil(town.Reserve("1", "999", "abc")))["status"]);

        Assert.Equal("예약취소", (await town.Put("/reserves/1/reservecancel"))["status"]);

        await town.Settle();
        Assert.Equal("예약취소", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get("/payments/1")).Code);
    }

    [Fact]
    public async Task One_who_waits_leaves_the_queue_and_those_behind_move_up()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "a");
        await town.Reserve("2", "100", "b");
        await town.Reserve("3", "100", "c");
        Assert.Equal("2", (await town.Get("/reserves/3"))["position"]);

        Assert.Equal(HttpStatusCode.NotFound, (await town.Put("/reserves/2/reservecancel?userid=someone")).Code);
        Assert.Equal("예약취소", (await town.Put("/reserves/2/reservecancel?userid=b"))["status"]);

        Assert.Equal("1", (await town.Get("/reserves/3"))["position"]);
        Assert.Equal("1", (await town.Get("/products/100/queue"))["waiting"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_hold_is_given_on_at_once_and_its_late_payment_is_voided()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("lose-answer");
        await town.TurnUntil(town.Reserve("1", "100", "a"));
        await town.Provider("ok");
        await town.Reserve("2", "100", "b");

        Assert.Equal("예약취소", (await town.Put("/reserves/1/reservecancel"))["status"]);

        Assert.Equal("예약중", (await town.Get("/reserves/2"))["status"]);
        await town.Turn(TimeSpan.FromMinutes(3));
        Assert.Equal("승인취소", (await town.Get("/payments/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_paid_reservation_whose_payment_nobody_has_claimed_is_voided_and_no_trade_comes_of_it()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Stop("trade");
        Assert.Equal("예약완료", (await town.Reserve("1", "100", "a"))["status"]);
        await town.Reserve("2", "100", "b");

        var cancelled = await town.Put("/reserves/1/reservecancel");

        Assert.Equal((HttpStatusCode.OK, "예약취소"), (cancelled.Code, cancelled["status"]));
        Assert.Equal("예약중", (await town.Get("/reserves/2"))["status"]);
        await town.Start("trade");
        await town.Settle();
        Assert.Equal("승인취소", (await town.Get("/payments/1"))["status"]);
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get("/trades/1")).Code);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task With_payment_down_a_paid_reservation_keeps_its_unit_until_payment_has_answered()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Stop("trade");
        await town.Reserve("1", "100", "a");
        await town.Reserve("2", "100", "b");
        await town.Settle();
        await town.Stop("payment");

        var pending = await town.TurnUntil(town.Put("/reserves/1/reservecancel"));
        Assert.Equal((HttpStatusCode.Accepted, "취소처리중"), (pending.Code, pending["status"]));
        Assert.Equal("예약대기", (await town.Get("/reserves/2"))["status"]);

        await town.Start("payment");
        await town.Turn(TimeSpan.FromMinutes(2));
        Assert.Equal("예약취소", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("예약중", (await town.Get("/reserves/2"))["status"]);
        await town.Start("trade");
        await Verify.Holds(town);
    }

    [Theory]
    [InlineData("buyer", "/reserves/1/reservecancel?userid=buyer", "예약취소로 거래취소")]
    [InlineData("seller", "/reserves/1/reservecancel?userid=seller", "예약취소로 거래취소")]
    [InlineData("seller", "/trades/1/decline?userid=seller", "판매자거절")]
    [InlineData("buyer", "/trades/1/cancel?userid=buyer", "거래취소")]
    public async Task Before_the_seller_has_accepted_the_payment_is_voided(string who, string how, string trade)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "7", productid = "100", productname = "자전거", qty = 1, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        await town.Reserve("1", "100", "buyer", price: 30000);
        await town.Settle();
        await town.Reserve("2", "100", "next", price: 30000);
        await town.Settle();

        Assert.True((await town.Put(how)).Response.IsSuccessStatusCode, who);
        await town.Settle();

        Assert.Equal(trade, (await town.Get("/trades/1"))["status"]);
        Assert.Equal("예약취소", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("승인취소", (await town.Get("/payments/1"))["status"]);
        Assert.Equal("예약중", (await town.Get("/reserves/2"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Once_in_progress_the_money_comes_back_and_the_unit_too()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "a");
        await town.Settle();

        await town.Put("/trades/1/cancel");
        await town.Settle();

        Assert.Equal(("거래취소", "환불완료", "예약취소"), ((await town.Get("/trades/1"))["status"], (await town.Get("/payments/1"))["status"], (await town.Get("/reserves/1"))["status"]));
        var inventory = await town.Get("/inventories/100");
        Assert.Equal(("1", "판매중"), (inventory["qty"], inventory["status"]));
        Assert.Equal("예약완료", (await town.Reserve("2", "100", "b"))["status"]);
        await Verify.Holds(town);
    }
}
