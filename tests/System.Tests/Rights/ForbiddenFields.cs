using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using static SecondhandTrade.SystemTests.Rights.SignedInTown;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>What the town decides by itself cannot be set by saying it, however it is spelled.</summary>
[Collection(nameof(SignedInTown))]
public sealed partial class ForbiddenFields(SignedInTown town, ITestOutputHelper output)
{
    // What nobody may say, but of what is theirs to say it of.
    private static readonly (string Name, string Value, string? TheirOwn)[] Fields =
    [
        ("status", "거래완료", "notice"), ("statusCode", "COMPLETED", null), ("price", "1", "listing"), ("instant", "true", "listing"), ("sellerid", "eve", null), ("userid", "eve", null), ("version", "999", null),
        ("paymentid", "stolen", null), ("tradeid", "stolen", null), ("amount", "1", null), ("outcome", "CAPTURED", null), ("captured", "1", null), ("escrow", "0", null), ("released", "50000", null),
        ("refunded", "50000", null), ("validUntil", "2099-01-01T00:00:00Z", null), ("position", "1", null), ("promoted", "true", null), ("accepted", "true", null), ("handedOver", "true", null),
        ("withdrawn", "true", null), ("supplied", "999", null), ("payBy", "2099-01-01T00:00:00Z", null), ("acceptBy", "2099-01-01T00:00:00Z", null), ("completeBy", "2000-01-01T00:00:00Z", null),
        ("requestedAt", "2000-01-01T00:00:00Z", null), ("registeredAt", "2000-01-01T00:00:00Z", null), ("readAt", "2000-01-01T00:00:00Z", null), ("reason", "because", null), ("isOperator", "true", null),
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

    // Whatever is made here is made anew by a person of its own; {0} is its id, and the seller's part is the fair's.
    private static readonly Kind[] Kinds =
    [
        new(
            "deal",
            [
                new(HttpMethod.Post, "/reserves", new() { ["id"] = "{0}", ["productid"] = "fair", ["qty"] = 1, ["reserveDt"] = "2027-04-04", ["address"] = "서울", ["price"] = 50000 }),
                new(HttpMethod.Post, "/trades", new() { ["id"] = "{0}", ["productid"] = "fair", ["qty"] = 1, ["price"] = 50000 }),
            ],
            new(HttpMethod.Put, "/trades/{0}/accept", []) { BySeller = true },
            ["/reserves/{0}", "/reserves/{0}/timeline", "/trades/{0}", "/payments/{0}", "/mypages/{0}", "/notices?size=100"]),
        new(
            "listing",
            [new(HttpMethod.Post, "/inventories", new() { ["id"] = "{0}", ["productname"] = "책", ["qty"] = 1, ["price"] = 50000 })],
            new(HttpMethod.Patch, "/inventories/{0}", new() { ["description"] = "새 책" }),
            ["/inventories/{0}", "/inventories/{0}/adjustments", "/products/{0}/queue"]),
        new(
            "notice",
            [new(HttpMethod.Post, "/notices", new() { ["id"] = "{0}", ["productid"] = "fair" })],
            new(HttpMethod.Put, "/notices/{0}/read", []),
            ["/notices/{0}", "/notices?size=100"]),
    ];

    /// <summary>One request of a journey.</summary>
    private sealed record Step(HttpMethod Method, string Path, JsonObject Body)
    {
        public bool BySeller { get; init; }
    }

    /// <summary>What is made by the first steps at once, changed by the next when all has come to rest, and looked at in the end.</summary>
    private sealed record Kind(string Name, IReadOnlyList<Step> Makes, Step Changes, IReadOnlyList<string> Looks);

    [Fact]
    public async Task None_of_it_has_an_effect()
    {
        Assert.Equal(201, (int)(await town.As("fair-seller", HttpMethod.Post, "/inventories", """{"id":"fair","productname":"자전거","qty":1000,"price":50000,"instant":false}""")).Code);
        await town.Town.Settle();
        var before = await town.Everything();

        // Beside each kind one journey that says nothing of the sort, and one that openly names another price.
        List<Journey> journeys =
        [
            .. Kinds.Select(kind => new Journey(kind, "nothing", body => (body.ToJsonString(), ""))), new(Kinds[0], "another price", body => (body.ContainsKey("price") ? With(body, "price", 1) : "{}", "")),
            .. from kind in Kinds from field in Fields where field.TheirOwn != kind.Name from spelling in Spellings
               select new Journey(kind, $"{field.Name}, {spelling.Name}", body => spelling.Write(body, field.Name, field.Value)),
        ];
        for (var n = 0; n < journeys.Count; n++)
        {
            (journeys[n].User, journeys[n].Id) = ($"person-{n:0000}", $"thing-{n:0000}");
        }

        foreach (var part in new Func<Kind, IEnumerable<Step>>[] { kind => kind.Makes, kind => [kind.Changes] })
        {
            await Each(journeys, async journey =>
            {
                foreach (var step in part(journey.Kind))
                {
                    await Take(journey, step);
                }

                return null;
            });
            await town.Town.Settle();
        }

        await Each(journeys, async journey =>
        {
            journey.Seen = await Look(journey);
            return null;
        });

        var plain = journeys[..Kinds.Length].ToDictionary(j => j.Kind, j => j.Seen);
        Assert.Contains("\"IN_PROGRESS\"", plain[Kinds[0]], StringComparison.Ordinal);
        Assert.Contains("\"새 책\"", plain[Kinds[1]], StringComparison.Ordinal);
        Assert.Contains("\"READ\"", plain[Kinds[2]], StringComparison.Ordinal);
        var refused = journeys[Kinds.Length].Seen;
        Assert.Contains("\"price-changed\"", refused, StringComparison.Ordinal);
        Assert.Contains("\"REJECTED\"", refused, StringComparison.Ordinal);

        var wrong = journeys.Where(j => j.Seen != plain[j.Kind] && !(j.Seen == refused && IsPrice().IsMatch(j.Says))).Select(j => $"{j.Kind.Name}, {j.Says}:\n{j.Seen}\nnot\n{plain[j.Kind]}").ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(before, await town.Everything());

        // Most were taken at their word but for that one: what is refused as a whole proves nothing.
        Assert.True(journeys.Sum(j => j.Asked) >= 1000, $"{journeys.Sum(j => j.Asked)} attempts are too few");
        output.WriteLine($"{journeys.Sum(j => j.Asked)} attempts, by {journeys.Sum(j => j.Made)} of which something was made or changed.");
        Assert.InRange(journeys.Sum(j => j.Made), journeys.Sum(j => j.Asked) * 2 / 3, int.MaxValue);
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

    private async Task Take(Journey journey, Step step)
    {
        var own = JsonNode.Parse(step.Body.ToJsonString().Replace("{0}", journey.Id, StringComparison.Ordinal))!.AsObject();
        var (body, query) = journey.Say(own);
        var answer = await town.As(step.BySeller ? "fair-seller" : journey.User, step.Method, step.Path.Replace("{0}", journey.Id, StringComparison.Ordinal) + query, body);
        journey.Asked++;
        journey.Made += step.Method != HttpMethod.Put && answer.Response.IsSuccessStatusCode ? 1 : 0;
    }

    // Without what is the journey's own: its names and those made of them, the minute, and how far the town had come by then.
    private async Task<string> Look(Journey journey)
    {
        var seen = new List<string>();
        foreach (var path in journey.Kind.Looks)
        {
            var answer = await town.As(journey.User, HttpMethod.Get, path.Replace("{0}", journey.Id, StringComparison.Ordinal));
            seen.Add($"{path}: {(int)answer.Code} {Sorted(answer.Body)}".Replace(journey.Id, "{0}", StringComparison.Ordinal).Replace(journey.User, "{user}", StringComparison.Ordinal));
        }

        return TimeOfDay().Replace(string.Join('\n', seen), "");
    }

    private static string Sorted(JsonNode? node) => node switch
    {
        JsonObject fields => $"{{{string.Join(',', fields.Where(f => f.Key is not ("watermarks" or "order" or "traceId")).Select(f => $"\"{f.Key}\":{Sorted(f.Value)}"))}}}",
        JsonArray items => $"[{string.Join(',', items.Select(Sorted).Order(StringComparer.Ordinal))}]",
        JsonValue value when value.TryGetValue<string>(out var text) => $"\"{NumberOfNotice().Replace(text, "made")}\"",
        _ => $"{node}",
    };

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

    [GeneratedRegex(@"(?<=\d-\d\d)T[\d:.]+(?:\+\d\d:\d\d|Z)")]
    private static partial Regex TimeOfDay();

    [GeneratedRegex(@"\d{10,}")]
    private static partial Regex NumberOfNotice();

    [GeneratedRegex(@"\bprice\b")]
    private static partial Regex IsPrice();

    [GeneratedRegex("(?<=[a-z])[A-Z]")]
    private static partial Regex Snake();

    /// <summary>What one person does, and says at every step of it.</summary>
    private sealed class Journey(Kind kind, string says, Func<JsonObject, (string Body, string Query)> say)
    {
        public Kind Kind => kind;

        public string Says => says;

        public Func<JsonObject, (string Body, string Query)> Say => say;

        public string User { get; set; } = "";

        public string Id { get; set; } = "";

        public string Seen { get; set; } = "";

        public int Asked { get; set; }

        public int Made { get; set; }
    }
}
