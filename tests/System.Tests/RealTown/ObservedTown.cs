using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Google.Protobuf;
using SecondhandTrade.Contracts;
using SecondhandTrade.Local;
using SecondhandTrade.Local.Otlp;
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

    // What a label may say and need not have said while a test looks on.
    private static readonly Dictionary<string, IEnumerable<string>> Possible = new()
    {
        ["town_event"] = typeof(Event).Assembly.GetTypes().Where(type => type.IsSealed && type.IsSubclassOf(typeof(Event))).Select(type => type.Name),
        ["town_status"] = Enum.GetValues<ReserveStatus>().Select(status => JsonSerializer.Serialize(status).Trim('"')),
        ["http_response_status_code"] = ["500"],
    };

    // The gateway's, which it serves on a port of its own.
    private readonly int metricsPort = Ports.Free(1)[0];

    // A process that is killed takes with it what it has not told yet: a click is told of long before its hold is over.
    private readonly WholeTown town;

    public ObservedTown() => town = new(settings: [("Terms__PayWithin", "00:00:12"), ("Terms__Extension", "00:00:00"), ("OTEL_BSP_SCHEDULE_DELAY", "500"), ("Metrics__Port", $"{metricsPort}")]);

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
    public async Task Every_metric_label_and_value_that_a_dashboard_or_an_alert_asks_for_is_one_that_the_town_exposes()
    {
        // Held, cancelled, and the next in the queue promoted; and a page, which asks the services.
        await town.Ask(HttpMethod.Post, "/inventories", new { id = "200", productid = "200", productname = ProductName, qty = 1 });
        await Reserve("5", "200");
        await Reserve("7", "200");
        await town.Ask(HttpMethod.Put, $"/reserves/5/reservecancel?userid={Buyer}");
        await town.Ask(HttpMethod.Get, "/");

        string[] folders = ["dashboards", "alerts"];
        var queries = folders.SelectMany(of => Directory.GetFiles(Path.Combine(TestTown.Root, "deploy", "helm", of))).SelectMany(Queries).ToList();
        Assert.Equal(Daprs.Order(), queries.SelectMany(Metrics).Where(name => name.StartsWith("dapr_", StringComparison.Ordinal)).Distinct().Order());
        var asked = queries.SelectMany(query => Metrics(query).Select(name => new Asked(name)).Concat(Labels(query))).Where(a => !Daprs.Contains(a.Metric)).Distinct().ToList();
        Assert.Contains(new("http_server_request_duration_seconds_count", "gateway", "http_route", "=", "/reserves/{**rest}"), asked);
        Assert.Contains(asked, a => a is { Metric: "town_events_total", Label: "town_promoted" });
        var missing = asked;
        await Eventually.HoldsAsync(async () =>
        {
            var exposed = await Exposed();
            missing = [.. asked.Where(a => !exposed.Any(a.IsOf))];
            return missing.Count == 0;
        }, () => $"someone to expose {string.Join(", ", missing)}");
    }

    [Fact]
    public async Task Metrics_are_for_who_scrapes_and_not_for_who_comes_through_the_gateway()
    {
        Assert.Contains("town_wake_due", await town.Told("/metrics", town.Port("8082")), StringComparison.Ordinal);
        foreach (var path in new[] { "/metrics", "/reserves/../metrics", "/reserves/metrics/", "/v1.0/invoke/reservation/method/metrics" })
        {
            Assert.Equal(System.Net.HttpStatusCode.NotFound, (await town.Ask(HttpMethod.Get, path))!.Code);
        }

        // The gateway's own are on another port, where there is nothing else; who names that port does not come to it.
        Assert.Contains("http_server_request_duration_seconds_count", await town.Told("/metrics", metricsPort), StringComparison.Ordinal);
        using var http = new HttpClient();
        foreach (var path in new[] { "/", "/alive", "/reserves/1", "/inventories" })
        {
            Assert.Equal((path, System.Net.HttpStatusCode.NotFound), (path, (await http.GetAsync($"http://localhost:{metricsPort}{path}")).StatusCode));
        }

        using var pretending = new HttpRequestMessage(HttpMethod.Get, $"http://localhost:{town.Port("8088")}/metrics") { Headers = { Host = $"localhost:{metricsPort}" } };
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await http.SendAsync(pretending)).StatusCode);
    }

    [Fact]
    public async Task What_two_replicas_count_is_added_up_and_of_what_they_both_measure_the_latest_counts()
    {
        await Export("one", 3);
        await Export("two", 4);
        await Export("one", 5);
        string[] told = [.. JsonNode.Parse(await town.Told("/town"))!["metrics"]!.AsArray().Where(m => $"{m!["service"]}" == "played").Select(m => $"{m!["name"]} {m["value"]} {m["count"]}".TrimEnd())];
        Assert.Equal(["counted 9", "measured 5", "timed 9 9"], told);

        async Task Export(string instance, int value)
        {
            using var http = new HttpClient();
            var batch = new Metrics
            {
                ResourceMetrics =
                {
                    new ResourceMetrics
                    {
                        Resource = new() { Attributes = { Attribute("service.name", "played"), Attribute("service.instance.id", instance) } },
                        ScopeMetrics =
                        {
                            new ScopeMetrics
                            {
                                Metrics =
                                {
                                    new Metric { Name = "counted", Sum = new() { DataPoints = { new NumberPoint { AsInt = value } } } },
                                    new Metric { Name = "measured", Gauge = new() { DataPoints = { new NumberPoint { AsDouble = value } } } },
                                    new Metric { Name = "timed", Histogram = new() { DataPoints = { new HistogramPoint { Sum = value, Count = (ulong)value } } } },
                                },
                            },
                        },
                    },
                },
            };
            (await http.PostAsync($"http://localhost:{town.TownPort}/v1/metrics", new ByteArrayContent(batch.ToByteArray()))).EnsureSuccessStatusCode();
        }

        static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new() { StringValue = value } };
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

    private Task<Answer?> Reserve(string id, string product = "100") => town.Ask(
        HttpMethod.Post, "/reserves", new { id, productid = product, userid = Buyer, productname = ProductName, qty = 1, reserveDt = "2099-04-04", address = Address, price = 50000 });

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

    // Every series with its labels; its job and whether it is up are what a scraper adds.
    private async Task<List<Exposition>> Exposed()
    {
        var exposed = new List<Exposition>();
        foreach (var (job, port) in WholeTown.Apps.Where(app => app.Key != "gateway").Select(app => (app.Key, town.Port(app.Value))).Append(("gateway", metricsPort)))
        {
            exposed.Add(new("up", job, []));
            exposed.AddRange(Sample().Matches(await town.Told("/metrics", port)).Select(series => new Exposition(
                series.Groups["name"].Value, job, Label().Matches(series.Groups["labels"].Value).ToDictionary(l => l.Groups["name"].Value, l => l.Groups["value"].Value))));
        }

        return exposed;
    }

    private static IEnumerable<string> Queries(string file) => QueryIn().Matches(File.ReadAllText(file)).Select(m => m.Groups["query"].Value.Replace("\\\"", "\"", StringComparison.Ordinal));

    // What is left of a query without its label matchers, ranges, groupings and functions.
    private static IEnumerable<string> Metrics(string query) =>
        NameInQuery().Matches(NotAName().Replace(query, " ")).Select(m => m.Value).Where(name => name is not ("or" or "and" or "unless"));

    private static IEnumerable<Asked> Labels(string query) =>
        from selector in Selector().Matches(query)
        let labels = Label().Matches(selector.Groups["labels"].Value)
        let job = labels.SingleOrDefault(l => l.Groups["name"].Value == "job" && l.Groups["operator"].Value == "=")?.Groups["value"].Value
        from label in labels
        select new Asked(selector.Groups["name"].Value, job, label.Groups["name"].Value, label.Groups["operator"].Value, label.Groups["value"].Value);

    [GeneratedRegex("""^(?<name>[a-z_]+)(?:\{(?<labels>(?:[^}"]|"[^"]*")*)\}| )""", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex("""(?<name>[a-z_]+)\{(?<labels>(?:[^}"]|"[^"]*")*)\}""")]
    private static partial Regex Selector();

    [GeneratedRegex(@"(?<name>[a-z_]+)(?<operator>=~|!=|!~|=)""(?<value>[^""]*)""")]
    private static partial Regex Label();

    [GeneratedRegex("""(?:"expr": "(?<query>(?:[^"\\]|\\.)+)")|(?:expr: (?:>-)?(?<query>[^\n]+(?:\n {10}[^\n]+)*))""")]
    private static partial Regex QueryIn();

    [GeneratedRegex("""\{(?:[^}"]|"[^"]*")*\}|\[[^\]]*\]|\boffset\s+\w+|\b[a-z]+\s+(by|without|on)\s*\([^)]*\)|[a-z_0-9]+\s*(?=\()|\b[0-9.]+\b""")]
    private static partial Regex NotAName();

    [GeneratedRegex("[a-z_]+")]
    private static partial Regex NameInQuery();

    private static List<string> Steps(JsonArray spans) => [.. spans.Select(s => $"{s!["service"]} {s["kind"]} {s["name"]} {s["attributes"]!["town.event"]}".TrimEnd())];

    private sealed record Exposition(string Metric, string Job, Dictionary<string, string> Labels);

    // A metric that a query names, and where it asks for a label, with which value: one that a series has, or may have. A value that is to be left
    // out must be one, too.
    private sealed record Asked(string Metric, string? Job = null, string? Label = null, string? Operator = null, string? Value = null)
    {
        public bool IsOf(Exposition series) => series.Metric == Metric && (Job is null || series.Job == Job)
            && (Label is null or "job" || (series.Labels.TryGetValue(Label, out var value) && Possible.GetValueOrDefault(Label, []).Append(value).Any(Says)))
            && (Label != "job" || Says(series.Job));

        private bool Says(string value) => Operator is "=" or "!=" ? value == Value : Regex.IsMatch(value, $"^(?:{Value})$");
    }
}
