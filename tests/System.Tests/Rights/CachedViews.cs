using System.Net;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>What one party has seen is not shown to another by a cache.</summary>
[Collection(nameof(SignedInTown))]
public sealed class CachedViews(SignedInTown town)
{
    [Fact]
    public async Task What_a_party_sees_is_theirs_alone_and_has_a_tag_of_its_own_only_where_it_differs()
    {
        var (buyer, seller) = (SignedInTown.Waiting.Buyer, SignedInTown.Waiting.Seller);
        var path = $"/trades/{SignedInTown.Waiting.Id}";
        var seen = await town.As(buyer, HttpMethod.Get, path);
        Assert.Equal(("private, no-cache", "Accept, Authorization"), ($"{seen.Response.Headers.CacheControl}".Replace("no-cache, private", "private, no-cache", StringComparison.Ordinal), string.Join(", ", seen.Response.Headers.Vary)));
        var tag = seen.Response.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.NotModified, (await town.As(buyer, HttpMethod.Get, path, null, ("If-None-Match", tag))).Code);

        // The seller may not see yet where they meet.
        Assert.NotEqual($"{seen["address"]}", $"{(await town.As(seller, HttpMethod.Get, path))["address"]}");
        Assert.Equal(HttpStatusCode.OK, (await town.As(seller, HttpMethod.Get, path, null, ("If-None-Match", tag))).Code);

        // Two strangers see the same of a listing; for its seller there is more to do.
        var listing = $"/inventories/{SignedInTown.Waiting.Product}";
        var strangers = (await town.As("eve", HttpMethod.Get, listing)).Response.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.NotModified, (await town.As(buyer, HttpMethod.Get, listing, null, ("If-None-Match", strangers))).Code);
        Assert.Equal(HttpStatusCode.OK, (await town.As(seller, HttpMethod.Get, listing, null, ("If-None-Match", strangers))).Code);

        var list = await town.As(buyer, HttpMethod.Get, "/reserves");
        Assert.True(list.Response.Headers.CacheControl is { Private: true, NoCache: true });
        Assert.Contains("Authorization", list.Response.Headers.Vary);
    }

    [Fact]
    public async Task A_picture_of_what_is_hidden_is_kept_by_no_cache()
    {
        var picture = $"pictures/{SignedInTown.PictureName}";
        var hidden = await town.As(SignedInTown.Waiting.Seller, HttpMethod.Get, $"/inventories/hidden-{SignedInTown.Waiting.Product}/{picture}");
        Assert.Equal((HttpStatusCode.OK, true, true, false), (hidden.Code, hidden.Response.Headers.CacheControl!.Private, hidden.Response.Headers.CacheControl.NoStore, hidden.Response.Headers.CacheControl.Public));
        var shown = await town.As("eve", HttpMethod.Get, $"/inventories/{SignedInTown.Waiting.Product}/{picture}");
        Assert.True(shown.Response.Headers.CacheControl!.Public);
    }

    [Fact]
    public async Task Taking_down_what_is_not_shown_leaves_the_bytes_of_what_is()
    {
        var (seller, listing) = (SignedInTown.Trading.Seller, $"/inventories/{SignedInTown.Trading.Product}");
        var small = $"{listing}/pictures/{SignedInTown.PictureName}{Stocks.Pictures.Small}";
        Assert.Equal(HttpStatusCode.OK, (await town.As(seller, HttpMethod.Delete, small)).Code);
        Assert.Equal(HttpStatusCode.OK, (await town.As("eve", HttpMethod.Get, small)).Code);
    }
}
