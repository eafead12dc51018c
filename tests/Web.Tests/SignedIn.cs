extern alias gateway;

using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using SecondhandTrade.SystemTests;
using SecondhandTrade.SystemTests.Rights;

namespace SecondhandTrade.WebTests;

/// <summary>The pages of a town that believes an OpenID provider alone: who signs in there is who the services say they are.</summary>
public sealed class SignedIn(Browser browser)
{
    private static readonly TimeSpan ALittleEarly = TimeSpan.FromMinutes(9.5);
    private static readonly TimeSpan TooLate = TimeSpan.FromMinutes(11);

    [Fact]
    public async Task Two_neighbours_sign_in_elsewhere_and_trade()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var seller = await browser.Person(town);
        await using var buyer = await browser.Person(town);

        // Anyone looks; to do something one signs in, and comes back to where one was.
        await seller.Go("/sell");
        await seller.Page.ClickAsync("main a.button");
        await seller.Page.FillAsync("#user", "ann");
        await seller.Page.ClickAsync("button");
        await seller.Page.WaitForURLAsync("**/sell");
        await seller.Sees("ann님", "header");
        await seller.Page.FillAsync("#productname", "애플워치 7세대");
        await seller.Page.FillAsync("#price", "150000");
        await seller.Page.SetInputFilesAsync("#pictures", new FilePayload { Name = "picture.png", MimeType = "image/png", Buffer = Pictures.Png(640, 480) });
        await seller.Press("올리기");
        await seller.Sees("물건을 올렸습니다.");
        var item = new Uri(seller.Page.Url).Segments[^1];
        Assert.Equal(640, await seller.Page.Locator(".gallery img").EvaluateAsync<int>("async i => { await i.decode(); return i.naturalWidth; }"));

        await buyer.SignInElsewhere("bob");
        await buyer.Reserve(item);
        await buyer.Sees("예약과 결제가 완료되었습니다.");
        await seller.Go("/me");
        await seller.Press("건네줬어요");
        await buyer.Sees("이상이 없으면 거래를 완료해 주세요.");
        await buyer.Press("거래 완료하기");
        await buyer.Sees("거래가 완료되었습니다.");
        await seller.Sees("거래완료", "#selling .deal");
        await seller.Go("/me/notices");
        await seller.Sees("애플워치 7세대");

