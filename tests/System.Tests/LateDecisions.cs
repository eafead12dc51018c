using System.Net;
using SecondhandTrade.Contracts;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests;

/// <summary>Requests whose first attempt got no further than the journal or the hold: someone still sees them to a decision and a payment, once.</summary>
public sealed class LateDecisions
{
    [Fact]
    public async Task A_unit_that_is_held_after_the_buyer_has_been_answered_is_paid_for_all_the_same()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var busy = town.Faults["reservation"].Hold("PublishEvent");

        var answer = await town.TurnUntil(town.Reserve("1", "100", "abc"));
        Assert.Equal((HttpStatusCode.Accepted, "예약접수"), (answer.Code, answer["status"]));
        busy.SetResult();
        await town.Turn(TimeSpan.FromSeconds(15));

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_unit_whose_holder_died_before_asking_payment_is_paid_for_all_the_same()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var intake = town.Service<Intake>("reservation");
        var held = await intake.Decide(await intake.Write(Asked("1", "100", "abc")));
        Assert.Equal("예약중", (await town.Get("/reserves/1"))["status"]);
        Assert.True(held!.Changed);

        await town.Turn(TimeSpan.FromSeconds(15));

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task With_payment_away_a_late_hold_is_paid_for_when_it_is_back()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var intake = town.Service<Intake>("reservation");
        await intake.Decide(await intake.Write(Asked("1", "100", "abc")));
        await town.Stop("payment");
        await town.Turn(TimeSpan.FromMinutes(2));
        Assert.Equal("예약중", (await town.Get("/reserves/1"))["status"]);

        await town.Start("payment");
        await town.Turn(TimeSpan.FromMinutes(1));

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_request_that_waited_for_its_listing_is_paid_for_when_the_listing_is_heard()
    {
        await using var town = await TestTown.Open();
        await town.Stop("stock");
        Assert.Equal("예약접수", (await town.TurnUntil(town.Reserve("1", "100", "abc")))["status"]);
        await town.Turn(TimeSpan.FromMinutes(1));
        Assert.Equal("예약접수", (await town.Get("/reserves/1"))["status"]);

        await town.Start("stock");
        await town.List("100");
        await town.Turn(TimeSpan.FromSeconds(15));

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_card_that_was_declined_is_not_charged_again_by_itself()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        Assert.Equal(HttpStatusCode.PaymentRequired, (await town.Reserve("1", "100", "abc")).Code);
        await town.Provider("ok");

        await town.Turn(TimeSpan.FromSeconds(30));

        Assert.Equal("예약중", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal((1, PaymentStatus.Declined), await Payment(town, "1"));
        await Verify.Holds(town);
    }

    [Fact]
    public async Task The_same_request_twice_at_the_same_moment_charges_once()
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 10);
        await town.Provider("decline");
        var ids = Enumerable.Range(1, 10).Select(n => $"{n}").ToList();

        await Task.WhenAll(ids.SelectMany(id => new[] { town.Reserve(id, "100", $"buyer{id}"), town.Reserve(id, "100", $"buyer{id}") }));
        await town.Settle();

        var (book, _) = await town.Service<AggregateStore>("reservation").Load("100", ProductBook.Empty("100"));
        Assert.Equal(ids, book.State.Reserves.Where(r => r is { Status: ReserveStatus.Held, Extended: false }).Select(r => r.Id).OrderBy(int.Parse));
        foreach (var id in ids)
        {
            Assert.Equal((1, PaymentStatus.Declined), await Payment(town, id));
        }
    }

    [Fact]
    public async Task One_who_presses_pay_again_while_the_provider_is_asked_spends_no_extension()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        await town.Reserve("1", "100", "abc");
        await town.Provider("slow");
        town.Reached.Clear();

        var first = town.Put("/reserves/1/pay");
        await Eventually.Holds(() => town.Reached.Contains(("payment", "POST", "/payments")), () => "payment to be asked");
        await Eventually.HoldsAsync(async () => (await Payment(town, "1")).Attempt == 2, () => "payment to ask the provider again");
        Assert.Equal((HttpStatusCode.Accepted, "예약중"), (await town.Put("/reserves/1/pay")) is var second ? (second.Code, second["status"]) : default);

        var (book, _) = await town.Service<AggregateStore>("reservation").Load("100", ProductBook.Empty("100"));
        Assert.False(book.State.Find("1")!.Extended);
        await town.TurnUntil(first);
    }

    [Fact]
    public async Task Whatever_keeps_the_products_actor_a_buyer_is_answered_after_payment_gave_none()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("slow");

        // Past the gateway, whose sidecar gives up and asks again by itself.
        var answer = town.Send(HttpMethod.Post, "/reserves", new { id = "1", productid = "100", userid = "abc", qty = 1, reserveDt = "2027-04-04", price = 50000 }, "reservation");
        await Eventually.Holds(() => town.Reached.Contains(("payment", "POST", "/payments")), () => "payment to be asked");

        var busy = town.Faults["reservation"].Hold("PublishEvent");
        for (var turned = 0; turned < 100 && await Task.WhenAny(answer, Task.Delay(20)) != answer; turned++)
        {
            town.Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        var answered = answer.IsCompleted;
        busy.SetResult();
        Assert.True(answered, "The buyer was not answered within 10 s.");
        Assert.Equal((HttpStatusCode.Accepted, "예약중"), ((await answer).Code, (await answer)["status"]));
    }

    [Fact]
    public async Task A_request_whose_journal_took_long_to_write_is_still_decided_when_its_process_dies()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var slow = town.Faults["reservation"].Hold("SaveState");
        var journal = town.Service<Intake>("reservation").Write(Asked("1", "100", "abc"));
        await town.Turn(TimeSpan.FromSeconds(6));
        slow.SetResult();
        Assert.Equal("1", (await journal).Request.Id);

        await town.Turn(TimeSpan.FromSeconds(15));

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        await Verify.Holds(town);
    }

    [Theory]
    [InlineData("pay")]
    [InlineData("reservecancel")]
    public async Task One_who_acts_on_a_request_before_it_is_rejected_is_told_that_it_is(string action)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "seller", price = 30000 });
        await town.Settle();
        await town.Service<Intake>("reservation").Write(Asked("1", "100", "seller"));

        var answer = await town.Put($"/reserves/1/{action}");

        Assert.Equal((HttpStatusCode.Conflict, "not-allowed-in-state", "예약불가"), (answer.Code, answer.Problem, answer["currentStatus"]));
    }

    private static PlaceReserve Asked(string id, string productId, string buyer) => new(id, productId, buyer, null, 1, "2027-04-04", null, 50000);

    private static async Task<(int Attempt, PaymentStatus? Status)> Payment(TestTown town, string id)
    {
        var (payment, _) = await town.Service<AggregateStore>("payment").Load(id, new Payment(id));
        return (payment.State.Attempt, payment.State.Status);
    }
}
