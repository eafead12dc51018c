using System.Net;

namespace SecondhandTrade.SystemTests;

/// <summary>What people do when all goes well, and when they change their minds.</summary>
public sealed class Journeys
{
    [Fact]
    public async Task The_seeds_own_lines_lead_to_a_completed_trade()
    {
        await using var town = await TestTown.Open();

        var listed = await town.Post("/inventories", """{"id":"1","productid":"100","productname":"애플워치","qty":"1"}""");
        Assert.Equal((HttpStatusCode.Created, "판매중"), (listed.Code, listed["status"]));

        var reserved = await town.Post("/reserves", """{"productid":"100","userid":"abc","productname":"애플워치","qty":"1","reserveDt":"2027-04-04","address":"서울특별시 서초구 방배동","price":"50000","id":"1","status":"예약완료"}""");
        Assert.Equal((HttpStatusCode.Created, "예약완료", "1"), (reserved.Code, reserved["status"], reserved["qty"]));
        await town.Settle();

        Assert.Equal("거래 진행중", (await town.Get("/trades/1"))["status"]);
        var found = await town.Post("/trades", """{"id":"1","productid":"100","userid":"abc","productname":"애플워치","qty":"1","price":"50000"}""");
        Assert.Equal((HttpStatusCode.OK, "1"), (found.Code, found["id"]));
        Assert.Equal(HttpStatusCode.Created, (await town.Post("/notices", """{"id":"1","productid":"100","userid":"abc","productname":"애플워치","status":"예약완료"}""")).Code);

        Assert.Equal("인수인계", (await town.Put("/trades/1/handover"))["status"]);
        await town.Settle();
        Assert.Equal("거래완료", (await town.Put("/trades/1/complete"))["status"]);
        await town.Settle();

        var inventory = await town.Get("/inventories/1");
        Assert.Equal(("0", "거래완료"), (inventory["qty"], inventory["status"]));
        Assert.Equal("거래완료", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("정산완료", (await town.Get("/payments/1"))["status"]);
        var mine = (await town.Get("/mypages?userid=abc")).List("mypages").Single()!;
        Assert.Equal(("거래완료", "거래완료", "정산완료"), ($"{mine["reserveStatus"]}", $"{mine["tradeStatus"]}", $"{mine["paymentStatus"]}"));
        var told = (await town.Get("/notices?userid=abc&size=100&sort=oldest")).List("notices").Select(n => $"{n!["status"]}").ToList();
        Assert.Equal(1, told.Count(s => s == "인수인계"));
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Each_of_the_two_is_told_only_what_they_may_do_themselves()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "애플워치", qty = 1, sellerid = "seller" });
        await town.Settle();
        await town.Provider("decline");
        await town.Reserve("1", "100", "abc");
        await town.Settle();
        await Told("reserves", ["pay", "reservecancel"], ["reservecancel"]);

        await town.Provider("ok");
        await town.Put("/reserves/1/pay?userid=abc");
        await town.Settle();
        await Told("reserves", ["reservecancel"], ["reservecancel"]);
        await Told("trades", ["receive", "cancel"], ["handover", "cancel"]);

        await town.Put("/trades/1/handover?userid=seller");
        await town.Settle();
        await Told("trades", ["complete", "defer", "dispute"], []);

        // As one thing and as one of a list; a link is as good as what it leads to.
        async Task Told(string kind, string[] buyers, string[] sellers)
        {
            foreach (var (user, may) in new[] { ("abc", buyers), ("seller", sellers) })
            {
                var one = await town.Get($"/{kind}/1?userid={user}");
                var listed = (await town.Get($"/{kind}?userid={user}")).List(kind).Single()!["_links"]!.AsObject().Select(l => l.Key);
                Assert.Equal((string.Join(' ', may), string.Join(' ', may)), (string.Join(' ', one.Links.Where(IsAct)), string.Join(' ', listed.Where(IsAct))));
                foreach (var other in buyers.Concat(sellers).Except(may))
                {
                    Assert.Equal(404, (int)(await town.Put($"/{kind}/1/{other}?userid={user}", new { reason = "broken" })).Code);
                }
            }
        }

