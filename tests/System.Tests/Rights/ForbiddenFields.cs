using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using static SecondhandTrade.SystemTests.Rights.SignedInTown;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>What the town decides by itself cannot be set by saying it, however it is spelled.</summary>
[Collection(nameof(SignedInTown))]
public sealed partial class ForbiddenFields(SignedInTown town)
{
    private static readonly (string Name, string Value)[] Fields =
    [
        ("status", "거래완료"), ("statusCode", "COMPLETED"), ("price", "1"), ("sellerid", "eve"), ("userid", "eve"), ("version", "999"), ("paymentid", "stolen"), ("tradeid", "stolen"),
        ("position", "1"), ("payBy", "2099-01-01T00:00:00Z"), ("promoted", "true"), ("accepted", "true"), ("handedOver", "true"), ("captured", "1"), ("reason", "because"),
        ("requestedAt", "2000-01-01T00:00:00Z"), ("registeredAt", "2000-01-01T00:00:00Z"), ("completeBy", "2000-01-01T00:00:00Z"), ("acceptBy", "2099-01-01T00:00:00Z"), ("escrow", "0"),
        ("refunded", "50000"), ("isOperator", "true"),
    ];

    // Each turns the field into a body (and a query) that tries to say it.
    private static readonly (string Name, Func<JsonObject, string, string, (string Body, string Query)> Write)[] Spellings =
    [
        ("another case", (body, name, value) => (With(body, name.ToUpperInvariant(), value), "")),
        ("snake case", (body, name, value) => (With(body, Snake().Replace(name, "_$0").Replace("id", "_id", StringComparison.Ordinal).ToLowerInvariant(), value), "")),
        ("a number or a word", (body, name, value) => (With(body, name, long.TryParse(value, out var number) ? JsonValue.Create(number) : JsonValue.Create(value)), "")),
        ("twice", (body, name, value) => (Twice(body, name, value), "")),
        ("nested", (body, name, value) => (With(With(body, "view", new JsonObject { [name] = value }), "_links", new JsonObject { [name] = value }), "")),
        ("query", (body, name, value) => (body.ToJsonString(), $"?{name}={Uri.EscapeDataString(value)}")),
    ];

    [Fact]
    public async Task None_of_it_has_an_effect()
    {
        (string User, HttpMethod Method, string Path, JsonObject Body)[] targets =
        [
            // Each is a command of one's own that has been done already: only what is added to it could change anything.
            (Waiting.Buyer, HttpMethod.Post, "/reserves", Reservation(Waiting)),
            (Waiting.Buyer, HttpMethod.Put, $"/reserves/{Waiting.Id}/pay", []),
            (Trading.Buyer, HttpMethod.Post, "/trades", new() { ["id"] = Trading.Id, ["productid"] = Trading.Product, ["qty"] = 1, ["price"] = 50000 }),
            (Trading.Seller, HttpMethod.Put, $"/trades/{Trading.Id}/accept", []),
            (Waiting.Seller, HttpMethod.Post, "/inventories", Listing(Waiting, instant: false)),
            (Waiting.Seller, HttpMethod.Patch, $"/inventories/{Waiting.Product}", new() { ["price"] = 50000 }),
            ("eve", HttpMethod.Post, "/notices", new() { ["id"] = "notice-eve", ["productid"] = "x" }),
            ("eve", HttpMethod.Put, $"/notices/{town.Notices["eve"]}/read", []),
        ];

        var attempts = (from target in targets from field in Fields from spelling in Spellings select (target, field, spelling))

            // What a listing costs is its seller's to say.
            .Where(a => a.target.Method != HttpMethod.Patch || a.field.Name != "price").ToList();
        var before = await town.Everything();
        await Each(attempts, async a =>
        {
            var (body, query) = a.spelling.Write(a.target.Body, a.field.Name, a.field.Value);
            await town.As(a.target.User, a.target.Method, a.target.Path + query, body);
            return null;
        });
        await town.Town.Settle();

        Assert.Equal(before, await town.Everything());
        Assert.True(attempts.Count >= 1000, $"{attempts.Count} attempts are too few");
    }

    [Fact]
    public async Task What_is_made_belongs_to_whoever_made_it()
    {
        await town.As("eve", HttpMethod.Post, "/inventories", """{"id":"eves","productname":"x","qty":1,"sellerid":"ann-mark","SELLERID":"bob-mark","userid":"cat-mark"}""");
        Assert.Equal("eve", (await town.As("eve", HttpMethod.Get, "/inventories/eves"))["sellerid"]);
        await town.Town.Settle();
        var reserved = await town.As("fay", HttpMethod.Post, "/reserves?userid=ann-mark", """{"id":"fays","productid":"eves","qty":1,"reserveDt":"2027-04-04","price":7,"userid":"ann-mark","status":"거래완료"}""");
        Assert.Equal(("fay", "예약완료"), (reserved["userid"], reserved["status"]));
        await town.As("fay", HttpMethod.Put, "/reserves/fays/reservecancel");
        await town.As("eve", HttpMethod.Put, "/inventories/eves/withdraw");
        Assert.Equal(404, (int)(await town.As("fay", HttpMethod.Get, "/inventories/eves")).Code);
        Assert.Equal(200, (int)(await town.As("eve", HttpMethod.Get, "/inventories/eves")).Code);
        var told = await town.As("eve", HttpMethod.Post, "/notices", """{"productid":"x","userid":"ann-mark","message":"hello"}""");
        Assert.Equal("eve", told["userid"]);
        await town.Town.Settle();
    }

    private static string With(JsonObject body, string name, JsonNode? value)
    {
        var more = body.DeepClone().AsObject();
        more[name] = value;
        return more.ToJsonString();
    }

    private static string With(string body, string name, JsonNode? value) => With(JsonNode.Parse(body)!.AsObject(), name, value);

    private static string Twice(JsonObject body, string name, string value)
    {
        var text = new StringBuilder(body.ToJsonString());
        var field = string.Create(CultureInfo.InvariantCulture, $"\"{name}\":{JsonValue.Create(value)!.ToJsonString()}");
        return text.Insert(1, body.Count == 0 ? field : field + ",").Insert(text.Length - 1, "," + field).ToString();
    }

    [GeneratedRegex("(?<=[a-z])[A-Z]")]
    private static partial Regex Snake();
}
