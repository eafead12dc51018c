using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>What real services tell of themselves by OTLP and to who scrapes them; read from the runner, which takes it in.</summary>
public sealed partial class ObservedTown : IAsyncLifetime
{
    private const string Buyer = "buyer-who-is-nobodys-business";
    private const string Address = "서울특별시 비밀구 비밀동 7";
    private const string ProductName = "아무도-몰라야-하는-물건";

    // daprd's own, which are not here to be looked at: of dapr/dapr, pkg/diagnostics. It writes dapr_ before each name and _ for each / in it.
    private static readonly string[] Daprs =
    [
        // resiliency_monitoring.go; that of a breaker has its new state in the label status.
        "dapr_resiliency_activations_total",

        // component_monitoring.go
        "dapr_component_pubsub_ingress_count", "dapr_component_pubsub_egress_count", "dapr_component_state_count",

        // service_monitoring.go
        "dapr_runtime_actor_pending_actor_calls",
    ];

    // A process that is killed takes with it what it has not told yet: a click is told of long before its hold is over.
    private readonly WholeTown town = new(settings: [("Terms__PayWithin", "00:00:12"), ("Terms__Extension", "00:00:00"), ("OTEL_BSP_SCHEDULE_DELAY", "500")]);

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        await town.Open();
        await town.Ask(HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = ProductName, qty = 2 });
    }

    public ValueTask DisposeAsync()
    {
        town.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_reservation_is_one_trace_from_the_click_to_my_page()
    {
        await Reserve("1");
        await Shown("1", "tradeStatusCode", "IN_PROGRESS");

        var missing = new List<string>();
        string[] steps =
        [
            "gateway Server POST /reserves/", "reservation Server POST /reserves", "reservation Server PUT actors/", "reservation Producer publish reservations ReserveHeld",
            "payment Server POST /payments", "payment Producer publish payments PaymentAuthorized", "reservation Producer publish reservations ReserveCompleted",
            "trade Server POST /events/reserve-completed", "trade Internal wake TradeActor", "payment Server POST /payments/{id}/claim", "trade Producer publish trades TradeOpened",
            "notification Server POST /events/reservations", "notification Producer publish notices NoticeCreated", "mypage Server POST /events/reservations", "mypage Server POST /events/trades",
        ];
        await Eventually.HoldsAsync(async () =>
        {
            var told = Steps(await Trace("1"));
            missing = [.. steps.Where(step => !told.Any(t => t.StartsWith(step, StringComparison.Ordinal)))];
            return missing.Count == 0;
        }, () => $"{string.Join(", ", missing)}\n{town.Output}");
    }

    [Fact]
    public async Task A_hold_that_expires_after_its_service_was_killed_goes_on_in_the_trace_it_began_with()
    {
        await town.Ask(HttpMethod.Put, "/v1.0/invoke/payment/method/payments/simulator", new { mode = "decline" }, "3586");
        await Reserve("2");

        // What a process has not told yet dies with it; this is about what it has left to others.
        var click = "";
        await Eventually.HoldsAsync(async () => (click = $"{(await Trace("2")).FirstOrDefault()?["traceId"]}").Length > 0, () => $"the click to be told of\n{town.Output}");
        town.KillService("Reservation");
        await Shown("2", "reserveStatusCode", "EXPIRED");

        List<string> told = [];
        await Eventually.HoldsAsync(async () => (told = Steps(JsonNode.Parse(await town.Told($"/town/traces/{click}"))!.AsArray())).Contains("reservation Producer publish reservations ReserveCanceled")
            && told.Contains("mypage Server POST /events/reservations"), () => $"the end of {string.Join(", ", told)}\n{town.Output}");
    }

    [Fact]
    public async Task Nothing_that_is_told_holds_who_buys_what_or_where_they_meet()
    {
        await Reserve("3");
        await Shown("3", "tradeStatusCode", "IN_PROGRESS");
        await town.Ask(HttpMethod.Get, $"/mypages?userid={Buyer}");
        await town.Ask(HttpMethod.Put, $"/reserves/3/reservecancel?userid={Buyer}");
        await town.Ask(HttpMethod.Put, "/v1.0/invoke/payment/method/payments/simulator", new { mode = "fail" }, "3586");
        await Reserve("4");
        await Eventually.HoldsAsync(async () => Steps(await Trace("4")).Count > 5, () => $"the last call to be told of\n{town.Output}");

        var click = $"{(await Trace("4"))[0]!["traceId"]}";
        await Eventually.HoldsAsync(
            async () => JsonNode.Parse(await town.Told("/town/logs"))!.AsArray().Any(line => $"{line!["service"]} {line["text"]}".StartsWith("reservation Payment gave no answer", StringComparison.Ordinal)
                && $"{line["attributes"]!["Reservation"]}" == "4" && $"{line["traceId"]}" == click),
            () => $"a line about reservation 4 in trace {click}:\n{town.Output}");

        var told = town.Output + await town.Told("/town") + await town.Told("/town/logs");
        foreach (var trace in JsonNode.Parse(await town.Told("/town"))!["traces"]!.AsArray())
        {
            told += await town.Told($"/town/traces/{trace!["traceId"]}");
        }

        // What is looked for would be found: the ids are there.
        Assert.Contains("reservation:100:", told, StringComparison.Ordinal);
        foreach (var secret in new[] { Buyer, Address, ProductName })
        {
            Assert.DoesNotContain(secret, told, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.EscapeDataString(secret), told, StringComparison.Ordinal);
            Assert.DoesNotContain(JsonSerializer.Serialize(secret).Trim('"'), told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_metric_and_label_that_a_dashboard_or_an_alert_names_is_one_that_the_town_exposes()
    {
        await Reserve("5");
        await town.Ask(HttpMethod.Put, $"/reserves/5/reservecancel?userid={Buyer}");
        string[] folders = ["dashboards", "alerts"];
        var queries = folders.SelectMany(of => Directory.GetFiles(Path.Combine(TestTown.Root, "deploy", "helm", of))).SelectMany(Queries).ToList();
        Assert.Equal(Daprs.Order(), queries.SelectMany(Metrics).Where(name => name.StartsWith("dapr_", StringComparison.Ordinal)).Distinct().Order());
        var named = queries.SelectMany(Metrics).Concat(queries.SelectMany(Labels)).Distinct().Where(name => !Daprs.Contains(name.Split('{')[0])).ToHashSet();
        Assert.Contains("http_server_request_duration_seconds_count{http_route=\"/reserves/\"", named);
        Assert.Contains("town_events_total{town_promoted=\"", named);
        await Eventually.HoldsAsync(async () =>
        {
            named.ExceptWith(await Exposed());
            return named.Count == 0;
        }, () => $"someone to expose {string.Join(", ", named)}");
    }

    [Fact]
    public async Task Metrics_are_for_who_scrapes_and_not_for_who_comes_through_the_gateway()
    {
        Assert.Contains("town_wake_due", await town.Told("/metrics", town.Port("8082")), StringComparison.Ordinal);
        foreach (var path in new[] { "/metrics", "/reserves/../metrics", "/reserves/metrics/", "/v1.0/invoke/reservation/method/metrics" })
        {
            Assert.Equal(System.Net.HttpStatusCode.NotFound, (await town.Ask(HttpMethod.Get, path))!.Code);
        }
    }

    [Fact]
    public async Task The_runner_tells_of_every_app_its_sidecar_its_breakers_and_how_far_its_readers_are()
    {
        await Reserve("6");
        await Shown("6", "tradeStatusCode", "IN_PROGRESS");
        town.KillService("Stock");

        var last = "";
        await Eventually.HoldsAsync(async () =>
        {
            var told = JsonNode.Parse(last = await town.Told("/town"))!;
            string Each(string list, Func<JsonNode, string> text) => string.Join(' ', told[list]!.AsArray().Select(one => text(one!)).Order(StringComparer.Ordinal));
            return Each("apps", a => $"{a["id"]}:{a["state"]}:{a["restarts"]}") == "gateway:open:0 mypage:open:0 notification:open:0 payment:open:0 reservation:open:0 stock:open:1 trade:open:0 web:open:0"
                && told["apps"]!.AsArray().All(a => (int)a!["pid"]! > 0 && (int)a["port"]! > 0)
                && told["sidecars"]!.AsArray().Count(s => (bool)s!["ready"]!) == 8
                && Each("breakers", b => $"{b["app"]} {b["about"]} {b["state"]}").Contains("reservation app payment", StringComparison.Ordinal)
                && Each("consumers", c => $"{c["group"]}/{c["topic"]}={c["lag"]}").Contains("mypage/reservations=0", StringComparison.Ordinal)
                && told["metrics"]!.AsArray().Any(m => $"{m!["service"]} {m["name"]}" == "gateway http.server.request.duration");
        }, () => $"the runner to tell it all:\n{last}");
    }

    private Task<Answer?> Reserve(string id) => town.Ask(
        HttpMethod.Post, "/reserves", new { id, productid = "100", userid = Buyer, productname = ProductName, qty = 1, reserveDt = "2099-04-04", address = Address, price = 50000 });

    private Task Shown(string id, string field, string value) => Eventually.HoldsAsync(
        async () => (await town.Ask(HttpMethod.Get, $"/mypages/{id}"))?[field] == value, () => $"my page to say {value} of {id}:\n{town.Output}");

    // The trace in which the reservation was requested.
    private async Task<JsonArray> Trace(string id)
    {
        foreach (var trace in JsonNode.Parse(await town.Told("/town"))!["traces"]!.AsArray().Where(t => $"{t!["name"]}".StartsWith("POST", StringComparison.Ordinal)))
        {
            var spans = JsonNode.Parse(await town.Told($"/town/traces/{trace!["traceId"]}"))!.AsArray();
            if (spans.Any(s => s!["attributes"]!["town.event"]?.ToString() == "ReserveRequested" && s["attributes"]!["town.reservation"]?.ToString() == id))
            {
                return spans;
            }
        }

        return [];
    }

    private async Task<HashSet<string>> Exposed()
    {
        var exposed = new HashSet<string>();
        foreach (var port in new[] { "8082", "8083", "8084", "8085", "8086", "8087", "8089" })
        {
            foreach (Match series in Series().Matches(await town.Told("/metrics", town.Port(port))))
            {
                exposed.Add(series.Groups["name"].Value);
                exposed.UnionWith(LabelsOf(series));
            }
        }

        return exposed;
    }

    private static IEnumerable<string> Queries(string file) => QueryIn().Matches(File.ReadAllText(file)).Select(m => m.Groups["query"].Value.Replace("\\\"", "\"", StringComparison.Ordinal));

    // What is left of a query without its label matchers, ranges, groupings and functions.
    private static IEnumerable<string> Metrics(string query) =>
        NameInQuery().Matches(NotAName().Replace(query, " ")).Select(m => m.Value).Where(name => name is not ("or" or "and" or "unless"));

    private static IEnumerable<string> Labels(string query) => Series().Matches(query).SelectMany(LabelsOf);

    // As name{label="value", and without the value where it is one that need not have come up yet. What scraped it is the scraper's to say.
    // A query leaves open whether Prometheus has added a fraction to the bound of a bucket; the town exposes it without.
    private static IEnumerable<string> LabelsOf(Match series) =>
        from label in Label().Matches(series.Groups["labels"].Value)
        let name = label.Groups["name"].Value
        where name != "job"
        let known = name is "http_route" or "http_request_method" or "le" ? $"{label.Groups["value"].Value.Replace("([.]0)?", "", StringComparison.Ordinal)}\"" : ""
        select $"{series.Groups["name"].Value}{{{name}=\"{known}";

    [GeneratedRegex("""(?<name>[a-z_]+)(?:\{(?<labels>[^}]*)\}| )""")]
    private static partial Regex Series();

    [GeneratedRegex(@"(?<name>[a-z_]+)(?:=~|!=|=)""(?<value>[^""]*)""")]
    private static partial Regex Label();

    [GeneratedRegex("""(?:"expr": "(?<query>(?:[^"\\]|\\.)+)")|(?:expr: (?:>-)?(?<query>[^\n]+(?:\n {10}[^\n]+)*))""")]
    private static partial Regex QueryIn();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|\b[a-z]+\s+(by|without|on)\s*\([^)]*\)|[a-z_0-9]+\s*(?=\()|\b[0-9.]+\b")]
    private static partial Regex NotAName();

    [GeneratedRegex("[a-z_]+")]
    private static partial Regex NameInQuery();

    private static List<string> Steps(JsonArray spans) => [.. spans.Select(s => $"{s!["service"]} {s["kind"]} {s["name"]} {s["attributes"]!["town.event"]}".TrimEnd())];
}
