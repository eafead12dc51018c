namespace SecondhandTrade.SystemTests.Pages;

/// <summary>What each of the two sees of a deal on their own page.</summary>
public sealed class MyDeals
{
    [Fact]
    public async Task Buyers_see_the_place_they_named_themselves_and_sellers_only_once_the_trade_is_accepted()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000, instant = false });
        await town.Settle();
        using var buyer = new Reader(town);
        using var waiter = new Reader(town);
        using var seller = new Reader(town);
        await buyer.SignIn("minho");
        await waiter.SignIn("jiwoo");
        await seller.SignIn("sujin");

        await town.Provider("decline");
        await town.Reserve("1", "100", "minho", 30000);
        await town.Reserve("2", "100", "jiwoo", 30000);
        await town.Settle();
        Assert.Equal((true, true, false), await Seen());

        await town.Provider("ok");
        await town.Put("/reserves/1/pay");
        await town.Settle();
        Assert.Equal("AWAITING_SELLER", (await town.Get("/trades/1"))["statusCode"]);
        Assert.Equal((true, true, false), await Seen());

        await town.Put("/trades/1/accept");
        await town.Settle();
        Assert.Equal((true, true, true), await Seen());

        async Task<(bool, bool, bool)> Seen() => (await Sees(buyer), await Sees(waiter), await Sees(seller));
        static async Task<bool> Sees(Reader reader) => (await reader.Go("/me")).Text.Contains("Meeting place 서울", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_acts_on_an_old_deal_sees_what_has_become_of_it()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 60, sellerid = "sujin", price = 30000 });
        await town.Settle();
        foreach (var id in Enumerable.Range(0, 51))
        {
            await town.Reserve($"{id}", "100", $"buyer-{id}", 30000);
            town.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await town.Settle();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        Assert.DoesNotContain(Deal, (await seller.Go("/me")).Html, StringComparison.Ordinal);

        var after = await seller.Send(await seller.Go("/me?page=1"), "id=\"a-0-handover\"", ("action", "handover"));
        Assert.Contains("said=done-handover", after.Address.Query, StringComparison.Ordinal);
        Assert.Contains("Handed over", Shown(after), StringComparison.Ordinal);

        // A notice of it leads there too; what is someone else's, or nobody's, is not shown.
        await town.Settle();
        Assert.Contains("/me?about=0#r-0", (await seller.Go("/me/notices")).Text, StringComparison.Ordinal);
        Assert.Contains(Deal, (await seller.Go("/me?about=0")).Html, StringComparison.Ordinal);
        using var other = new Reader(town);
        await other.SignIn("buyer-7");
        Assert.DoesNotContain(Deal, (await other.Go("/me?about=0")).Html, StringComparison.Ordinal);
        Assert.Equal(200, (await other.Go("/me?about=..%2F..")).Status);

        static string Shown(Page page) => page.Html[page.Html.IndexOf(Deal, StringComparison.Ordinal)..].Split("</article>")[0];
    }

    [Fact]
    public async Task What_cannot_be_undone_is_unfolded_first_and_says_so()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 9, sellerid = "sujin", price = 30000, instant = false });
        await town.Settle();
        foreach (var id in new[] { "new", "going", "handed", "disputed" })
        {
            await town.Reserve(id, "100", "minho", 30000);
        }

        await town.Settle();
        foreach (var (id, act) in new[] { ("going", "accept"), ("handed", "accept"), ("disputed", "accept"), ("handed", "handover"), ("disputed", "handover"), ("disputed", "dispute") })
        {
            await town.Put($"/trades/{id}/{act}", act == "dispute" ? new { reason = "a scratch" } : null);
            await town.Settle();
        }

        using var buyer = new Reader(town);
        using var seller = new Reader(town);
        await buyer.SignIn("minho");
        await seller.SignIn("sujin");
        foreach (var (page, button) in new[]
        {
            (await buyer.Go("/me"), "a-handed-complete"), (await buyer.Go("/me"), "a-new-reservecancel"), (await seller.Go("/me"), "a-going-reservecancel"), (await seller.Go("/me"), "a-new-decline"),
            (await seller.Go("/items/100"), "withdraw"), (await seller.Go("/operator"), "d-disputed-refunded"), (await seller.Go("/operator"), "d-disputed-paid-out"),
        })
        {
            Assert.Matches($"<details class=\"sure\" id=\"{button}-sure\"><summary[^>]*>.*?</summary>\\s*<p id=\"{button}-means\">[^<]*cannot be undone\\.</p>\\s*<button[^>]* id=\"{button}\"", page.Html.ReplaceLineEndings(" "));
        }

        var done = await buyer.Send(await buyer.Go("/me"), "id=\"a-handed-complete\"", ("action", "complete"));
        Assert.Contains("said=done-complete", done.Address.Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_reservation_that_ended_is_told_whether_it_was_cancelled_or_ran_out()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 2, sellerid = "sujin", price = 30000 });
        await town.Settle();
        await town.Provider("decline");
        await town.Reserve("1", "100", "minho", 30000);
        await town.Reserve("2", "100", "minho", 30000);
        await town.Put("/reserves/1/reservecancel");
        await town.Turn(TimeSpan.FromMinutes(16));
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");

        var page = await buyer.Go("/me");
        Assert.Equal((true, false), Told("1"));
        Assert.Equal((false, true), Told("2"));

        (bool, bool) Told(string id)
        {
            var deal = page.Html[page.Html.IndexOf($"id=\"r-{id}\"", StringComparison.Ordinal)..].Split("</article>")[0];
            return (deal.Contains("The reservation was cancelled", StringComparison.Ordinal), deal.Contains("The reservation expired", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_page_of_notices_is_marked_as_read_and_one_stays_on_it()
    {
        await using var town = await TestTown.Open();
        foreach (var id in Enumerable.Range(0, 25))
        {
            await town.Post("/notices", new { id = $"{id}", userid = "minho", productid = "100", message = "hello" });
            town.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await town.Settle();
        using var reader = new Reader(town);
        await reader.SignIn("minho");
        var after = await reader.Send(await reader.Go("/me/notices?page=1"), "id=\"read-all-button\"");
        Assert.Equal("/me/notices?page=1", after.Address.PathAndQuery);
        Assert.DoesNotContain("id=\"read-all-button\"", after.Html, StringComparison.Ordinal);
        Assert.Contains("Mark this page as read", (await reader.Go("/me/notices")).Text, StringComparison.Ordinal);
        Assert.Equal("20", $"{(await town.Get("/notices?userid=minho&status=UNREAD")).Body!["page"]!["totalElements"]}");
    }

    private const string Deal = "id=\"r-0\"";
}
