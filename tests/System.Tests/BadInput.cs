using System.Net;
using System.Text.Json;
using SecondhandTrade.SystemTests.Documents;

namespace SecondhandTrade.SystemTests;

/// <summary>What people and programs send by mistake or on purpose: a problem with a code and the field's name, and nothing is changed by it.</summary>
public sealed class BadInput
{
    public static TheoryData<string, string, string, int, string, string?> Bad => new()
    {
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":"x","reserveDt":"2027-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":-1,"reserveDt":"2027-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":1.5,"reserveDt":"2027-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":99999999999999999999,"reserveDt":"2027-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","reserveDt":"2027-04-04"}""", 400, "invalid", "qty" },
        { "POST", "/reserves", """{"productid":"100","qty":1,"reserveDt":"2027-04-04"}""", 400, "invalid", "userid" },
        { "POST", "/reserves", """{"userid":"a","qty":1,"reserveDt":"2027-04-04"}""", 400, "invalid", "productid" },
        { "POST", "/reserves", """{"productid":"a/b","userid":"a","qty":1,"reserveDt":"2027-04-04"}""", 400, "invalid", "productid" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":1,"reserveDt":"tomorrow"}""", 400, "invalid", "reserveDt" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":1}""", 400, "invalid", "reserveDt" },
        { "POST", "/reserves", """{"productid":"100","userid":"a","qty":1,"reserveDt":"2027-04-04","price":-5}""", 400, "invalid", "price" },
        { "POST", "/reserves", """{"productid":["100"],"userid":"a","qty":1,"reserveDt":"2027-04-04"}""", 400, "invalid", "productid" },
        { "POST", "/reserves", """{"productid":"nowhere","userid":"a","qty":1,"reserveDt":"2027-04-04","price":1}""", 404, "unknown-product", "productid" },
        { "POST", "/reserves", "{\"productid\":", 400, "malformed", null },
        { "POST", "/reserves", "[]", 400, "malformed", null },
        { "POST", "/reserves", "", 400, "malformed", null },
        { "POST", "/reserves", "null", 400, "malformed", null },
        { "PUT", "/reserves/1", "{}", 405, "method-not-allowed", null },
        { "DELETE", "/reserves/1", "", 405, "method-not-allowed", null },
        { "GET", "/reserves/unknown", "", 404, "not-found", null },
        { "PUT", "/reserves/unknown/pay", "", 404, "not-found", null },
        { "PUT", "/reserves/unknown/reservecancel", "", 404, "not-found", null },
        { "GET", "/reserves?size=0", "", 400, "invalid", "size" },
        { "GET", "/reserves?page=x", "", 400, "invalid", "page" },
        { "POST", "/inventories", """{"id":"9","productname":"x","qty":0}""", 400, "invalid", "qty" },
        { "POST", "/inventories", """{"id":"9","qty":1}""", 400, "invalid", "productname" },
        { "POST", "/inventories", """{"id":"9","productid":"100","productname":"x","qty":1}""", 409, "product-listed-already", null },
        { "POST", "/inventories", """{"id":"100","productid":"100","productname":"other","qty":1}""", 409, "id-conflict", null },
        { "PATCH", "/inventories/100", """{"price":"dear"}""", 400, "invalid", "price" },
        { "GET", "/inventories?near=here", "", 400, "invalid", "near" },
        { "POST", "/trades", """{"id":"none","productid":"100","userid":"a","qty":1}""", 402, "payment-required", null },
        { "POST", "/trades", """{"productid":"100","userid":"a","qty":1}""", 400, "invalid", "id" },
        { "PUT", "/trades/none/handover", "", 404, "not-found", null },
        { "GET", "/trades/none", "", 404, "not-found", null },
        { "GET", "/notices/none", "", 404, "not-found", null },
        { "GET", "/mypages/none", "", 404, "not-found", null },
        { "GET", "/dapr/config", "", 404, "not-found", null },
        { "POST", "/events/reserve-held", "{}", 404, "not-found", null },
        { "PUT", "/actors/ProductActor/100/method/Wake", "", 404, "not-found", null },
        { "POST", "/payments", "{}", 404, "not-found", null },
    };

    [Fact]
    public async Task Each_gets_a_problem_that_names_the_field_and_nothing_changes()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var before = await Everything(town);

        var wrong = new List<string>();
        foreach (var row in Bad)
        {
            var (method, path, body, status, code, field) = row.Data;
            var answer = await town.Send(new HttpMethod(method), path, body.Length == 0 && method == "GET" ? null : body);
            var problem = answer.Body;
            var named = field is null || problem?["errors"]?[field] is not null;
            if ((int)answer.Code != status || answer.Problem != code || !named || answer.Response.Content.Headers.ContentType?.MediaType != "application/problem+json")
            {
                wrong.Add($"{method} {path} {body}: {(int)answer.Code} {problem?.ToJsonString()}, expected {status} {code} {field}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        await town.Settle();
        Assert.Equal(before, await Everything(town));
    }

    [Fact]
    public async Task What_the_book_refuses_is_a_clear_no_and_the_journal_says_so()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "1", productid = "100", productname = "자전거", qty = 1, sellerid = "seller", price = 30000 });
        await town.Post("/inventories", new { id = "2", productid = "200", productname = "책", qty = 1 });
        await town.Settle();

        Assert.Equal("past-date", (await town.Post("/reserves", """{"id":"a","productid":"100","userid":"b","qty":1,"reserveDt":"2026-04-04"}""")).Problem);
        Assert.Equal("price-changed", (await town.Reserve("b", "100", "b", price: 29000)).Problem);
        Assert.Equal("own-listing", (await town.Reserve("c", "100", "seller", price: 30000)).Problem);
        Assert.Equal("sold-out", (await town.Reserve("d", "100", "b", price: 30000, qty: 2)).Problem);
        Assert.Equal("price-required", (await town.Post("/reserves", """{"id":"e","productid":"200","userid":"b","qty":1,"reserveDt":"2027-04-04"}""")).Problem);

        foreach (var id in new[] { "a", "b", "c", "d", "e" })
        {
            Assert.Equal("예약불가", (await town.Get($"/reserves/{id}"))["status"]);
        }

        await Verify.Holds(town);
    }

    [Fact]
    public async Task A_body_over_64_KiB_is_too_large_and_a_forged_status_is_ignored()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var long64 = $$"""{"productid":"100","userid":"a","qty":1,"reserveDt":"2027-04-04","price":1,"address":"{{new string('가', 30_000)}}"}""";
        foreach (var (app, path) in new[] { ("gateway", "/reserves"), ("reservation", "/reserves"), ("stock", "/inventories") })
        {
            // One who asks before sending always hears the answer; past the gateway, one who does not may find the line cut.
            var answer = await town.Send(HttpMethod.Post, path, long64, app, app == "gateway" ? [] : [("Expect", "100-continue")]);
            Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "too-large"), (answer.Code, answer.Problem));
        }

        await town.Provider("decline");
        var forged = await town.Post("/reserves", """{"id":"1","productid":"100","userid":"a","qty":1,"reserveDt":"2027-04-04","price":1,"status":"예약완료","statusCode":"CONFIRMED","version":9,"paymentid":"x"}""");
        Assert.Equal(HttpStatusCode.PaymentRequired, forged.Code);
        Assert.Equal("HELD", (await town.Get("/reserves/1"))["statusCode"]);
        await Verify.Holds(town);
    }

    [Theory]
    [InlineData(2 * 1024 * 1024, HttpStatusCode.OK)]
    [InlineData((2 * 1024 * 1024) + 1, HttpStatusCode.RequestEntityTooLarge)]
    public async Task A_picture_may_have_two_MiB(int size, HttpStatusCode expected)
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var png = GeneratedRequest.Picture(1);
        using var http = new HttpClient();
        using var picture = new ByteArrayContent([.. png, .. new byte[size - png.Length]]) { Headers = { ContentType = new("image/png") } };
        using var answer = await http.PostAsync(new Uri(town.Address("gateway"), "/inventories/100/pictures"), picture);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task A_wrong_content_type_is_415_and_a_stale_version_412()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Settle();

        using var http = new HttpClient();
        using var text = new StringContent("id=1", System.Text.Encoding.UTF8, "text/plain");
        var unsupported = await http.PostAsync(new Uri(town.Address("gateway"), "/reserves"), text);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, unsupported.StatusCode);
        Assert.Contains("unsupported-media-type", await unsupported.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var now = await town.Get("/reserves/1");
        var tag = now.Response.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.NotModified, (await town.Send(HttpMethod.Get, "/reserves/1", headers: ("If-None-Match", tag))).Code);
        var stale = await town.Send(HttpMethod.Put, "/reserves/1/reservecancel", headers: ("If-Match", "\"0.\""));
        Assert.Equal((HttpStatusCode.PreconditionFailed, "version-changed"), (stale.Code, stale.Problem));
        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        Assert.True((await town.Send(HttpMethod.Put, "/reserves/1/reservecancel", headers: ("If-Match", tag))).Response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task The_same_request_again_is_the_same_answer_and_another_under_its_id_is_refused()
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 5);

        var first = await town.Reserve("1", "100", "abc");
        var again = await town.Reserve("1", "100", "abc");
        Assert.Equal((first.Code, first["id"], first["status"]), (again.Code, again["id"], again["status"]));
        Assert.Equal("id-conflict", (await town.Reserve("1", "100", "someone-else")).Problem);

        var body = """{"productid":"100","userid":"abc","qty":1,"reserveDt":"2027-04-04","price":50000}""";
        var keyed = await town.Send(HttpMethod.Post, "/reserves", body, headers: ("Idempotency-Key", "k1"));
        var keyedAgain = await town.Send(HttpMethod.Post, "/reserves", body, headers: ("Idempotency-Key", "k1"));
        Assert.Equal((keyed.Code, keyed["id"]), (keyedAgain.Code, keyedAgain["id"]));
        var reused = await town.Send(HttpMethod.Post, "/reserves", body.Replace("abc", "def", StringComparison.Ordinal), headers: ("Idempotency-Key", "k1"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "idempotency-key-reused"), (reused.Code, reused.Problem));
        await town.Settle();
        Assert.Equal(2, (await town.Get("/reserves")).List("reserves").Count);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Of_two_changes_to_the_same_version_one_wins_and_the_other_is_told()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var tag = (await town.Get("/inventories/100")).Response.Headers.ETag!.Tag;

        var both = await Task.WhenAll(Enumerable.Range(1, 2).Select(n => town.Send(HttpMethod.Patch, "/inventories/100", new { price = n * 1000 }, headers: ("If-Match", tag))));

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.PreconditionFailed], both.Select(a => a.Code).Order());
        Assert.Equal(both.Single(a => a.Code == HttpStatusCode.OK)["price"], (await town.Get("/inventories/100"))["price"]);
        Assert.Equal(HttpStatusCode.NotFound, (await town.Send(HttpMethod.Get, "/inventories/a||b", app: "stock")).Code);
    }

    [Fact]
    public async Task A_request_that_is_only_repeated_is_answered_as_before_and_does_not_charge_the_card_again()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        Assert.Equal(HttpStatusCode.PaymentRequired, (await town.Reserve("1", "100", "abc")).Code);
        await town.Provider("ok");

        var again = await town.Reserve("1", "100", "abc");
        Assert.Equal((HttpStatusCode.PaymentRequired, "payment-declined"), (again.Code, again.Problem));

        await town.Settle();
        Assert.Equal("결제거절", (await town.Get("/payments/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Where_two_meet_is_between_the_two_and_only_once_the_trade_is_accepted()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "7", productid = "100", productname = "자전거", qty = 1, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        await town.Reserve("1", "100", "abc", price: 30000);
        await town.Settle();

        Assert.Equal("서울", (await town.Get("/reserves/1?userid=abc"))["address"]);
        Assert.Equal("서울", $"{(await town.Get("/reserves?userid=abc")).List("reserves").Single()!["address"]}");
        foreach (var stranger in new[] { "seller", "someone" })
        {
            Assert.Null((await town.Get($"/reserves/1?userid={stranger}"))["address"]);
            Assert.Null((await town.Get($"/trades/1?userid={stranger}"))["address"]);
        }

        Assert.Null((await town.Get("/reserves?productid=100")).List("reserves").Single()!["address"]);
        Assert.Null((await town.Get("/trades?productid=100")).List("trades").Single()!["address"]);
        await town.Put("/trades/1/accept?userid=seller");
        await town.Settle();
        Assert.Equal("서울", (await town.Get("/trades/1?userid=seller"))["address"]);
        Assert.Equal("서울", (await town.Get("/reserves/1?userid=seller"))["address"]);
        Assert.Null((await town.Get("/trades/1?userid=someone"))["address"]);
    }

    private static async Task<List<string>> Everything(TestTown town)
    {
        var all = new List<string>();
        foreach (var path in new[] { "/reserves", "/trades", "/inventories", "/inventories/100", "/notices", "/mypages" })
        {
            all.Add($"{path} {JsonSerializer.Serialize((await town.Get(path)).Body)}");
        }

        return all;
    }
}
