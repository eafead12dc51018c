using System.Text.RegularExpressions;
using static SecondhandTrade.SystemTests.Rights.SignedInTown;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>What is not one's own is not there: it shows nothing, and it cannot be told from what never was.</summary>
[Collection(nameof(SignedInTown))]
public sealed partial class ForeignObjects(SignedInTown town)
{
    private static readonly string OfPictures = $"/inventories/{{0}}/pictures/{PictureName}";

    private static readonly string[] OfDeals =
    [
        "/reserves/{0}", "/reserves/{0}/timeline", "/reserves/{0}/pay", "/reserves/{0}/reservecancel", "/trades/{0}", "/trades/{0}/accept", "/trades/{0}/decline", "/trades/{0}/handover",
        "/trades/{0}/receive", "/trades/{0}/complete", "/trades/{0}/defer", "/trades/{0}/cancel", "/trades/{0}/dispute", "/trades/{0}/resolve", "/payments/{0}", "/mypages/{0}",
    ];

    // Of a listing that anyone sees all but the sight of it; of one that is hidden that, too.
    private static readonly string[] OfListings = ["/inventories/{0}/adjustments", "/inventories/{0}/withdraw", "/inventories/{0}/pictures"];
    private static readonly string[] OfHidden = ["/inventories/{0}", .. OfListings, OfPictures, "/products/{0}/queue"];
    private static readonly string[] OfNotices = ["/notices/{0}", "/notices/{0}/read"];
    private static readonly HttpMethod[] Methods = [HttpMethod.Get, HttpMethod.Put, HttpMethod.Post, HttpMethod.Patch, HttpMethod.Delete];

    // What its party does by the same routes, in an order in which all of it may be done; a deal's product has its id.
    private static readonly (string User, HttpMethod Method, string Route, string Id)[] Own =
    [
        ("buyer", HttpMethod.Get, "/reserves/{0}", "done"), ("buyer", HttpMethod.Get, "/reserves/{0}/timeline", "done"), ("buyer", HttpMethod.Put, "/reserves/{0}/pay", "done"),
        ("seller", HttpMethod.Get, "/trades/{0}", "done"), ("seller", HttpMethod.Put, "/trades/{0}/accept", "done"), ("seller", HttpMethod.Put, "/trades/{0}/handover", "done"),
        ("buyer", HttpMethod.Put, "/trades/{0}/receive", "done"), ("buyer", HttpMethod.Put, "/trades/{0}/defer", "done"), ("buyer", HttpMethod.Put, "/trades/{0}/complete", "done"),
        ("buyer", HttpMethod.Get, "/payments/{0}", "done"), ("buyer", HttpMethod.Get, "/mypages/{0}", "done"),
        ("seller", HttpMethod.Put, "/trades/{0}/accept", "torn"), ("seller", HttpMethod.Put, "/trades/{0}/handover", "torn"), ("buyer", HttpMethod.Put, "/trades/{0}/dispute", "torn"),
        ("seller", HttpMethod.Put, "/trades/{0}/decline", "declined"), ("buyer", HttpMethod.Put, "/trades/{0}/cancel", "off"), ("buyer", HttpMethod.Put, "/reserves/{0}/reservecancel", "left"),
        ("seller", HttpMethod.Get, "/inventories/{0}/adjustments", "hidden"), ("seller", HttpMethod.Post, "/inventories/{0}/pictures", "hidden"), ("seller", HttpMethod.Patch, "/inventories/{0}", "hidden"),
        ("seller", HttpMethod.Get, "/inventories/{0}", "hidden"), ("seller", HttpMethod.Get, OfPictures, "hidden"), ("seller", HttpMethod.Get, "/products/{0}/queue", "hidden"),
        ("seller", HttpMethod.Delete, OfPictures, "hidden"), ("seller", HttpMethod.Put, "/inventories/{0}/withdraw", "hidden"),
        ("eve", HttpMethod.Get, "/notices/{0}", "notice-eve"), ("eve", HttpMethod.Put, "/notices/{0}/read", "notice-eve"),
    ];