        var trade = (await town.Send(HttpMethod.Get, "/trades", headers: ("Authorization", $"Bearer {issuer.Token("ann")}"))).List("trades").Single()!;
        Assert.Equal(("ann", "bob", "COMPLETED"), ($"{trade["sellerid"]}", $"{trade["userid"]}", $"{trade["statusCode"]}"));
        Assert.Equal(["code ann", "code bob"], issuer.Desk.Done);
        Assert.Empty(seller.Complaints.Concat(buyer.Complaints));
    }

    [Fact]
    public async Task A_token_that_has_expired_is_renewed_before_it_is_shown_to_a_service()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var seller = await browser.Person(town);
        issuer.Desk.FirstLife = TimeSpan.FromMinutes(-5);
        await seller.SignInElsewhere("ann");

        await seller.Go("/sell");
        await seller.Page.FillAsync("#productname", "의자");
        await seller.Page.FillAsync("#price", "10000");
        await seller.Press("올리기");
        await seller.Sees("물건을 올렸습니다.");
        Assert.Equal(["code ann", "refresh ann"], issuer.Desk.Done);

        // Eight at once, and a refresh token that is good but once.
        town.Clock.Advance(TooLate);
        Assert.All(await seller.Page.EvaluateAsync<int[]>("() => Promise.all(Array.from({ length: 8 }, () => fetch('/me', { redirect: 'manual' }).then(r => r.status)))"), status => Assert.Equal(200, status));
        await seller.Go("/me");
        await seller.Sees("의자");
        Assert.Equal(["code ann", "refresh ann", "refresh ann"], issuer.Desk.Done);
        Assert.Empty(seller.Complaints);
    }

    [Fact]
    public async Task Who_is_refused_another_token_is_signed_out_but_not_while_the_old_one_is_good_or_the_issuer_is_broken()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var visitor = await browser.Person(town);
        await visitor.SignInElsewhere("ann");

        town.Clock.Advance(ALittleEarly);
        issuer.Desk.Refusal = 400;
        await visitor.Go("/me");
        await visitor.Sees("ann님", "header");

        town.Clock.Advance(TooLate - ALittleEarly);
        issuer.Desk.Refusal = 503;
        await visitor.Go("/me");
        await visitor.Sees("ann님", "header");

        issuer.Desk.Refusal = 400;
        await visitor.Go("/me");
        await visitor.Page.WaitForURLAsync("**/signin?back=*");
        await visitor.Go("/");
        await visitor.Sees("들어가기", "header");
    }

    [Fact]
    public async Task The_operators_page_is_for_whom_the_services_take_for_an_operator()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var operatorOnCall = await browser.Person(town);
        await using var visitor = await browser.Person(town);
        issuer.Desk.Roles["olga"] = "operator";

        await operatorOnCall.SignInElsewhere("olga");
        await operatorOnCall.Go("/operator");
        await operatorOnCall.Sees("reservations", "section[aria-labelledby=lag]");
        await operatorOnCall.Sees("맞음", "section[aria-labelledby=books]");
        await operatorOnCall.Sees("없습니다.", "section[aria-labelledby=dead]");

        await visitor.SignInElsewhere("ann");
        Assert.Equal(403, (await visitor.Page.GotoAsync("/operator"))!.Status);

        issuer.Desk.Roles.Clear();
        town.Clock.Advance(TooLate);
        Assert.Equal(403, (await operatorOnCall.Page.GotoAsync("/operator"))!.Status);
    }

    [Fact]
    public async Task An_operator_looks_into_a_reservation_and_a_stranger_does_not()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var operatorOnCall = await browser.Person(town);
        await Reserved(town, issuer);
        issuer.Desk.Roles["olga"] = "operator";

        await operatorOnCall.SignInElsewhere("olga");
        await operatorOnCall.Go("/operator?reservation=1");
        await operatorOnCall.Sees("ReserveCompleted", "table");
        await operatorOnCall.Sees("→ bob", "table");
        await operatorOnCall.Sees("→ ann", "table");
        Assert.Empty(operatorOnCall.Complaints);

        var seen = await As(town, issuer, "olga", "/mypages/1", "operator");
        Assert.Equal((200, null), ((int)seen.Code, seen["role"]));
        var notices = (await As(town, issuer, "olga", "/notices?reservationid=1", "operator")).List("notices").Select(n => $"{n!["userid"]}");
        Assert.Equal(["ann", "bob"], notices.Distinct().Order());

        // To one who runs nothing it is not there, as what never was.
        var (stranger, never) = (await As(town, issuer, "eve", "/mypages/1", "seller"), await As(town, issuer, "eve", "/mypages/2"));
        Assert.Equal((404, "not-found", 404, "not-found"), ((int)stranger.Code, stranger.Problem, (int)never.Code, never.Problem));
        Assert.Empty((await As(town, issuer, "eve", "/notices?reservationid=1")).List("notices"));
        Assert.All((await As(town, issuer, "bob", "/notices?reservationid=1")).List("notices"), n => Assert.Equal("bob", $"{n!["userid"]}"));
        Assert.Empty((await As(town, issuer, "olga", "/notices", "operator")).List("notices"));
    }

    [Theory]
    [InlineData("ko-KR", "열린 분쟁", "구매자에게 환불", "구매자에게 환불하기로 했습니다.", "환불완료")]
    [InlineData("en-GB", "Open disputes", "Pay the seller", "Settled: the seller is paid.", "정산완료")]
    public async Task An_operator_settles_a_dispute(string language, string heading, string button, string told, string payment)
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var operatorOnCall = await browser.Person(town, language: language);
        issuer.Desk.Roles["olga"] = "operator";
        await Reserved(town, issuer);
        await Put(town, issuer, "ann", "/trades/1/handover");
        await Put(town, issuer, "bob", "/trades/1/dispute", new { reason = "바퀴가 없어요" });
        await town.Settle();
        Assert.Empty((await As(town, issuer, "eve", "/trades?status=%EB%B6%84%EC%9F%81%EC%A4%91", "seller")).List("trades"));

        await operatorOnCall.SignInElsewhere("olga");
        await operatorOnCall.Go("/operator");
        await operatorOnCall.Sees(heading);
        await operatorOnCall.Sees("바퀴가 없어요", "section[aria-labelledby=disputes]");
        await operatorOnCall.Press(button);
        await operatorOnCall.Sees(told);
        await Assertions.Expect(operatorOnCall.Page.Locator("section[aria-labelledby=disputes] article")).ToHaveCountAsync(0);
        Assert.Equal("분쟁해결", (await As(town, issuer, "bob", "/trades/1"))["status"]);
        Assert.Equal(payment, (await As(town, issuer, "bob", "/payments/1"))["status"]);
        Assert.Empty(operatorOnCall.Complaints);
    }

    [Fact]
    public async Task Who_is_not_signed_in_sees_goods_change_by_themselves_and_hears_nothing_of_people()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await Reserved(town, issuer);
        await using var visitor = await browser.Person(town);
        await visitor.Go("/items/100");
        await visitor.Sees("예약중", "#now");
        var listening = await Listen(town, "products=100&userid=ann");

        await As(town, issuer, "cat", "/reserves", body: new { id = "2", productid = "100", qty = 1, reserveDt = "2027-04-04", address = "방배역", price = 30000 });
        await town.Settle();
        await visitor.Sees("1명 대기", "#now");
        Assert.Empty(visitor.Complaints);

        // Whose name is called beside it changes nothing: not one of ann's notices comes before the bell.
        using var lines = new StreamReader(await listening.Content.ReadAsStreamAsync());
        var heard = new List<string>();
        while (heard.LastOrDefault() != "event: product")
        {
            heard.Add(await lines.ReadLineAsync() ?? throw new InvalidOperationException($"The stream ended after {string.Join('|', heard)}."));
        }

        Assert.DoesNotContain(heard, line => line.StartsWith("data:", StringComparison.Ordinal));
        foreach (var (query, token) in new[] { ("products=100", "Bearer no-good"), ("products=100", $"Bearer {issuer.Token("ann", claims => claims["aud"] = "another")}"), ("products=&userid=ann", ""), ("userid=ann", "") })
        {
            using var refused = await Listen(town, query, token);
            Assert.Equal((query, HttpStatusCode.Unauthorized), (query, refused.StatusCode));
        }
    }

    [Fact]
    public async Task What_is_taken_off_the_market_shows_its_pictures_to_its_seller_alone()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var seller = await browser.Person(town);
        await using var stranger = await browser.Person(town);
        await seller.SignInElsewhere("ann");
        await seller.Go("/sell");
        await seller.Page.FillAsync("#productname", "의자");
        await seller.Page.FillAsync("#price", "10000");
        await seller.Page.SetInputFilesAsync("#pictures", new FilePayload { Name = "picture.png", MimeType = "image/png", Buffer = Pictures.Png(640, 480) });
        await seller.Press("올리기");
        await seller.Press("판매 그만두기");
        await seller.Sees("판매를 그만두었습니다.");

        // In a browser that has never seen it.
        await using var elsewhere = await browser.Person(town);
        await elsewhere.SignInElsewhere("ann");
        await elsewhere.Go(new Uri(seller.Page.Url).AbsolutePath);
        var picture = await elsewhere.Page.Locator(".gallery img").GetAttributeAsync("src") ?? "";
        Assert.Equal(640, await elsewhere.Page.Locator(".gallery img").EvaluateAsync<int>("async i => { await i.decode(); return i.naturalWidth; }"));
        await elsewhere.Go("/me");
        Assert.Equal(320, await elsewhere.Page.Locator(".card img").EvaluateAsync<int>("async i => { await i.decode(); return i.naturalWidth; }"));
        Assert.Empty(elsewhere.Complaints);
        await stranger.SignInElsewhere("eve");
        Assert.Equal(404, (await stranger.Page.APIRequest.GetAsync(picture)).Status);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_where_it_began()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var visitor = await browser.Person(town);
        await visitor.SignInElsewhere("ann");

        await visitor.Page.ClickAsync("header form[action='/signout'] button");
        await visitor.Page.WaitForURLAsync(new Uri(town.Address("gateway"), "/").ToString());
        await visitor.Sees("들어가기", "header");
        Assert.Equal(["code ann", "end ann"], issuer.Desk.Done);

        await visitor.Go("/me");
        await visitor.Page.ClickAsync("main a.button");
        await Assertions.Expect(visitor.Page.Locator("#user")).ToBeVisibleAsync();
        Assert.Empty(visitor.Complaints);
    }

    [Fact]
    public async Task Coming_back_leads_nowhere_else()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await using var visitor = await browser.Person(town);
        await visitor.SignInElsewhere("ann");
        var here = town.Address("gateway").Authority;

        await visitor.Go("/signin/oidc?back=/sell");
        Assert.Equal($"http://{here}/sell", visitor.Page.Url);
        foreach (var back in new[]
        {
            issuer.Address, $"//{new Uri(issuer.Address).Authority}", @"/\elsewhere.example", @"\\elsewhere.example", "/\t/elsewhere.example", "\t//elsewhere.example", "/\n/elsewhere.example",
            "https:elsewhere.example", "javascript:alert(1)", "data:text/html,x", "///elsewhere.example", "elsewhere.example", "/\r\nLocation: https://elsewhere.example", "",
        })
        {
            await visitor.Go($"/signin/oidc?back={Uri.EscapeDataString(back)}");
            Assert.Equal(($"http://{here}/", back), (visitor.Page.Url, back));
        }
    }

    [Fact]
    public async Task Behind_an_ingress_that_speaks_https_people_come_back_by_https_and_every_cookie_is_for_https_alone()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(new Dictionary<string, string>(issuer.Settings) { ["ForwardedHeaders_Enabled"] = "true" });
        using var browserless = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        using var asked = new HttpRequestMessage(HttpMethod.Get, new Uri(town.Address("gateway"), "/signin/oidc?back=/sell"));
        asked.Headers.Host = "town.example";
        asked.Headers.Add("X-Forwarded-Proto", "https");
        using var answer = await browserless.SendAsync(asked);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("https://town.example/signin-oidc", QueryHelpers.ParseQuery(answer.Headers.Location!.Query)["redirect_uri"]);
        Assert.All(answer.Headers.GetValues("Set-Cookie"), cookie => Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase));
        Assert.True(answer.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public async Task What_is_in_a_cookie_goes_to_the_pages_and_no_further()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        await using var behind = builder.Build();
        behind.MapGet("/{**rest}", (HttpRequest request) => $"{request.Headers.Cookie}");
        await behind.StartAsync();
        await using var town = new WebApplicationFactory<gateway::Program>().WithWebHostBuilder(
            host => host.UseSetting("DAPR_HTTP_ENDPOINT", behind.Urls.Single()).UseSetting("Web:Address", behind.Urls.Single()).UseSetting("Notification:Address", behind.Urls.Single()));
        using var visitor = town.CreateClient(new() { HandleCookies = false });
        visitor.DefaultRequestHeaders.Add("Cookie", "town.who=tokens");

        Assert.Equal("town.who=tokens", await visitor.GetStringAsync("/me"));
        foreach (var path in new[] { "/inventories/1/pictures/a", "/reserves", "/notices/stream", "/openapi/stock.json" })
        {
            Assert.Equal("", await visitor.GetStringAsync(path));
        }
    }

    /// <summary>What ann sells as 100 and bob has reserved as 1.</summary>
    private static async Task Reserved(TestTown town, Issuer issuer)
    {
        await As(town, issuer, "ann", "/inventories", body: new { id = "100", productid = "100", productname = "자전거", qty = 1, price = 30000, instant = true });
        await town.Settle();
        await As(town, issuer, "bob", "/reserves", body: new { id = "1", productid = "100", qty = 1, reserveDt = "2027-04-04", address = "방배역", price = 30000 });
        await town.Settle();
    }

    private static Task<Answer> As(TestTown town, Issuer issuer, string user, string path, string? role = null, object? body = null) =>
        town.Send(body is null ? HttpMethod.Get : HttpMethod.Post, path, body, headers: ("Authorization", $"Bearer {issuer.Token(user, claims => claims["roles"] = role)}"));

    private static async Task Put(TestTown town, Issuer issuer, string user, string path, object? body = null) => Assert.Equal(
        HttpStatusCode.OK, (await town.Send(HttpMethod.Put, path, body, headers: ("Authorization", $"Bearer {issuer.Token(user)}"))).Code);

    private static async Task<HttpResponseMessage> Listen(TestTown town, string query, string token = "")
    {
        using var http = new HttpClient();
        using var asked = new HttpRequestMessage(HttpMethod.Get, new Uri(town.Address("gateway"), $"/notices/stream?{query}"));
        asked.Headers.Add("Last-Event-ID", "0");
        if (token.Length > 0)
        {
            asked.Headers.TryAddWithoutValidation("Authorization", token);
        }

        return await http.SendAsync(asked, HttpCompletionOption.ResponseHeadersRead);
    }
}
