using System.Net;
using SecondhandTrade.SystemTests.Pages;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>The calls that the services make, held against what the chart lets them call in a cluster.</summary>
public sealed class AllowedCalls
{
    [Fact]
    public async Task The_chart_allows_what_the_services_call_and_not_one_path_more()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 3, sellerid = "sujin", price = 30000 });
        await town.Settle();
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();

        // By the gateway.
        var payment = (await town.Get("/reserves/1"))["paymentid"];
        string[] contexts = ["reservation", "trade", "stock", "payment", "notification", "mypage"];
        foreach (var path in contexts.Select(context => $"/openapi/{context}.json").Concat(["/products/100/queue", "/trades/1", "/mypages/1", $"/payments/{payment}", "/notices?userid=minho"]))
        {
            Assert.Equal((path, HttpStatusCode.OK), (path, (await town.Get(path)).Code));
        }

        // Reservation asks stock of what it has not heard of.
        Assert.False((await town.Reserve("2", "unheard-of", "minho")).Response.IsSuccessStatusCode);

        // Trade looks whether it is paid before it opens what did not open by itself.
        Assert.Equal("payment-required", (await town.Post("/trades", new { id = "none", productid = "100", userid = "minho", qty = 1 })).Problem);

        // By the pages.
        using var reader = new Reader(town);
        await reader.SignIn("sujin");
        string[] pages = ["/", "/items/100", "/me", "/me/notices", "/operator"];
        foreach (var path in pages)
        {
            Assert.Equal((path, 200), (path, (await reader.Go(path)).Status));
        }

        var chart = AccessControl.OfTheChart;
        Assert.Empty(chart.Refused(town.Called));
        Assert.All(chart.Permissions, permission => Assert.NotEmpty(chart.Without(permission).Refused(town.Called)));
    }

    [Theory]
    [InlineData("GET", "/reserves", true)]
    [InlineData("GET", "/Reserves/1/2", true)]
    [InlineData("GET", "/reservesx", false)]
    [InlineData("GET", "/payments/7", true)]
    [InlineData("POST", "/payments/7", false)]
    [InlineData("GET", "/payments/7/claim", false)]
    [InlineData("POST", "/trades/7/claim", true)]
    [InlineData("POST", "/trades/7/claim/more", true)]
    [InlineData("POST", "/trades/7/void", false)]
    [InlineData("POST", "/trades/claim", false)]
    [InlineData("GET", "/", false)]
    public void Paths_are_read_as_daprd_reads_them(string verb, string path, bool allowed)
    {
        var control = new AccessControl([new("a", "b", "/reserves", ["*"]), new("a", "b", "/payments/*", ["GET"]), new("a", "b", "/trades/**/claim", ["POST"])]);
        Assert.Equal(allowed, control.Allows(new("a", "b", verb, path, 200)));
        Assert.False(control.Allows(new("c", "b", verb, path, 200)));
    }
}
