using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.UnitTests;

/// <summary>What is written down twice, in code and in what Dapr reads, says the same.</summary>
public sealed partial class DeployFiles
{
    private const string Ignored = "/events/ignored";

    private static readonly string[] Ports = ["appPort", "daprHTTPPort", "daprGRPCPort"];

    private static readonly Dictionary<string, string> Publishers = new()
    {
        ["stock"] = "StockEvents.cs",
        ["reservations"] = "ReservationEvents.cs",
        ["payments"] = "PaymentEvents.cs",
        ["trades"] = "TradeEvents.cs",
        ["notices"] = "NotificationEvents.cs",
    };

    private static YamlMappingNode Run { get; } = Assert.Single(Documents("dapr.yaml"));

    private static IReadOnlyList<YamlMappingNode> Apps { get; } = [.. At(Run, "apps").AllOf()];

    private static IReadOnlyList<string> AppIds { get; } = [.. Apps.Select(a => Text(a, "appID")!)];

    private static IReadOnlyList<YamlMappingNode> Components { get; } = [.. Repository.Files("components", "*.yaml").SelectMany(f => Documents(f))];

    private static IReadOnlyList<Subscription> Subscriptions { get; } = [.. Components.Where(c => Text(c, "kind") == "Subscription").Select(c => new Subscription(
        Text(c, "metadata", "name")!,
        Assert.Single(((YamlSequenceNode)At(c, "scopes")!).Select(s => s.ToString())),
        Text(c, "spec", "topic")!,
        Text(c, "spec", "deadLetterTopic"),
        [.. (At(c, "spec", "routes", "rules") as YamlSequenceNode)?.AllOf().Select(r => (Text(r, "match")!, Text(r, "path")!)) ?? []],
        Text(c, "spec", "routes", "default")))];

    public static TheoryData<string> Names => [.. Subscriptions.Select(s => s.Name)];

    public static TheoryData<string> Ids => [.. AppIds];

    [Theory]
    [MemberData(nameof(Ids))]
    public void An_app_has_a_project_that_builds_what_its_command_runs(string id)
    {
        var app = Apps.Single(a => Text(a, "appID") == id);
        var folder = Text(app, "appDirPath")!;
        var project = Assert.Single(Repository.Files(folder, "*.csproj"));
        var assembly = XDocument.Parse(Repository.Read(project)).Descendants("AssemblyName").Single().Value;
        var command = ((YamlSequenceNode)At(app, "command")!).Select(c => c.ToString()).ToList();
        Assert.Equal(["dotnet", $"bin/Debug/net10.0/{assembly}.dll"], command);
        Assert.Equal($"http://localhost:{Text(app, "appPort")}", Text(app, "env", "ASPNETCORE_URLS"));
        if (AddServiceDefaults().Match(string.Concat(Repository.Files(folder, "Program.cs").Select(f => Repository.Read(f)))) is { Success: true } town)
        {
            Assert.Equal(id, town.Groups["context"].Value);
        }
    }

    [Fact]
    public void The_local_runner_builds_every_app_that_it_starts()
    {
        var built = XDocument.Parse(Repository.Read("deploy", "local", "Local.csproj")).Descendants("ProjectReference").Attributes("Include").Select(path => path.Value.Replace("../../", "", StringComparison.Ordinal));
        Assert.Equal(Apps.Select(a => Assert.Single(Repository.Files(Text(a, "appDirPath")![2..], "*.csproj"))).Order(), built.Order());
    }

    [Fact]
    public void A_sidecars_api_is_not_open_to_the_network() => Assert.Equal("127.0.0.1", Text(Run, "common", "apiListenAddresses"));

    [Fact]
    public void No_two_ports_are_the_same()
    {
        var ports = Apps.SelectMany(a => Ports.Select(p => Text(a, p))).ToList();
        Assert.DoesNotContain(null, ports);
        Assert.Equal(ports.Count, ports.Distinct().Count());
        Assert.Equal(AppIds.Count, AppIds.Distinct().Count());
    }

