using Microsoft.Playwright;
using SecondhandTrade.SystemTests;
using SecondhandTrade.SystemTests.Rights;

namespace SecondhandTrade.WebTests;

/// <summary>How a page that is open follows what happens, and for what price.</summary>
public sealed class LiveUpdates(Browser browser)
{
    // What the page hears, twenty times a second.
    private const string Busy = """
        window.EventSource = class extends EventTarget {
            static CLOSED = 2;
            readyState = 1;
            constructor() { super(); setInterval(() => this.dispatchEvent(new Event('product')), 50); }
            close() { this.readyState = 2; }
        };
        """;

    [Fact]
    public async Task After_an_answer_that_is_no_stream_the_page_listens_again()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await using var visitor = await browser.Person(town);
        var refused = 0;
        await visitor.Page.RouteAsync("**/live?**", route => ++refused == 1 ? route.FulfillAsync(new() { Status = 503, ContentType = "text/html" }) : route.ContinueAsync());
        await visitor.Go("/items/100");
        await visitor.Sees("판매중", "#now");
        await town.Reserve("1", "100", "민호", 30000);
        await town.Settle();

        await visitor.Sees("예약중", "#now");
        Assert.Equal(2, refused);
    }

    [Fact]
    public async Task The_button_to_reserve_says_by_itself_what_it_does_by_now_and_what_is_written_stays()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await using var buyer = await browser.Person(town, "지우");
        await buyer.Go("/items/100");
        await buyer.Sees("예약하고 결제하기", "#reserve-now");
        await buyer.Page.FillAsync("#reserveDt", "2027-04-04");
        await buyer.Page.FillAsync("#address", "방배역");
        await town.Reserve("1", "100", "민호", 30000);
        await town.Settle();
        await buyer.Sees("줄 서기", "#reserve-now");
        await buyer.Sees("줄 서기", "#reserve");
        Assert.Equal("방배역", await buyer.Page.InputValueAsync("#address"));

        // What it says is what it does.
        await buyer.Press("줄 서기");
        await buyer.Sees("줄을 섰습니다.");
        Assert.Empty(buyer.Complaints);
    }

    [Fact]
    public async Task However_often_something_changes_the_page_looks_once_a_second()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await using var visitor = await browser.Person(town);
        await visitor.Page.AddInitScriptAsync(Busy);
        await visitor.Go("/items/100");
        var looked = await visitor.Page.EvaluateAsync<double[]>("""
            () => new Promise(resolve => {
                const at = [];
                const fetched = window.fetch;
                window.fetch = (...asked) => { at.push(performance.now()); if (at.length === 4) resolve(at); return fetched(...asked); };
            })
            """);
        Assert.All(looked.Zip(looked.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 950, string.Join(", ", looked)));
    }

    [Fact]
    public async Task Who_looks_at_what_is_changed_and_then_taken_off_the_market_sees_it_without_asking()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        var ann = ("Authorization", $"Bearer {issuer.Token("ann")}");
        await town.Send(HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, price = 30000 }, headers: ann);
        await town.Settle();
        await using var visitor = await browser.Person(town);
        await visitor.Go("/items/100");
        await visitor.Sees("남은 수량 1", "#now");
        await visitor.Page.WaitForLoadStateAsync(LoadState.Load);

        await town.Send(HttpMethod.Patch, "/inventories/100", new { qty = 5 }, headers: ann);
        await town.Settle();
        await visitor.Sees("남은 수량 5", "#now");

        await town.Send(HttpMethod.Put, "/inventories/100/withdraw", headers: ann);
        await town.Settle();
        await visitor.Sees("찾으시는 것이 없거나");
        await Assertions.Expect(visitor.Page.Locator("[data-product]")).ToHaveCountAsync(0);
    }

    private static async Task Listed(TestTown town)
    {
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
    }
}