    [Fact]
    public async Task Nothing_of_others_is_shown_or_changed_and_it_answers_like_what_never_was()
    {
        var probes = new List<(string User, HttpMethod Method, string Route, string Id)>();
        foreach (var user in Users)
        {
            var others = new[] { Waiting, Trading }.Where(d => user != d.Buyer && user != d.Seller).ToList();
            string[] ids = [.. others.SelectMany(d => new[] { d.Id, d.Id.ToUpperInvariant() }), "guessed", "absent"];
            foreach (var method in Methods)
            {
                probes.AddRange(from route in OfDeals from id in ids select (user, method, route, id));
                probes.AddRange(from route in OfListings from deal in others select (user, method, route, deal.Product));
                probes.AddRange(from route in OfHidden where method != HttpMethod.Get && !OfListings.Contains(route) from deal in others select (user, method, route, deal.Product));
                probes.AddRange(from route in OfHidden from deal in others select (user, method, route, $"hidden-{deal.Product}"));
                probes.AddRange(from route in OfNotices from whose in Users.Where(u => u != user) select (user, method, route, town.Notices[whose]));
            }
        }

        var before = await town.Everything();
        var absent = new Dictionary<(string, HttpMethod), string>();
        foreach (var (method, route) in probes.Select(p => (p.Method, p.Route)).Distinct())
        {
            absent[(route, method)] = await Said("eve", method, route, "never-was");
        }

        var wrong = await Each(probes, async p =>
        {
            var said = await Said(p.User, p.Method, p.Route, p.Id);
            return said.Contains("-mark", StringComparison.Ordinal) || said != absent[(p.Route, p.Method)] ? $"{p.User} {p.Method} {p.Route} {p.Id}: {said}" : null;
        });

        Assert.Equal("", string.Join('\n', wrong));
        Assert.Equal(before, await town.Everything());
        Assert.True(probes.Count >= 2000, $"{probes.Count} probes are too few");
    }

    [Fact]
    public async Task Each_of_these_ways_is_open_to_whose_it_is()
    {
        foreach (var deal in Own.Select(o => o.Id).Where(id => id != "notice-eve").Distinct().Select(id => new Deal(id, id, "buyer", "seller", "somewhere")))
        {
            Assert.Equal(201, (int)(await town.As(deal.Seller, HttpMethod.Post, "/inventories", Listing(deal, instant: false))).Code);
            await town.Town.Settle();
            if (deal.Id == "hidden")
            {
                Assert.Equal(200, (int)(await town.As(deal.Seller, HttpMethod.Patch, $"/inventories/{deal.Product}", """{"hidden":true}""")).Code);
            }
            else
            {
                Assert.Equal(201, (int)(await town.As(deal.Buyer, HttpMethod.Post, "/reserves", Reservation(deal))).Code);
            }
        }

        await town.Town.Settle();
        foreach (var (user, method, route, id) in Own)
        {
            var said = await Said(user, method, route, id);
            Assert.True(said.StartsWith('2'), $"{user} {method} {route} {id}: {said}");
        }

        // What is nobody's to do is refused as such, but for the two that nothing leads to from outside.
        var routes = new[] { OfDeals, OfListings, OfHidden, OfNotices }.SelectMany(r => r).Distinct().Except(["/trades/{0}/resolve", "/payments/{0}"]);
        foreach (var (route, method) in (from route in routes from method in Methods select (route, method)).Except(Own.Select(o => (o.Route, o.Method))))
        {
            Assert.Equal($"{method} {route} 405", $"{method} {route} {(await Said("eve", method, route, "never-was"))[..3]}");
        }

        await town.Town.Settle();
    }

    [Fact]
    public async Task Lists_hold_ones_own_whoever_is_asked_for()
    {
        var wrong = new List<string>();
        foreach (var user in Users)
        {
            foreach (var kind in new[] { "reserves", "trades", "mypages", "notices" })
            {
                foreach (var query in Users.SelectMany(u => new[] { $"userid={u}", $"sellerid={u}", $"userid={u}&role=SELLER", $"party={u}" }).Append("size=100"))
                {
                    var list = (await town.As(user, HttpMethod.Get, $"/{kind}?{query}")).List(kind);
                    wrong.AddRange(list.Where(n => $"{n!["userid"]}" != user && $"{n["sellerid"]}" != user).Select(n => $"{user} {kind}?{query}: {n}"));
                }
            }
        }

        Assert.Equal("", string.Join('\n', wrong));
        Assert.Equal(Waiting.Id, $"{Assert.Single((await town.As(Waiting.Seller, HttpMethod.Get, "/reserves")).List("reserves"))!["id"]}");
    }

    [Fact]
    public async Task The_place_is_the_sellers_to_know_only_once_the_trade_is_accepted()
    {
        foreach (var path in new[] { $"/reserves/{Waiting.Id}", "/reserves", $"/trades/{Waiting.Id}", "/trades", $"/mypages/{Waiting.Id}", "/mypages", "/notices", $"/reserves/{Waiting.Id}/timeline", $"/payments/{Waiting.Id}" })
        {
            var seen = await town.As(Waiting.Seller, HttpMethod.Get, path);
            Assert.Equal((path, 200), (path, (int)seen.Code));
            Assert.DoesNotContain(Waiting.Address, $"{seen.Body}", StringComparison.Ordinal);
        }

        foreach (var path in new[] { $"/reserves/{Trading.Id}", $"/trades/{Trading.Id}", $"/mypages/{Trading.Id}" })
        {
            Assert.Equal(Trading.Address, (await town.As(Trading.Seller, HttpMethod.Get, path))["address"]);
            Assert.Equal(Trading.Address, (await town.As(Trading.Buyer, HttpMethod.Get, path))["address"]);
        }
    }