    [Fact]
    public void A_context_publishes_on_the_topic_whose_events_are_its_own()
    {
        var contexts = new Dictionary<string, string> { ["stock"] = "stock", ["reservation"] = "reservations", ["payment"] = "payments", ["trade"] = "trades", ["notification"] = "notices" };
        foreach (var (context, topic) in contexts)
        {
            var folder = Text(Apps.Single(a => Text(a, "appID") == context), "appDirPath")!;
            var town = AddServiceDefaults().Match(Repository.Read(folder, "Program.cs"));
            Assert.Equal((context, topic), (town.Groups["context"].Value, town.Groups["topic"].Value));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_subscription_is_of_one_app_has_a_default_route_and_dead_letters(string name)
    {
        var subscription = Subscriptions.Single(s => s.Name == name);
        Assert.Contains(subscription.App, AppIds);
        Assert.StartsWith("/events/", subscription.Default, StringComparison.Ordinal);
        if (subscription.Dead is { } whose)
        {
            // Where dead letters are kept there is nowhere further to send them.
            Assert.Contains(whose, AppIds);
            Assert.Null(subscription.DeadLetterTopic);
            Assert.Equal($"/events/dead/{whose}", subscription.Default);
        }
        else
        {
            Assert.Equal($"{subscription.App}-dead", subscription.DeadLetterTopic);
            Assert.Contains(subscription.Topic, Publishers.Keys);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_rule_names_an_event_of_its_topic_and_the_route_that_is_named_after_it(string name)
    {
        var subscription = Subscriptions.Single(s => s.Name == name);
        Assert.Equal(subscription.Rules.Count, subscription.Rules.Select(r => r.Match).Distinct().Count());
        foreach (var (match, path) in subscription.Rules)
        {
            var type = Rule().Match(match);
            Assert.True(type.Success, match);
            Assert.Contains(type.Groups["event"].Value, Events(subscription.Topic));
            Assert.Equal($"/events/{Capital().Replace(type.Groups["event"].Value, "-$0").ToLowerInvariant()}", path);
        }
    }

    [Fact]
    public void An_app_subscribes_to_a_topic_once()
    {
        var pairs = Subscriptions.Select(s => (s.App, s.Topic)).ToList();
        Assert.Equal(pairs.Count, pairs.Distinct().Count());
        Assert.Equal(Subscriptions.Count, Subscriptions.Select(s => s.Name).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Every_route_an_app_maps_is_subscribed_and_every_route_subscribed_is_mapped(string id)
    {
        var folder = Text(Apps.Single(a => Text(a, "appID") == id), "appDirPath")!;
        var mapped = Repository.Files(folder, "*Subscriptions.cs").SelectMany(f => Route().Matches(Repository.Read(f)).Select(m => $"/events{m.Groups["route"].Value}"));
        var subscribed = Subscriptions.Where(s => s.App == id && s.Dead is null).SelectMany(s => s.Rules.Select(r => r.Path).Append(s.Default!)).Where(r => r != Ignored);
        Assert.Equal(subscribed.Distinct().Order(StringComparer.Ordinal), mapped.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_an_actor_knows_what_to_do_with_is_delivered_to_it(string id)
    {
        var folder = Text(Apps.Single(a => Text(a, "appID") == id), "appDirPath")!;
        var events = Publishers.Keys.SelectMany(Events).ToHashSet();
        var known = Repository.Files(folder, "*Actor.cs").SelectMany(f => NameOf().Matches(Repository.Read(f)).Select(m => m.Groups["name"].Value)).Where(events.Contains).Distinct();
        var delivered = Subscriptions.Where(s => s.App == id).SelectMany(s => s.Rules).Select(r => Rule().Match(r.Match).Groups["event"].Value);
        Assert.Empty(known.Except(delivered));
    }

    [Fact]
    public void Every_apps_dead_letters_are_heard_by_someone() => Assert.Empty(
        Subscriptions.Select(s => s.DeadLetterTopic).OfType<string>().Distinct().Except(Subscriptions.Select(s => s.Topic)));

    [Fact]
    public void A_context_that_was_never_started_before_hears_everything_from_the_start() => Assert.Equal("oldest", Metadata("pubsub", "initialOffset"));

    [Fact]
    public void The_state_store_keeps_actors_and_is_the_Redis_the_services_use()
    {
        Assert.Equal("true", Metadata("statestore", "actorStateStore"));
        Assert.Equal(Metadata("statestore", "redisHost"), Text(Run, "common", "env", "ConnectionStrings__Redis"));
    }

    [Fact]
    public void Every_alert_says_in_a_sentence_what_to_do()
    {
        var rules = Repository.Files("deploy/helm/alerts", "*.yaml").SelectMany(f => Documents(f)).SelectMany(d => At(d, "groups").AllOf()).SelectMany(g => At(g, "rules").AllOf()).ToList();
        Assert.NotEmpty(rules);
        Assert.Equal(rules.Count, rules.Select(r => Text(r, "alert")).Distinct().Count());
        Assert.All(rules, rule =>
        {
            Assert.EndsWith(".", Text(rule, "annotations", "action"), StringComparison.Ordinal);
            Assert.NotNull(Text(rule, "annotations", "summary"));
            Assert.True(Text(rule, "labels", "severity") is "page" or "ticket");
        });
    }

    [Fact]
    public void An_app_that_is_away_is_missed_whichever_it_is()
    {
        var query = Documents("deploy/helm/alerts/slo.yaml").SelectMany(d => At(d, "groups").AllOf()).SelectMany(g => At(g, "rules").AllOf()).Single(r => Text(r, "alert") == "ServiceGone");
        var missed = Absent().Matches(Text(query, "expr")!).Select(m => m.Groups["app"].Value);
        Assert.Equal(AppIds.Order(StringComparer.Ordinal), missed);
        Assert.Contains($"up{{job=~\"{string.Join('|', missed)}\"}}", Text(query, "expr"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_topics_to_make_in_a_Kafka_outside_are_all_there_are()
    {
        var made = Loop().Match(Repository.Read("deploy", "helm", "README.md")).Groups["topics"].Value.Split(' ');
        Assert.Equal(Publishers.Keys.Concat(Subscriptions.Select(s => s.Topic)).Concat(Subscriptions.Select(s => s.DeadLetterTopic).OfType<string>()).Distinct().Order(StringComparer.Ordinal), made);
    }

    [Fact]
    public void A_query_for_a_bucket_finds_it_with_and_without_the_fraction_that_Prometheus_3_adds() => Assert.All(
        Queries(), file => Assert.DoesNotMatch(BucketByOneSpelling(), Repository.Read(file)));

    // daprd overwrites the gauge of a breaker with that of another path to the same app.
    [Fact]
    public void No_query_reads_the_state_of_a_breaker_from_the_gauge() => Assert.All(
        Queries(), file => Assert.DoesNotContain("dapr_resiliency_cb_state", Repository.Read(file), StringComparison.Ordinal));

    [Fact]
    public void Policies_are_for_apps_and_components_there_are()
    {
        var specs = Components.Where(c => Text(c, "kind") == "Resiliency").Select(c => At(c, "spec")).ToList();
        Assert.Single(specs, spec => Text(spec, "targets", "components", "pubsub", "inbound", "retry") is not null);
        foreach (var spec in specs)
        {
            Assert.Empty(Keys(At(spec, "targets", "apps")).Except(AppIds));
            Assert.Empty(Keys(At(spec, "targets", "components")).Except(Components.Where(c => Text(c, "kind") == "Component").Select(c => Text(c, "metadata", "name")!)));
            foreach (var (use, kind) in new[] { ("timeout", "timeouts"), ("retry", "retries"), ("circuitBreaker", "circuitBreakers") })
            {
                Assert.Empty(Keys(At(spec, "targets", "apps")).Select(app => Text(spec, "targets", "apps", app, use)).OfType<string>().Except(Keys(At(spec, "policies", kind))));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void No_app_has_two_policies_for_one_target_whatever_order_they_are_read_in(string id)
    {
        var targets = Components.Where(c => Text(c, "kind") == "Resiliency" && (At(c, "scopes") is not YamlSequenceNode scopes || scopes.Any(s => s.ToString() == id)))
            .SelectMany(c => Keys(At(c, "spec", "targets", "apps")).Concat(Keys(At(c, "spec", "targets", "components")))).ToList();
        Assert.Equal(targets.Distinct(), targets);
    }

    [Fact]
    public void The_document_of_the_topics_says_who_publishes_and_hears_what()
    {
        var types = WireSamples.Types.ToDictionary(t => t.Name);
        var publishers = AppIds.Select(id => (App: id, Town: AddServiceDefaults().Match(string.Concat(Repository.Files(Text(Apps.Single(a => Text(a, "appID") == id), "appDirPath")!, "Program.cs").Select(f => Repository.Read(f))))))
            .Where(a => a.Town.Success).ToDictionary(a => a.Town.Groups["topic"].Value, a => a.App);

        // An example says of itself what its publisher would.
        Assert.All(Publishers.Keys, topic => Assert.All(Events(topic), e => Assert.StartsWith($"{publishers[topic]}:", WireSamples.Sample(types[e]).Source, StringComparison.Ordinal)));
        var document = TopicsDocument.Of(
            [.. Publishers.Keys.Select(topic => (topic, publishers[topic], (IReadOnlyList<Type>)[.. Events(topic).Select(e => types[e])]))],
            [.. Subscriptions.Where(s => s.Dead is null).OrderBy(s => s.App, StringComparer.Ordinal).ThenBy(s => s.Topic, StringComparer.Ordinal)
                .Select(s => (s.App, s.Topic, s.Default == Ignored ? [.. s.Rules.Select(r => Rule().Match(r.Match).Groups["event"].Value)] : Events(s.Topic)))]);
        Repository.Holds(document, "services", "Contracts", "asyncapi.json");
    }

    private static IEnumerable<string> Queries() => [.. Repository.Files("deploy/helm/alerts", "*.yaml"), .. Repository.Files("deploy/helm/dashboards", "*.json")];

    private static IReadOnlyList<string> Events(string topic) => Publishers.TryGetValue(topic, out var file)
        ? [.. SealedRecord().Matches(Repository.Read("services/Contracts", file)).Select(m => m.Groups["name"].Value)]
        : [];

    private static string? Metadata(string component, string name) =>
        At(Components.Single(c => Text(c, "kind") == "Component" && Text(c, "metadata", "name") == component), "spec", "metadata").AllOf().Where(m => Text(m, "name") == name).Select(m => Text(m, "value")).SingleOrDefault();

    private static IReadOnlyList<YamlMappingNode> Documents(string file)
    {
        var stream = new YamlStream();
        using var text = new StringReader(Repository.Read(file));
        stream.Load(text);
        return [.. stream.Documents.Select(d => d.RootNode).OfType<YamlMappingNode>()];
    }

    private static YamlNode? At(YamlNode? node, params string[] path) => path.Aggregate(node, (at, name) =>
        at is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(name), out var child) ? child : null);

    private static string? Text(YamlNode? node, params string[] path) => (At(node, path) as YamlScalarNode)?.Value;

    private static IEnumerable<string> Keys(YamlNode? node) => (node as YamlMappingNode)?.Children.Keys.Select(k => k.ToString()) ?? [];

    [GeneratedRegex("""AddServiceDefaults\("(?<context>[^"]*)",\s*"(?<topic>[^"]*)""")]
    private static partial Regex AddServiceDefaults();

    [GeneratedRegex("""^event\.type == "(?<event>\w+)"$""")]
    private static partial Regex Rule();

    [GeneratedRegex("""absent\(up\{job="(?<app>[^"]+)"\}\)""")]
    private static partial Regex Absent();

    [GeneratedRegex("for topic in (?<topics>[^;]+); do")]
    private static partial Regex Loop();

    [GeneratedRegex("""\ble=\\?"[0-9]""")]
    private static partial Regex BucketByOneSpelling();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex Capital();

    [GeneratedRegex("\"(?<route>/[^\"]+)\"")]
    private static partial Regex Route();

    [GeneratedRegex(@"nameof\((?:Contracts\.)?(?<name>\w+)\)")]
    private static partial Regex NameOf();

    [GeneratedRegex(@"public sealed record (?<name>\w+)")]
    private static partial Regex SealedRecord();

    private sealed record Subscription(string Name, string App, string Topic, string? DeadLetterTopic, IReadOnlyList<(string Match, string Path)> Rules, string? Default)
    {
        /// <summary>The app whose dead letters these are, if they are.</summary>
        public string? Dead => Topic.EndsWith("-dead", StringComparison.Ordinal) ? Topic[..^5] : null;
    }
}

internal static class Yaml
{
    public static IEnumerable<YamlMappingNode> AllOf(this YamlNode? node) => (node as YamlSequenceNode)?.OfType<YamlMappingNode>() ?? [];
}