        static bool IsAct(string link) => link is not ("self" or "reserve" or "payment" or "timeline");
    }

    [Fact]
    public async Task Nobody_learns_where_someone_lives_nearer_than_a_hundred_metres()
    {
        await using var town = await TestTown.Open();
        var offered = await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "seller", latitude = 37.481634, longitude = 126.997211 });
        Assert.Equal(("37.482", "126.997"), (offered["latitude"], offered["longitude"]));
        var moved = await town.Send(HttpMethod.Patch, "/inventories/100?userid=seller", new { latitude = 37.4999999, longitude = 127.0004 });
        Assert.Equal(("37.5", "127"), (moved["latitude"], moved["longitude"]));
        await town.Settle();
        Assert.Single((await town.Get("/inventories?near=37.5,127&within=0.01")).List("inventories"));
    }

    [Fact]
    public async Task One_who_waits_comes_up_by_itself_when_the_first_cancels()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "first");
        var waiting = await town.Reserve("2", "100", "second");
        Assert.Equal((HttpStatusCode.Created, "예약대기", "1"), (waiting.Code, waiting["status"], waiting["position"]));
        await town.Settle();

        var cancelled = await town.Put("/reserves/1/reservecancel");
        await town.Settle();

        Assert.True(cancelled["status"] is "취소처리중" or "예약취소", cancelled["status"]);
        Assert.Equal("예약취소", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("예약취소로 거래취소", (await town.Get("/trades/1"))["status"]);
        Assert.Equal("환불완료", (await town.Get("/payments/1"))["status"]);
        var promoted = await town.Get("/reserves/2");
        Assert.Equal("예약중", promoted["status"]);
        Assert.Contains("pay", promoted.Links);
        Assert.Equal("예약완료", (await town.Put("/reserves/2/pay"))["status"]);
        await town.Settle();
        Assert.Equal("거래 진행중", (await town.Get("/trades/2"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_reservation_nobody_pays_for_expires_and_my_page_says_so()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        var declined = await town.Reserve("1", "100", "abc");
        Assert.Equal((HttpStatusCode.PaymentRequired, "payment-declined"), (declined.Code, declined.Problem));
        await town.Reserve("2", "100", "def");
        await town.Provider("ok");

        await town.Turn(TimeSpan.FromMinutes(16));

        Assert.Equal("예약만료", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("hold-expired", (await town.Put("/reserves/1/pay")).Problem);
        Assert.Equal("예약중", (await town.Get("/reserves/2"))["status"]);
        Assert.Equal("예약만료", $"{(await town.Get("/mypages/1"))["reserveStatus"]}");
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_declined_card_may_be_tried_again_while_the_unit_is_held()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        await town.Reserve("1", "100", "abc");
        await town.Provider("ok");

        Assert.Equal("예약완료", (await town.Put("/reserves/1/pay"))["status"]);

        await town.Settle();
        Assert.Equal("거래 진행중", (await town.Get("/trades/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_seller_who_wants_a_say_accepts_or_the_day_passes()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "7", productid = "100", productname = "자전거", qty = 2, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        await town.Reserve("1", "100", "abc", price: 30000);
        await town.Reserve("2", "100", "def", price: 30000);
        await town.Settle();
        Assert.Equal("판매자수락대기", (await town.Get("/trades/1"))["status"]);
        Assert.Null((await town.Get("/trades/1?userid=seller"))["address"]);

        Assert.Equal(HttpStatusCode.NotFound, (await town.Put("/trades/1/accept?userid=abc")).Code);
        Assert.Equal("거래 진행중", (await town.Put("/trades/1/accept?userid=seller"))["status"]);
        await town.Turn(TimeSpan.FromHours(25));

        Assert.Equal("서울", (await town.Get("/trades/1?userid=seller"))["address"]);
        Assert.Equal(("거래취소", "accept-timeout"), ((await town.Get("/trades/2"))["status"], (await town.Get("/trades/2"))["reason"]));
        Assert.Equal("예약취소", (await town.Get("/reserves/2"))["status"]);
        Assert.Equal("승인취소", (await town.Get("/payments/2"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_silent_buyer_is_content_after_three_days_unless_he_defers()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();

        await town.Turn(TimeSpan.FromDays(2));
        Assert.Equal(HttpStatusCode.OK, (await town.Put("/trades/1/defer")).Code);
        await town.Turn(TimeSpan.FromDays(2));
        Assert.Equal("인수인계", (await town.Get("/trades/1"))["status"]);
        await town.Turn(TimeSpan.FromDays(3));

        Assert.Equal("거래완료", (await town.Get("/trades/1"))["status"]);
        Assert.Equal("정산완료", (await town.Get("/payments/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task After_the_hand_over_only_a_dispute_is_left_and_it_can_end_with_the_money_back()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();

        Assert.Equal("already-handed-over", (await town.Put("/trades/1/cancel")).Problem);
        Assert.Equal("already-handed-over", (await town.Put("/reserves/1/reservecancel")).Problem);
        Assert.Equal("분쟁중", (await town.Put("/trades/1/dispute", new { reason = "화면이 깨져 있어요" }))["status"]);
        await town.Turn(TimeSpan.FromDays(20));
        Assert.Equal("결제보관", (await town.Get("/payments/1"))["status"]);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await town.Put("/trades/1/resolve", new { outcome = "refunded" })).Code);
        Assert.Equal("분쟁해결", (await town.Send(HttpMethod.Put, "/trades/1/resolve", new { outcome = "refunded" }, "trade"))["status"]);
        Assert.Equal(HttpStatusCode.OK, (await town.Send(HttpMethod.Put, "/trades/1/resolve", new { outcome = "refunded" }, "trade")).Code);
        Assert.Equal("not-allowed-in-state", (await town.Send(HttpMethod.Put, "/trades/1/resolve", new { outcome = "paid-out" }, "trade")).Problem);
        await town.Settle();

        Assert.Equal("환불완료", (await town.Get("/payments/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_listing_that_is_withdrawn_frees_those_who_wait_and_keeps_what_is_paid()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Reserve("2", "100", "def");
        await town.Settle();

        Assert.Equal("판매중단", (await town.Put("/inventories/100/withdraw"))["status"]);
        await town.Settle();

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal(("예약취소", "withdrawn"), ((await town.Get("/reserves/2"))["status"], (await town.Get("/reserves/2"))["reason"]));
        Assert.Equal("not-on-sale", (await town.Reserve("3", "100", "ghi")).Problem);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_hidden_listing_can_be_reserved_no_more_than_one_that_is_not_there_until_its_seller_shows_it()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Send(HttpMethod.Patch, "/inventories/100", new { hidden = true });
        await town.Settle();

        var (hidden, absent) = (await town.Reserve("1", "100", "abc"), await town.Reserve("2", "absent", "abc"));
        Assert.Equal((HttpStatusCode.NotFound, "unknown-product"), (hidden.Code, hidden.Problem));
        (absent.Body!["traceId"], hidden.Body!["traceId"]) = (null, null);
        Assert.Equal(absent.Body.ToJsonString().Replace("absent", "100", StringComparison.Ordinal), hidden.Body.ToJsonString());
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get("/reserves/1")).Code);

        await town.Send(HttpMethod.Patch, "/inventories/100", new { hidden = false });
        Assert.Equal(HttpStatusCode.Created, (await town.Reserve("1", "100", "abc")).Code);
        await town.Settle();
        await Verify.Holds(town);
    }
}