    [Fact]
    public async Task Who_is_not_signed_in_sees_what_is_for_sale_and_nothing_else()
    {
        foreach (var path in new[] { "/inventories", $"/inventories/{Waiting.Product}", $"/products/{Waiting.Product}/queue", "/", "/openapi/stock.json" })
        {
            var shown = await town.Town.Get(path);
            Assert.Equal((path, 200), (path, (int)shown.Code));
            Assert.DoesNotContain("hidden-", $"{shown.Body}", StringComparison.Ordinal);
        }

        foreach (var path in new[] { "/reserves", "/trades", "/mypages", "/notices", "/notices/stream?userid=ann-mark", $"/reserves/{Waiting.Id}", $"/payments/{Waiting.Id}", "/mypages/lag" })
        {
            var refused = await town.Town.Get(path);
            Assert.Equal((path, 401, "not-signed-in"), (path, (int)refused.Code, refused.Problem));
        }
    }

    [Fact]
    public async Task What_is_for_those_who_run_the_town_is_for_nobody_else()
    {
        (HttpMethod Method, string App, string Path, string? Body)[] routes =
        [
            (HttpMethod.Post, "mypage", "/mypages/rebuild", null), (HttpMethod.Get, "mypage", "/mypages/lag", null), (HttpMethod.Get, "notification", "/deadletters", null),
            (HttpMethod.Post, "notification", "/deadletters/1/replay", null), (HttpMethod.Delete, "notification", "/deadletters/1", null),
            (HttpMethod.Get, "payment", "/payments/reconciliation", null), (HttpMethod.Put, "payment", "/payments/simulator", """{"mode":"ok"}"""),
            (HttpMethod.Put, "trade", "/trades/none/resolve", """{"outcome":"refunded"}"""),
        ];
        foreach (var (method, app, path, body) in routes)
        {
            var refused = await town.Town.Send(method, path, body, app, ("Authorization", $"Bearer {town.Issuer.Token("eve")}"));
            Assert.Equal((path, 403, "forbidden"), (path, (int)refused.Code, refused.Problem));
            var nobody = await town.Town.Send(method, path, body, app);
            Assert.Equal((path, 401, "not-signed-in"), (path, (int)nobody.Code, nobody.Problem));
            var may = await town.Town.Send(method, path, body, app, ("Authorization", $"Bearer {town.Issuer.Token("boss", claims => claims["roles"] = "operator")}"));
            Assert.True((int)may.Code is 200 or 204 or 404, $"{path}: {may.Code} {may.Body}");
        }
    }

    [Fact]
    public async Task Only_the_sidecar_gets_into_a_service_by_its_own_port()
    {
        using var http = new HttpClient();
        foreach (var (app, path) in new[] { ("payment", $"/payments/{Waiting.Id}"), ("stock", $"/listings/{Waiting.Product}"), ("stock", "/inventories"), ("reservation", "/dapr/config"), ("trade", "/events/ignored"), ("notification", "/deadletters"), ("notification", "/NOTICES/stream/../x"), ("mypage", "/swagger/v1/swagger.json") })
        {
            foreach (var token in new[] { null, "wrong", "" })
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(town.Town.Address(app), path));
                request.Headers.Authorization = new("Bearer", town.Issuer.Token(Waiting.Buyer));
                if (token is not null)
                {
                    request.Headers.TryAddWithoutValidation("dapr-api-token", token);
                }

                Assert.Equal((path, 401), (path, (int)(await http.SendAsync(request)).StatusCode));
            }
        }

        Assert.Equal(200, (int)(await http.GetAsync(new Uri(town.Town.Address("stock"), "/healthz"))).StatusCode);
    }

    private async Task<string> Said(string user, HttpMethod method, string route, string id)
    {
        object? body = route switch
        {
            _ when method == HttpMethod.Get => null,
            _ when method == HttpMethod.Post && route.EndsWith("/pictures", StringComparison.Ordinal) => Photo(),
            _ when route.EndsWith("/dispute", StringComparison.Ordinal) => """{"reason":"x"}""",
            "/inventories/{0}" => """{"price":1,"description":"now mine"}""",
            _ => "{}",
        };
        var answer = await town.As(user, method, string.Format(System.Globalization.CultureInfo.InvariantCulture, route, id), body);
        return $"{(int)answer.Code} {TraceId().Replace($"{answer.Body?.ToJsonString()}", "")}".Replace(id, "", StringComparison.Ordinal);
    }

    [GeneratedRegex("\"traceId\":\"[^\"]*\"")]
    private static partial Regex TraceId();
}
