using System.Net;

namespace SecondhandTrade.SystemTests;

/// <summary>What <c>If-Match</c> and <c>ETag</c> promise: of two who act on the same version one wins, and a tag names all that is shown under it.</summary>
public sealed class Versions
{
    [Fact]
    public async Task Of_a_seller_who_accepts_and_a_buyer_who_cancels_the_same_version_one_wins()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 3, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        foreach (var id in new[] { "1", "2", "3" })
        {
            await town.Reserve(id, "100", "abc", price: 30000);
            await town.Settle();
            var tag = (await town.Get($"/trades/{id}")).Response.Headers.ETag!.Tag;

            var both = await Task.WhenAll(
                town.Send(HttpMethod.Put, $"/trades/{id}/accept?userid=seller", headers: ("If-Match", tag)),
                town.Send(HttpMethod.Put, $"/trades/{id}/cancel?userid=abc", headers: ("If-Match", tag)));

            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.PreconditionFailed], both.Select(a => a.Code).Order());
            Assert.Equal(both.Single(a => a.Code == HttpStatusCode.OK)["status"], (await town.Get($"/trades/{id}"))["status"]);
        }
    }

    [Fact]
    public async Task Of_a_seller_who_withdraws_and_changes_the_same_version_one_wins()
    {
        await using var town = await TestTown.Open();
        foreach (var id in new[] { "1", "2", "3" })
        {
            await town.List(id);
            var tag = (await town.Get($"/inventories/{id}")).Response.Headers.ETag!.Tag;

            var both = await Task.WhenAll(
                town.Send(HttpMethod.Patch, $"/inventories/{id}", new { price = 1000 }, headers: ("If-Match", tag)),
                town.Send(HttpMethod.Put, $"/inventories/{id}/withdraw", headers: ("If-Match", tag)));

            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.PreconditionFailed], both.Select(a => a.Code).Order());
        }
    }

    [Fact]
    public async Task Of_two_who_cancel_the_same_version_of_a_reservation_one_wins()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 3, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        await town.Provider("decline");
        foreach (var id in new[] { "1", "2", "3" })
        {
            await town.Reserve(id, "100", "abc", price: 30000);
            await town.Settle();
            var tag = (await town.Get($"/reserves/{id}")).Response.Headers.ETag!.Tag;

            var both = await Task.WhenAll(Cancel("abc"), Cancel("seller"));

            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.PreconditionFailed], both.Select(a => a.Code).Order());

            Task<Answer> Cancel(string by) => town.Send(HttpMethod.Put, $"/reserves/{id}/reservecancel?userid={by}", headers: ("If-Match", tag));
        }
    }

    [Fact]
    public async Task The_version_that_any_will_do_for_is_no_version_to_lose_by()
    {
        await using var town = await TestTown.Open();
        await town.List("100");

        var both = await Task.WhenAll(Enumerable.Range(1, 4).Select(n => town.Send(HttpMethod.Patch, "/inventories/100", new { price = n * 1000 }, headers: ("If-Match", "*"))));

        Assert.All(both, a => Assert.Equal(HttpStatusCode.OK, a.Code));
    }

    [Fact]
    public async Task The_tag_of_a_queue_names_the_place_that_is_shown_in_it()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "a");
        await town.Reserve("2", "100", "b");
        await town.Reserve("3", "100", "c");
        await town.Settle();

        var first = await town.Get("/products/100/queue?userid=b");
        var second = await town.Send(HttpMethod.Get, "/products/100/queue?userid=c", headers: ("If-None-Match", first.Response.Headers.ETag!.Tag));
        Assert.Equal(("1", HttpStatusCode.OK, "2"), (first["position"], second.Code, second["position"]));
        Assert.Equal(HttpStatusCode.NotModified, (await town.Send(HttpMethod.Get, "/products/100/queue?userid=c", headers: ("If-None-Match", second.Response.Headers.ETag!.Tag))).Code);
    }

    [Fact]
    public async Task A_list_shows_what_is_past_its_deadline_as_it_is_by_now_whether_or_not_anything_fired()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 2, sellerid = "seller", price = 30000, instant = false });
        await town.Settle();
        await town.Reserve("1", "100", "abc", price: 30000);
        await town.Settle();
        await town.Provider("decline");
        await town.Reserve("2", "100", "def", price: 30000);
        await town.Settle();
        Assert.Equal(["예약중", "판매자수락대기"], [await Listed("reserves", "2"), await Listed("trades", "1")]);

        // Nothing is left to wake anyone.
        var redis = town.Service<StackExchange.Redis.IConnectionMultiplexer>("reservation").GetDatabase();
        await redis.KeyDeleteAsync(["wake:reservation", "wake:trade"]);
        town.Clock.Advance(TimeSpan.FromHours(25));

        Assert.Equal(["예약만료", "거래취소"], [await Listed("reserves", "2"), await Listed("trades", "1")]);

        async Task<string> Listed(string kind, string id)
        {
            var row = (await town.Get($"/{kind}?size=100")).List(kind).Single(r => $"{r!["id"]}" == id)!;
            var alone = await town.Get($"/{kind}/{id}");
            Assert.Equal(alone.Links, row["_links"]!.AsObject().Select(l => l.Key));
            return $"{row["status"]}";
        }
    }
}
