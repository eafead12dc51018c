using System.Net;
using SecondhandTrade.SystemTests.Pages;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>Who looks at the pages more often than one may is held back, and nobody else behind the same address.</summary>
public sealed class CrowdedPages
{
    [Fact]
    public async Task Of_two_people_at_one_address_the_one_at_ten_times_the_limit_is_held_back_and_the_other_not()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(new Dictionary<string, string>(issuer.Settings) { ["Limits:PerUser:Burst"] = "20", ["Limits:PerUser:PerSecond"] = "1", ["Limits:PerAddress:Burst"] = "30", ["Limits:PerAddress:PerSecond"] = "1" });
        using var greedy = new Reader(town);
        using var modest = new Reader(town);
        await greedy.SignInElsewhere("ann");
        await modest.SignInElsewhere("bob");

        var asked = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => greedy.Go("/sell")));
        var refused = asked.Where(page => page.Status == 429).ToList();

        // Twenty are let through at once, of which signing in may have taken some; more only as time passes.
        Assert.InRange(refused.Count, 100, 190);
        Assert.All(refused, page => Assert.True(page.Response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1)));
        Assert.Contains("You ask too often", refused[0].Text, StringComparison.Ordinal);
        Assert.Contains("<html lang=\"en\">", refused[0].Html, StringComparison.Ordinal);
        for (var i = 0; i < 15; i++)
        {
            Assert.Equal(200, (await modest.Go("/sell")).Status);
        }

        // What the pages are drawn with is not counted, and the cookie says who is, not what is sent as one.
        var style = System.Text.RegularExpressions.Regex.Match(asked.First(page => page.Status == 200).Html, "href=\"(/town[^\"]*css)\"").Groups[1].Value;
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => greedy.Go(style))), page => Assert.Equal(200, page.Status));
    }

    [Fact]
    public async Task Who_is_not_signed_in_is_counted_by_address_whatever_cookie_is_shown()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(new Dictionary<string, string>(issuer.Settings) { ["Limits:PerAddress:Burst"] = "10", ["Limits:PerAddress:PerSecond"] = "1", ["Proxies:0"] = "127.0.0.1" });
        var first = await Task.WhenAll(Enumerable.Range(0, 30).Select(n => From(town, "203.0.113.7", $"town.who=forged-{n}")));
        Assert.InRange(first.Count(status => status == HttpStatusCode.TooManyRequests), 5, 20);
        Assert.Equal(HttpStatusCode.OK, await From(town, "203.0.113.8", "town.who=forged"));
    }

    [Fact]
    public async Task The_pictures_of_a_page_are_not_counted_as_so_many_requests()
    {
        await using var town = await TestTown.Open(new Dictionary<string, string> { ["Limits:PerAddress:Burst"] = "10", ["Limits:PerAddress:PerSecond"] = "1" });
        Assert.DoesNotContain(HttpStatusCode.TooManyRequests, await Ask("/inventories/100/pictures/a", 90));
        Assert.Contains(HttpStatusCode.TooManyRequests, await Ask("/inventories/100/pictures/a", 60));
        Assert.Contains(HttpStatusCode.TooManyRequests, await Ask("/inventories/100", 30));

        Task<HttpStatusCode[]> Ask(string path, int times) => Task.WhenAll(Enumerable.Range(0, times).Select(async _ => (await town.Get(path)).Code));
    }

    [Fact]
    public async Task Behind_two_trusted_proxies_the_address_is_the_visitors()
    {
        await using var town = await TestTown.Open(new Dictionary<string, string> { ["Limits:PerAddress:Burst"] = "3", ["Limits:PerAddress:PerSecond"] = "1", ["Proxies:0"] = "127.0.0.1", ["Proxies:1"] = "10.0.0.0/8" });
        foreach (var visitor in new[] { "203.0.113.7", "203.0.113.8", "203.0.113.9" })
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(HttpStatusCode.OK, (await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", $"{visitor}, 10.1.2.3"))).Code);
            }
        }

        // What comes from beyond them is nobody's word.
        for (var i = 0; i < 3; i++)
        {
            await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", $"198.51.100.{i}, 203.0.113.5, 10.1.2.3"));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", "198.51.100.9, 203.0.113.5, 10.1.2.3"))).Code);
    }

    [Fact]
    public async Task Behind_one_proxy_that_is_not_named_only_the_address_that_it_adds_counts()
    {
        await using var town = await TestTown.Open(new Dictionary<string, string> { ["Limits:PerAddress:Burst"] = "3", ["Limits:PerAddress:PerSecond"] = "1", ["ForwardedHeaders_Enabled"] = "true" });
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", $"198.51.100.{i}, 203.0.113.5"))).Code);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", "198.51.100.9, 203.0.113.5"))).Code);
        Assert.Equal(HttpStatusCode.OK, (await town.Send(HttpMethod.Get, "/reserves", headers: ("X-Forwarded-For", "198.51.100.9, 203.0.113.6"))).Code);
    }

    [Fact]
    public async Task Nobody_may_hold_more_than_so_many_streams_of_the_pages_open()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(new Dictionary<string, string>(issuer.Settings) { ["Limits:PerAddress:Streams"] = "2" });
        using var http = new HttpClient { BaseAddress = town.Address("gateway") };
        using var first = await Open();
        using var second = await Open();
        using var third = await Open();
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests], [first.StatusCode, second.StatusCode, third.StatusCode]);

        first.Dispose();
        await Eventually.HoldsAsync(
            async () =>
            {
                using var again = await Open();
                return again.StatusCode == HttpStatusCode.OK;
            },
            () => "a closed stream to make room");

        Task<HttpResponseMessage> Open() => http.GetAsync("/live?products=100", HttpCompletionOption.ResponseHeadersRead);
    }

    [Fact]
    public async Task A_browser_is_told_in_words_what_the_gateway_refuses()
    {
        await using var town = await TestTown.Open();
        using var visitor = new Reader(town);
        var crooked = await visitor.Go("/items/a%2Fb");
        Assert.Equal((404, "text/html"), (crooked.Status, crooked.Response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("There is nothing here", crooked.Text, StringComparison.Ordinal);
        Assert.Contains("없습니다", crooked.Text, StringComparison.Ordinal);

        await town.Stop("web");
        var down = await visitor.Go("/sell");
        Assert.Equal((503, "text/html"), (down.Status, down.Response.Content.Headers.ContentType?.MediaType));
        Assert.NotNull(down.Response.Headers.RetryAfter);
        Assert.Contains("cannot be reached", down.Text, StringComparison.Ordinal);

        // A program is told as before, of the pages too, and everyone of what is no page.
        Assert.Equal("context-unavailable", (await town.Get("/sell")).Problem);
        Assert.Equal("application/problem+json", (await visitor.Go("/inventories/a%2Fb")).Response.Content.Headers.ContentType?.MediaType);
    }

    private static async Task<HttpStatusCode> From(TestTown town, string address, string cookie) =>
        (await town.Send(HttpMethod.Get, "/", headers: [("X-Forwarded-For", address), ("Cookie", cookie)])).Code;
}
