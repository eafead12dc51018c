using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using SecondhandTrade.SystemTests.Documents;

namespace SecondhandTrade.SystemTests.Rights;

[CollectionDefinition(nameof(SignedInTown))]
public sealed class SignedInTownCollection : ICollectionFixture<SignedInTown>;

/// <summary>
/// A town that believes tokens alone. Ann has reserved from Bob, who has not accepted yet; Cat from Dan, and they trade; Eve has nothing to do
/// with any of it. All that is between two of them carries a mark that is nowhere else.
/// </summary>
public sealed class SignedInTown : IAsyncLifetime
{
    /// <summary>Whom an object belongs to, and what it is known by.</summary>
    public sealed record Deal(string Id, string Product, string Buyer, string Seller, string Address);

    public static readonly Deal Waiting = new("waiting-1", "watch-1", "ann-mark", "bob-mark", "address-mark-1");
    public static readonly Deal Trading = new("trading-2", "watch-2", "cat-mark", "dan-mark", "address-mark-2");
    public static readonly IReadOnlyList<string> Users = [Waiting.Buyer, Waiting.Seller, Trading.Buyer, Trading.Seller, "eve"];

    private static readonly byte[] Taken = GeneratedRequest.Picture(1);

    public static readonly string PictureName = Stocks.Pictures.NameOf(Taken);

    public TestTown Town { get; private set; } = null!;

    public Issuer Issuer { get; private set; } = null!;

    /// <summary>By user, one notice of theirs.</summary>
    public Dictionary<string, string> Notices { get; } = [];

    public async ValueTask InitializeAsync()
    {
        Issuer = await Issuer.Open();
        Town = await TestTown.Open(new Dictionary<string, string>(Issuer.Settings)
        {
            ["Limits:PerUser:Burst"] = "1000000",
            ["Limits:PerUser:PerSecond"] = "1000000",
            ["Limits:PerAddress:Burst"] = "1000000",
            ["Limits:PerAddress:PerSecond"] = "1000000",
        });
        foreach (var (deal, instant) in new[] { (Waiting, false), (Trading, true) })
        {
            await Must(deal.Seller, HttpMethod.Post, "/inventories", Listing(deal, instant));
            await Must(deal.Seller, HttpMethod.Post, "/inventories", new JsonObject { ["id"] = $"hidden-{deal.Product}", ["productname"] = "hidden-mark", ["qty"] = 1 });
            await Must(deal.Seller, HttpMethod.Post, $"/inventories/{deal.Product}/pictures", Photo());
            await Must(deal.Seller, HttpMethod.Post, $"/inventories/hidden-{deal.Product}/pictures", Photo());
            await Must(deal.Seller, HttpMethod.Patch, $"/inventories/hidden-{deal.Product}", new JsonObject { ["hidden"] = true });
            await Town.Settle();
            await Must(deal.Buyer, HttpMethod.Post, "/reserves", Reservation(deal));
            await Town.Settle();
        }

        await Must("eve", HttpMethod.Post, "/notices", new JsonObject { ["id"] = "notice-eve", ["productid"] = "x" });
        foreach (var user in Users)
        {
            Notices[user] = (await As(user, HttpMethod.Get, "/notices")).List("notices")[0]!["id"]!.ToString();
            await Must(user, HttpMethod.Put, $"/notices/{Notices[user]}/read", null);
        }

        await Town.Settle();
    }

    public static JsonObject Listing(Deal deal, bool instant) => new()
    {
        ["id"] = deal.Product,
        ["productid"] = deal.Product,
        ["productname"] = "애플워치",
        ["qty"] = 1,
        ["price"] = 50000,
        ["instant"] = instant,
    };

    public static JsonObject Reservation(Deal deal) => new()
    {
        ["id"] = deal.Id,
        ["productid"] = deal.Product,
        ["qty"] = 1,
        ["reserveDt"] = "2027-04-04",
        ["address"] = deal.Address,
        ["price"] = 50000,
    };

    public static HttpContent Photo() => new ByteArrayContent(Taken) { Headers = { ContentType = new("image/png") } };

    public Task<Answer> As(string user, HttpMethod method, string path, object? body = null, params (string, string)[] headers) =>
        Town.Send(method, path, body is JsonNode json ? json.ToJsonString() : body, headers: [("Authorization", $"Bearer {Issuer.Token(user)}"), .. headers]);

    /// <summary>All that everyone sees of what is theirs.</summary>
    public async Task<string> Everything()
    {
        var seen = new List<string>();
        foreach (var user in Users)
        {
            foreach (var path in new[] { "/reserves?size=100", "/trades?size=100", "/mypages?size=100", "/notices?size=100", $"/inventories?size=100&sellerid={user}", $"/payments/{Waiting.Id}", $"/payments/{Trading.Id}" })
            {
                var body = (await As(user, HttpMethod.Get, path)).Body!;
                body.AsObject().Remove("traceId");
                seen.Add($"{user} {path} {body.ToJsonString()}");
            }
        }

        return string.Join('\n', seen);
    }

    /// <summary>Does all of it, eight at a time, and returns what was found wrong.</summary>
    public static async Task<IReadOnlyCollection<string>> Each<T>(IEnumerable<T> probes, Func<T, Task<string?>> probe)
    {
        var wrong = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(probes, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (one, _) =>
        {
            if (await probe(one) is { } finding)
            {
                wrong.Add(finding);
            }
        });
        return wrong;
    }

    public async ValueTask DisposeAsync()
    {
        await Town.DisposeAsync();
        await Issuer.DisposeAsync();
    }

    private async Task Must(string user, HttpMethod method, string path, object? body)
    {
        var answer = await As(user, method, path, body);
        Assert.True(answer.Code is HttpStatusCode.OK or HttpStatusCode.Created, $"{user} {method} {path}: {answer.Code} {answer.Body}");
    }
}
