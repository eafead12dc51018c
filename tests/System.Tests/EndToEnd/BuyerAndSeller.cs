using System.Net;

namespace SecondhandTrade.SystemTests.EndToEnd;

/// <summary>What buyers and sellers live through, by HTTP and in real time.</summary>
public sealed class BuyerAndSeller(LiveTown town) : IClassFixture<LiveTown>
{
    public static TheoryData<string, string, string, int, string, string?> Bad => new()
    {
        { "POST", "/reserves", """{"productid":"<id>","userid":"a","qty":"x","reserveDt":"2099-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"<id>","userid":"a","qty":-1,"reserveDt":"2099-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"<id>","qty":1,"reserveDt":"2099-04-04"}""", 400, "invalid", "userid" },
        { "POST", "/reserves", """{"productid":"<id>","userid":"a","qty":1,"reserveDt":"tomorrow"}""", 400, "invalid", "reserveDt" },
        { "POST", "/reserves", """{"productid":"<id>-not","userid":"a","qty":1,"reserveDt":"2099-04-04","price":1}""", 404, "unknown-product", "productid" },
        { "POST", "/reserves", "{\"productid\":", 400, "malformed", null },
        { "PUT", "/reserves/<id>", "{}", 405, "method-not-allowed", null },
        { "GET", "/reserves/<id>", "", 404, "not-found", null },
        { "PUT", "/reserves/<id>/reservecancel", "", 404, "not-found", null },
        { "GET", "/reserves?size=0", "", 400, "invalid", "size" },
        { "POST", "/inventories", """{"id":"<id>","productname":"x","qty":0}""", 400, "invalid", "qty" },
        { "GET", "/products/<id>/queue", "", 404, "not-found", null },
        { "POST", "/trades", """{"id":"<id>","productid":"<id>","userid":"a","qty":1}""", 402, "payment-required", null },
        { "PUT", "/trades/<id>/handover", "", 404, "not-found", null },
        { "GET", "/mypages/<id>", "", 404, "not-found", null },
        { "POST", "/events/reserve-held", "{}", 404, "not-found", null },
        { "POST", "/payments", "{}", 404, "not-found", null },
        { "PUT", "/payments/simulator", """{"mode":"ok"}""", 404, "not-found", null },
    };

    [Fact]
    public async Task The_seeds_lines_lead_from_a_listing_to_a_completed_trade()
    {
        var (id, buyer) = (town.Id("seed"), town.Id("abc"));
        var listed = await town.Post("/inventories", $$"""{"id":"{{id}}","productid":"{{id}}","productname":"애플워치","qty":"1"}""");
        Assert.Equal((HttpStatusCode.Created, "판매중"), (listed.Code, listed["status"]));

        var reserved = await town.Post("/reserves", $$"""{"productid":"{{id}}","userid":"{{buyer}}","productname":"애플워치","qty":"1","reserveDt":"2099-04-04","address":"서울특별시 서초구 방배동","price":"50000","id":"{{id}}","status":"예약완료"}""");
        Assert.True(reserved.Response.IsSuccessStatusCode, reserved.Body?.ToJsonString());
        await town.Paid(id, reserved);
        await town.Becomes($"/trades/{id}", "status", "거래 진행중");
        await town.Becomes($"/inventories/{id}", "status", "예약중");
        var asked = await town.Post("/trades", $$"""{"id":"{{id}}","productid":"{{id}}","userid":"{{buyer}}","productname":"애플워치","qty":"1","price":"50000"}""");
        Assert.Equal((HttpStatusCode.OK, id), (asked.Code, asked["id"]));

        // Handing over waits for the money to be kept and the stock to be set aside.
        await town.Becomes($"/payments/{id}", "status", "결제보관");
        await Does($"/trades/{id}/handover", $"/trades/{id}", "인수인계");
        await Does($"/trades/{id}/complete", $"/trades/{id}", "거래완료");

        await town.Becomes($"/inventories/{id}", "status", "거래완료");
        Assert.Equal("0", (await town.Get($"/inventories/{id}"))["qty"]);
        await town.Becomes($"/reserves/{id}", "status", "거래완료");
        await town.Becomes($"/payments/{id}", "status", "정산완료");
        await town.Becomes($"/mypages/{id}", "reserveStatus", "거래완료");
        await town.Becomes($"/mypages/{id}", "tradeStatus", "거래완료");
        await town.Becomes($"/mypages/{id}", "paymentStatus", "정산완료");
        Assert.Contains("인수인계", (await town.Get($"/notices?userid={buyer}&size=100")).List("notices").Select(notice => $"{notice!["status"]}"));
    }

