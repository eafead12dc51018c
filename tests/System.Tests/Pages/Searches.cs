using System.Text.RegularExpressions;

namespace SecondhandTrade.SystemTests.Pages;

/// <summary>What a search finds and, as much, what it leaves out: the same through the API and on the front page.</summary>
public sealed partial class Searches
{
    // What is asked of the API, the same of the page, and what is found.
    private static readonly (string Api, string Page, string Found)[] Asked =
    [
        ("", "", "bicycle chair lamp seat"),
        ("text=BICYCLE", "text=BICYCLE", "bicycle seat"),
        ("text=tricycle", "text=tricycle", ""),
        ("near=37.5,127&within=1", "lat=37.5&lon=127&within=1", "bicycle"),
        ("near=37.5,127&within=5", "lat=37.5&lon=127&within=5", "bicycle seat"),
        ("near=37.5,127&within=50", "lat=37.5&lon=127&within=50", "bicycle chair seat"),
        ("near=37.5,127", "lat=37.5&lon=127", "bicycle seat"),
        ("near=-37.5,127", "lat=-37.5&lon=127", ""),
        ("status=판매중", "status=판매중", "bicycle seat"),
        ("status=예약중", "status=예약중", "chair"),
        ("status=거래완료", "status=거래완료", "lamp"),
        ("status=숨김", "status=숨김", ""),
        ("status=판매중단", "status=판매중단", ""),
        ("minprice=20000&maxprice=40000", "minprice=20,000&maxprice=40,000", "lamp seat"),
        ("text=bicycle&status=판매중&maxprice=15000", "text=bicycle&status=판매중&maxprice=15000", "bicycle"),
    ];

    [Fact]
    public async Task A_search_finds_what_was_asked_for_and_nothing_else()
    {
        await using var town = await TestTown.Open();
        foreach (var (id, price, description, latitude) in new[]
        {
            ("bicycle", 10_000, "as good as new", 37.5), ("seat", 20_000, "for a bicycle", 37.52), ("chair", 50_000, "two of them", 37.6), ("lamp", 40_000, "for a desk", 0), ("hidden", 30_000, "bicycle", 37.5), ("withdrawn", 30_000, "bicycle", 37.5),
        })
        {
            await town.Post("/inventories", new { id, productid = id, productname = id, qty = 1, sellerid = "sujin", price, description, latitude = latitude == 0 ? null : (double?)latitude, longitude = latitude == 0 ? null : (double?)127 });
        }

        await town.Settle();
        await town.Send(HttpMethod.Patch, "/inventories/hidden", new { hidden = true });
        await town.Put("/inventories/withdrawn/withdraw");
        await town.Reserve("1", "chair", "minho", 50_000);
        await town.Reserve("2", "lamp", "minho", 40_000);
        await town.Settle();
        await town.Put("/trades/2/handover");
        await town.Settle();
        await town.Put("/trades/2/complete");
        await town.Settle();
        using var visitor = new Reader(town);

        foreach (var (api, page, found) in Asked)
        {
            Assert.Equal((api, found), (api, string.Join(' ', (await town.Get($"/inventories?{api}")).List("inventories").Select(i => $"{i!["id"]}").Order(StringComparer.Ordinal))));
            Assert.Equal((page, found), (page, string.Join(' ', Goods(await visitor.Go($"/?{page}")).Order(StringComparer.Ordinal))));
        }
    }

    [Fact]
    public async Task A_page_of_the_front_page_is_full_whatever_is_hidden_and_counts_only_what_it_shows()
    {
        await using var town = await TestTown.Open();
        foreach (var id in Enumerable.Range(10, 28).Select(n => $"{n}"))
        {
            await town.Post("/inventories", new { id, productid = id, productname = id, qty = 1, sellerid = "sujin", price = 1000 });
        }

        await town.Settle();
        foreach (var id in new[] { "12", "22", "32" })
        {
            await town.Send(HttpMethod.Patch, $"/inventories/{id}", new { hidden = true });
        }

        await town.Settle();
        using var visitor = new Reader(town);
        var (first, second) = (await visitor.Go("/"), await visitor.Go("/?page=1"));
        Assert.Equal((24, 1), (Goods(first).Count(), Goods(second).Count()));
        Assert.Contains("<span>1 / 2</span>", first.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("rel=\"next\"", second.Html, StringComparison.Ordinal);

        // Its seller's own are listed whole, and what is asked for by its product is found.
        Assert.Equal("28", $"{(await town.Get("/inventories?sellerid=sujin")).Body!["page"]!["totalElements"]}");
        Assert.Single((await town.Get("/inventories?productid=12")).List("inventories"));
    }

    private static IEnumerable<string> Goods(Page page) => Item().Matches(page.Html).Select(m => m.Groups["id"].Value);

    [GeneratedRegex("<h2><a href=\"/items/(?<id>[^\"]+)\"")]
    private static partial Regex Item();
}
