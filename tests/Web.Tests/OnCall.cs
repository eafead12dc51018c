using System.Text;
using System.Text.Json.Nodes;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using SecondhandTrade.SystemTests;
using SecondhandTrade.SystemTests.RealTown;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.WebTests;

/// <summary>What the operator's page shows and does.</summary>
public sealed class OnCall(Browser browser)
{
    [Fact]
    public async Task What_an_app_could_not_take_in_is_sent_again_or_discarded()
    {
        await using var town = await TestTown.Open();
        await using var onCall = await browser.Person(town, "당직");
        await Publish(town, """{"specversion":"1.0","id":"poison","source":"nobody","type":"TradeOpened","datacontenttype":"application/json","data":{"productid":17}}""");
        await town.Settle(seconds: 2000);
        await onCall.Go("/operator");
        var letter = onCall.Page.Locator("article").Filter(new() { HasText = "TradeOpened → mypage" });
        await Assertions.Expect(letter).ToHaveCountAsync(1);
        await Assertions.Expect(letter.GetByText("trades", new() { Exact = true })).ToBeVisibleAsync();

        town.Reached.Clear();
        await letter.GetByRole(AriaRole.Button, new() { Name = "다시 보내기" }).ClickAsync();
        await onCall.Sees("다시 보냈습니다.");
        await Assertions.Expect(letter).ToHaveCountAsync(0);
        await town.Settle(seconds: 2000);
        Assert.Contains(town.Reached, r => r is { App: "mypage", Path: "/events/trades" });

        // It is as bad as before, so it is here again; discarded it stays away.
        await onCall.Go("/operator");
        await Person.Unfolded(letter.Locator("button").Filter(new() { HasText = "버리기" }));
        await onCall.Sees("버렸습니다.");
        await town.Settle(seconds: 2000);
        await onCall.Go("/operator");
        await Assertions.Expect(letter).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("ko-KR")]
    [InlineData("en-GB")]
    public async Task The_cards_of_disputes_and_of_dead_letters_are_for_everyone(string language)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000 });
        await town.Settle();
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();
        await town.Put("/trades/1/dispute", new { reason = "A wheel is missing." });
        await Publish(town, """{"specversion":"1.0","id":"poison","source":"nobody","type":"TradeOpened","datacontenttype":"application/json","data":{"productid":17}}""");
        await town.Settle(seconds: 2000);
        await using var onCall = await browser.Person(town, "olga", language);
        await onCall.Go("/operator?reservation=1");
        await Assertions.Expect(onCall.Page.Locator("section[aria-labelledby=disputes] details.sure")).ToHaveCountAsync(2);
        await Assertions.Expect(onCall.Page.Locator("section[aria-labelledby=dead] details.sure")).Not.ToHaveCountAsync(0);
        await onCall.Page.EvaluateAsync("document.querySelectorAll('details').forEach(d => d.open = true)");
        await Check(onCall.Page, $"operator-cards-{language[..2]}");
        if (language == "en-GB")
        {
            Assert.DoesNotMatch("[가-힣]", string.Concat(await onCall.Page.Locator("section .deal").AllInnerTextsAsync()));
        }

        Assert.Empty(onCall.Complaints);
    }

    [Fact]
    public async Task The_map_shows_every_app_with_what_is_beside_it_and_what_went_through()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        var page = await browser.At(new Uri($"http://localhost:{town.Port("8088")}"));
        await town.Open();
        await town.Ask(HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = "애플워치", qty = 1 });
        await town.Ask(HttpMethod.Post, "/reserves", new { id = "1", productid = "100", userid = "abc", qty = 1, reserveDt = "2099-04-04", price = 50000 });
        town.KillService("Stock");
        await Eventually.HoldsAsync(
            async () => JsonNode.Parse(await town.Told("/town"))! is var told && told["apps"]!.AsArray().Any(a => $"{a!["id"]} {a["state"]} {a["restarts"]}" == "stock open 1")
                && told["traces"]!.AsArray().Any(t => $"{t!["name"]}".StartsWith("POST /reserves", StringComparison.Ordinal) && t["services"]!.AsArray().Count > 3)
                && told["metrics"]!.AsArray().Any(m => $"{m!["service"]} {m["name"]}" == "reservation town.outbox.age"),
            () => $"the runner to know of it all:\n{town.Output}", TimeSpan.FromMinutes(1));

        await page.GotoAsync("/signin");
        await page.FillAsync("#name", "당직");
        await page.ClickAsync("main button");
        await page.WaitForURLAsync("**/");
        await page.GotoAsync("/operator?reservation=1");
        var apps = page.Locator(".apps > li");
        await Assertions.Expect(apps).ToHaveCountAsync(8);
        await Assertions.Expect(page.Locator("#app-stock")).ToContainTextAsync("다시 시작 1번");
        await Assertions.Expect(page.Locator("#app-stock")).ToContainTextAsync("사이드카 연결됨");
        await Assertions.Expect(page.Locator("#app-reservation")).ToContainTextAsync("닫힘 app payment");
        await Assertions.Expect(page.Locator("#app-mypage")).ToContainTextAsync("0건 남음 reservations");
        await Assertions.Expect(page.Locator("#app-reservation")).ToContainTextAsync("실패 0번");
        await Check(page, "operator-map");

        await page.GetByRole(AriaRole.Link, new() { Name = "POST /reserves" }).First.ClickAsync();
        await Assertions.Expect(page.Locator("table")).ToContainTextAsync("publish reservations");
        await Assertions.Expect(page.Locator("svg.journey rect").First).ToBeVisibleAsync();
        await Check(page, "operator-trace");
        await page.GotoAsync("/operator/traces/no-such");
        await Assertions.Expect(page.Locator("main")).ToContainTextAsync("이 자취는 여기 없습니다.");
    }

    // As an app would; the envelope is its own.
    private static async Task Publish(TestTown town, string envelope)
    {
        using var http = new HttpClient();
        using var content = new StringContent(envelope, Encoding.UTF8);
        content.Headers.ContentType = new("application/cloudevents+json");
        var port = town.StandIn.Sidecars.First(s => s.AppId == "trade").HttpPort;
        using var answer = await http.PostAsync(new Uri($"http://localhost:{port}/v1.0/publish/pubsub/trades?metadata.partitionKey=17"), content);
        answer.EnsureSuccessStatusCode();
    }

    private static async Task Check(IPage page, string name)
    {
        foreach (var width in new[] { 360, 1280 })
        {
            await page.SetViewportSizeAsync(width, 900);
            Directory.CreateDirectory(Browser.Screenshots);
            await page.ScreenshotAsync(new() { Path = Path.Combine(Browser.Screenshots, $"{name}-{width}.png"), FullPage = true });
            var axe = await page.RunAxe(new AxeRunOptions { ResultTypes = [ResultType.Violations] });
            Assert.Empty(axe.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{v.Id} {v.Help}: {string.Join(" | ", v.Nodes.Take(3).Select(n => n.Html))}"));
            Assert.InRange(await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth"), 0, 0);
        }
    }
}