    [Fact]
    public async Task Who_waits_comes_up_when_the_first_cancels_and_the_queue_tells_both()
    {
        var product = town.Id("queue");
        await town.List(product);
        await town.Reserve($"{product}-1", product, "first");
        Assert.Equal("1", (await town.Reserve($"{product}-2", product, "second", "예약대기"))["position"]);
        Assert.Equal("2", (await town.Reserve($"{product}-3", product, "third", "예약대기"))["position"]);
        var queue = await town.Get($"/products/{product}/queue?userid=third");
        Assert.Equal(("0", "2", "2"), (queue["free"], queue["waiting"], queue["position"]));

        await town.Put($"/reserves/{product}-1/reservecancel");

        var promoted = await town.Becomes($"/reserves/{product}-2", "status", "예약중");
        Assert.Contains("pay", promoted.Links);
        await town.Becomes($"/reserves/{product}-1", "status", "예약취소");
        await town.Becomes($"/reserves/{product}-3", "position", "1");
        await town.Paid($"{product}-2", promoted);
        await town.Becomes($"/trades/{product}-2", "status", "거래 진행중");
        Assert.Equal("예약대기", (await town.Get($"/reserves/{product}-3"))["status"]);
    }

    [Fact]
    public async Task One_who_waits_or_is_held_may_leave_and_nothing_was_paid()
    {
        var product = town.Id("leave");
        await town.List(product);
        await town.Reserve($"{product}-1", product, "first");
        await town.Reserve($"{product}-2", product, "second", "예약대기");
        await town.Reserve($"{product}-3", product, "third", "예약대기");
        await town.Reserve($"{product}-4", product, "fourth", "예약대기");

        Assert.Equal("예약취소", (await town.Put($"/reserves/{product}-2/reservecancel"))["status"]);
        await town.Put($"/reserves/{product}-1/reservecancel");
        await town.Becomes($"/reserves/{product}-3", "status", "예약중");
        Assert.Equal("예약취소", (await town.Put($"/reserves/{product}-3/reservecancel"))["status"]);

        await town.Becomes($"/reserves/{product}-4", "status", "예약중");
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get($"/payments/{product}-2")).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get($"/trades/{product}-3")).Code);
        Assert.Equal("예약취소", (await town.Put($"/reserves/{product}-2/reservecancel"))["status"]);
    }

    [Theory]
    [InlineData("buyer")]
    [InlineData("seller")]
    public async Task Before_the_seller_accepts_either_may_cancel_and_the_payment_is_voided(string who)
    {
        var (product, seller, buyer) = (town.Id($"await-{who}"), town.Id("seller"), town.Id("buyer"));
        await town.List(product, seller: seller, instant: false);
        await town.Reserve(product, product, buyer);
        await town.Becomes($"/trades/{product}", "status", "판매자수락대기");

        await town.Put($"/reserves/{product}/reservecancel?userid={town.Id(who)}");

        await town.Becomes($"/reserves/{product}", "status", "예약취소");
        await town.Becomes($"/trades/{product}", "status", "예약취소로 거래취소");
        await town.Becomes($"/payments/{product}", "status", "승인취소");
        await town.Becomes($"/inventories/{product}", "status", "판매중");
    }

    [Fact]
    public async Task A_seller_may_accept_or_decline_and_only_the_seller()
    {
        var (product, seller) = (town.Id("say"), town.Id("seller"));
        await town.List(product, qty: 2, seller: seller, instant: false);
        await town.Reserve($"{product}-1", product, "first");
        await town.Reserve($"{product}-2", product, "second");
        await town.Becomes($"/trades/{product}-1", "status", "판매자수락대기");
        await town.Becomes($"/trades/{product}-2", "status", "판매자수락대기");

        Assert.Equal(HttpStatusCode.NotFound, (await town.Put($"/trades/{product}-1/accept?userid=stranger")).Code);
        await Does($"/trades/{product}-1/accept?userid={seller}", $"/trades/{product}-1", "거래 진행중");
        await Does($"/trades/{product}-2/decline?userid={seller}", $"/trades/{product}-2", "판매자거절");

        await town.Becomes($"/payments/{product}-1", "status", "결제보관");
        await town.Becomes($"/payments/{product}-2", "status", "승인취소");
        await town.Becomes($"/reserves/{product}-2", "status", "예약취소");
    }

    [Fact]
    public async Task While_the_trade_runs_a_cancel_gives_money_and_stock_back()
    {
        var product = town.Id("refund");
        await town.List(product);
        await town.Reserve(product, product, "buyer");
        await town.Becomes($"/payments/{product}", "status", "결제보관");

        await town.Put($"/reserves/{product}/reservecancel");

        await town.Becomes($"/reserves/{product}", "status", "예약취소");
        await town.Becomes($"/trades/{product}", "status", "예약취소로 거래취소");
        await town.Becomes($"/payments/{product}", "status", "환불완료");
        await town.Becomes($"/inventories/{product}", "status", "판매중");
        await town.Becomes($"/mypages/{product}", "reserveStatus", "예약취소");
        await town.Reserve($"{product}-next", product, "next");
    }

    [Fact]
    public async Task After_the_hand_over_no_cancel_is_left_but_a_dispute()
    {
        var product = town.Id("late");
        await town.List(product);
        await town.Reserve(product, product, "buyer");
        await town.Becomes($"/payments/{product}", "status", "결제보관");
        await Does($"/trades/{product}/handover", $"/trades/{product}", "인수인계");

        Assert.Equal((HttpStatusCode.Conflict, "already-handed-over"), await Refused($"/trades/{product}/cancel"));
        Assert.Equal("분쟁중", (await town.Put($"/trades/{product}/dispute", new { reason = "화면이 깨져 있어요" }))["status"]);
        await town.Becomes($"/payments/{product}", "status", "결제보관");
    }

    [Fact]
    public async Task The_same_request_twice_is_one_reservation_and_another_under_its_id_is_refused()
    {
        var product = town.Id("twice");
        await town.List(product, qty: 2);
        await town.Reserve(product, product, "buyer");
        var again = await town.Ask(product, product, "buyer");
        var other = await town.Ask(product, product, "buyer", qty: 2);

        Assert.True(again.Response.IsSuccessStatusCode, again.Body?.ToJsonString());
        Assert.Equal((HttpStatusCode.Conflict, "id-conflict"), (other.Code, other.Problem));
        Assert.Equal("1", (await town.Get($"/products/{product}/queue"))["free"]);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Bad_input_is_a_problem_that_names_the_field(string method, string path, string body, int status, string code, string? field)
    {
        var id = town.Id("bad");
        var answer = await town.Send(new HttpMethod(method), path.Replace("<id>", id, StringComparison.Ordinal), body.Length == 0 ? null : body.Replace("<id>", id, StringComparison.Ordinal));

        Assert.Equal((status, code), ((int)answer.Code, answer.Problem));
        Assert.Equal("application/problem+json", answer.Response.Content.Headers.ContentType?.MediaType);
        Assert.True(field is null || answer.Body?["errors"]?[field] is not null, answer.Body?.ToJsonString());
    }

    // An action, and where it leads.
    private async Task Does(string action, string resource, string status)
    {
        var answer = await town.Put(action);
        Assert.True(answer["status"] == status, $"{action} answers {(int)answer.Code} {answer.Body?.ToJsonString()}");
        await town.Becomes(resource, "status", status);
    }

    private async Task<(HttpStatusCode, string?)> Refused(string action)
    {
        var answer = await town.Put(action);
        return (answer.Code, answer.Problem);
    }
}
