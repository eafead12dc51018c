using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>What --check says of a town that is well, and of one with a single thing wrong.</summary>
public sealed class CheckTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("check-").FullName;

    public CheckTests()
    {
        Write("dapr.yaml", """
            version: 1
            common:
              resourcesPaths: [./components]
              configFilePath: ./components/config.yaml
              env:
                ConnectionStrings__Redis: localhost:6379
            apps:
              - {appID: shop, appDirPath: ., command: [a], appPort: 8082, daprHTTPPort: 3582, daprGRPCPort: 4582}
              - {appID: desk, appDirPath: ., command: [a], appPort: 8083, daprHTTPPort: 3583, daprGRPCPort: 4583}
            """);
        Write("components/config.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Configuration
            metadata: {name: town}
            spec: {tracing: {samplingRate: "1"}}
            """);
        Write("components/pubsub.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: pubsub}
            spec:
              type: pubsub.kafka
              version: v1
              metadata:
                - {name: brokers, value: "localhost:9092"}
                - {name: authType, value: none}
                - {name: initialOffset, value: oldest}
            """);
        Write("components/statestore.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: statestore}
            spec:
              type: state.redis
              version: v1
              metadata:
                - {name: redisHost, value: "localhost:6379"}
                - {name: actorStateStore, value: "true"}
            """);
        Write("components/resiliency.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: town}
            spec:
              policies:
                retries:
                  delivery: {policy: constant, duration: 1s, maxRetries: 3}
              targets:
                apps: {shop: {retry: delivery}}
                components: {pubsub: {inbound: {retry: delivery}}}
            """);
        Write("components/subscriptions.yaml", """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: news}
            spec: {pubsubname: pubsub, topic: news, deadLetterTopic: shop-dead, routes: {default: /news}}
            scopes: [shop]
            ---
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: dead}
            spec: {pubsubname: pubsub, topic: shop-dead, routes: {default: /dead}}
            scopes: [desk]
            """);
    }

    public static TheoryData<string, string, string, string> Wrong => new()
    {
        { "dapr.yaml", "appPort: 8082", "appPrt: 8082", "dapr.yaml:8: 'appPrt' is not a key of a run file" },
        { "dapr.yaml", "appPort: 8083", "appPort: 3582", "'appPort: 3582' is taken already" },
        { "dapr.yaml", "daprGRPCPort: 4583", "daprGRPCPort: 6379", "'daprGRPCPort: 6379' of desk is the port of the state store's redisHost" },
        { "dapr.yaml", "appPort: 8083", "appPort: 8083, metricsPort: 3582", "'metricsPort: 3582' is taken already" },
        { "dapr.yaml", "appPort: 8083", "appPort: 8083, metricsPort: 6379", "'metricsPort: 6379' of desk is the port of the state store's redisHost" },
        { "dapr.yaml", "appPort: 8083", "appPort: 8090", "'appPort: 8090' of desk is the port of the runner's own API" },
        { "dapr.yaml", "localhost:6379", "localhost:6380", "desk sets ConnectionStrings__Redis to localhost:6380" },
        { "dapr.yaml", "appPort: 8083", "appPort: 8083, appProtocol: h2c", "dapr.yaml:9: 'appProtocol: h2c' is not supported by the local runner" },
        { "components/config.yaml", "tracing", "trcing", "config.yaml, spec.trcing: 'trcing' is not known here" },
        { "components/pubsub.yaml", "name: initialOffset, value: oldest", "name: consumerGroup, value: own", "'pubsub' does not say initialOffset: oldest" },
        { "components/pubsub.yaml", "value: oldest", "value: newest", "'pubsub' does not say initialOffset: oldest" },
        { "components/pubsub.yaml", "brokers", "broker", "pubsub.kafka has no 'broker'" },
        { "components/pubsub.yaml", "value: none", "value: password", "authType: 'password' is not supported locally" },
        { "components/pubsub.yaml", "pubsub.kafka", "pubsub.rabbitmq", "'pubsub.rabbitmq' is not supported locally" },
        { "components/statestore.yaml", "name: statestore}", "name: statestore}\nscopes: [shp]", "the component 'statestore' is scoped to 'shp'" },
        { "components/statestore.yaml", "name: statestore", "name: pubsub", "the name 'pubsub' is taken by" },
        { "components/resiliency.yaml", "maxRetries", "maxTries", "'maxTries' is not known here" },
        { "components/resiliency.yaml", "metadata: {name: town}", "metadata: {name: town}\nscopes: [shp]", "resiliency.yaml: the resiliency document is scoped to 'shp'" },
        { "components/resiliency.yaml", "apps: {shop", "apps: {shp", "resiliency.yaml: the resiliency target 'apps.shp' is no app of" },
        { "components/resiliency.yaml", "components: {pubsub", "components: {kafka", "resiliency.yaml: the resiliency target 'components.kafka' is no component" },
        { "components/subscriptions.yaml", "topic: news, deadLetterTopic: shop-dead, routes: {default: /news}", "topic: news, deadLetterTopic: shop-dead, routes: {rules: [{match: event.type == \"a\", path: /a}]}", "the subscription to 'news' has no default route" },
        { "components/subscriptions.yaml", "topic: news, deadLetterTopic: shop-dead,", "topic: news,", "shop's subscription to 'news' has no deadLetterTopic" },
        { "components/subscriptions.yaml", "scopes: [shop]", "scopes: [shp]", "the subscription to 'news' is scoped to 'shp'" },
        { "components/subscriptions.yaml", "topic: shop-dead, routes: {default: /dead}}\nscopes: [desk]", "topic: news, deadLetterTopic: shop-dead, routes: {default: /dead}}\nscopes: [shop]", "shop already subscribes to 'news'" },
        { "components/subscriptions.yaml", "pubsubname: pubsub, topic: news", "pubsubname: kafka, topic: news", "shop has no pubsub component 'kafka'" },
        { "components/subscriptions.yaml", "scopes: [shop]", "scope: [shop]", "'scope' is not known here" },
    };

    public static TheoryData<string, string, string> Well => new()
    {
        { "dapr.yaml", "appPort: 8083, ", "" },
        { "dapr.yaml", "daprGRPCPort: 4583", "daprGRPCPort: 0" },
        { "dapr.yaml", "    ConnectionStrings__Redis: localhost:6379", "    Other: localhost:6380" },
        { "components/pubsub.yaml", "name: authType, value: none", "name: authType, value: none}\n    - {name: consumerGroup, value: own" },
        { "components/statestore.yaml", "name: statestore}", "name: statestore}\nscopes: [shop, desk]" },
        { "components/resiliency.yaml", "apps: {shop", "apps: {desk" },
        { "components/resiliency.yaml", "components: {pubsub: {inbound", "components: {statestore: {outbound" },
        { "components/subscriptions.yaml", "routes: {default: /news}", "routes: {rules: [{match: event.type == \"a\", path: /a}], default: /news}" },
        { "components/subscriptions.yaml", "topic: shop-dead, routes: {default: /dead}", "topic: other, deadLetterTopic: desk-dead, routes: {default: /dead}" },
        { "components/subscriptions.yaml", "topic: shop-dead, routes: {default: /dead}", "topic: news, deadLetterTopic: shop-dead, routes: {default: /dead}" },
    };

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void A_town_that_is_well_is_counted_in_one_line()
    {
        var check = ConfigurationCheck.Of(At("dapr.yaml"));

        Assert.Empty(check.Findings);
        Assert.Equal($"No problems in {At("dapr.yaml")}: 2 apps, 2 components, 2 subscriptions.", check.Summary);
    }

    [Fact]
    public void The_repositorys_own_town_is_well() => Assert.Empty(ConfigurationCheck.Of(Path.Combine(TestTown.Root, "dapr.yaml")).Findings);

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_found_and_said_in_one_sentence(string file, string was, string becomes, string said)
    {
        Change(file, was, becomes);

        var findings = ConfigurationCheck.Of(At("dapr.yaml")).Findings;

        Assert.Contains(findings, finding => finding.Contains(said, StringComparison.Ordinal));
        Assert.All(findings, finding => Assert.Matches(@"^[^\n]+[.?]$", finding));
    }

    [Theory]
    [MemberData(nameof(Well))]
    public void What_only_looks_like_it_is_let_be(string file, string was, string becomes)
    {
        Change(file, was, becomes);

        Assert.Empty(ConfigurationCheck.Of(At("dapr.yaml")).Findings);
    }

    [Fact]
    public void A_broker_in_memory_takes_subscriptions_too()
    {
        Write("components/pubsub.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: pubsub}
            spec: {type: pubsub.in-memory, version: v1}
            """);

        Assert.Empty(ConfigurationCheck.Of(At("dapr.yaml")).Findings);
    }

    [Fact]
    public void An_inbound_retry_without_an_end_needs_no_dead_letters()
    {
        Change("components/resiliency.yaml", "maxRetries: 3", "maxRetries: -1");
        Change("components/subscriptions.yaml", "topic: news, deadLetterTopic: shop-dead,", "topic: news,");

        Assert.Empty(ConfigurationCheck.Of(At("dapr.yaml")).Findings);
    }

    [Theory]
    [InlineData("backOffMaxRetries, value: \"5\"")]
    [InlineData("consumeRetryEnabled, value: \"false\"")]
    public void A_broker_that_gives_up_on_a_message_needs_dead_letters_and_finds_them(string setting)
    {
        Change("components/resiliency.yaml", "components: {pubsub: {inbound", "components: {statestore: {outbound");
        Change("components/pubsub.yaml", "{name: authType", $"{{name: {setting}}}\n    - {{name: authType");
        Assert.Empty(ConfigurationCheck.Of(At("dapr.yaml")).Findings);

        Change("components/subscriptions.yaml", "topic: news, deadLetterTopic: shop-dead,", "topic: news,");
        Change("components/subscriptions.yaml", "topic: shop-dead, routes", "topic: other, deadLetterTopic: more-dead, routes");
        Assert.Contains("shop's subscription to 'news' has no deadLetterTopic, and 'pubsub' gives up on a message", Assert.Single(ConfigurationCheck.Of(At("dapr.yaml")).Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_of_the_runner_is_no_problem_where_the_runner_has_another()
    {
        Change("dapr.yaml", "appPort: 8083", "appPort: 8090");
        Assert.Empty(ConfigurationCheck.Of(At("dapr.yaml"), townPort: 8091).Findings);
    }

    [Fact]
    public void A_mistake_in_one_file_does_not_hide_those_in_the_others()
    {
        Change("components/pubsub.yaml", "brokers", "broker");
        Change("components/statestore.yaml", "redisHost", "redisHots");
        Change("components/subscriptions.yaml", "routes: {default: /news}", "rotes: {default: /news}");

        Assert.Equal(["pubsub.yaml", "statestore.yaml", "subscriptions.yaml"], ConfigurationCheck.Of(At("dapr.yaml")).Findings.Select(f => Path.GetFileName(f.Split(',', ':')[0])));
    }

    [Fact]
    public void Every_mistake_in_the_run_file_is_a_finding_of_its_own()
    {
        Change("dapr.yaml", "appPort: 8082", "appPrt: 8082");
        Change("dapr.yaml", "appPort: 8083", "appPort: eight");

        Assert.Equal([$"{At("dapr.yaml")}:8", $"{At("dapr.yaml")}:9"], ConfigurationCheck.Of(At("dapr.yaml")).Findings.Select(f => f[..f.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Fact]
    public void Every_rule_that_is_broken_is_named()
    {
        Change("dapr.yaml", "localhost:6379", "localhost:6380");
        Change("components/pubsub.yaml", "value: oldest", "value: newest");
        Change("components/resiliency.yaml", "apps: {shop", "apps: {shp");
        Change("components/subscriptions.yaml", "scopes: [desk]", "scopes: [dsk]");

        // The Redis once for each of the two apps.
        Assert.Equal(5, ConfigurationCheck.Of(At("dapr.yaml")).Findings.Count);
    }

    [Fact]
    public async Task The_runner_ends_with_0_and_one_line_when_all_is_well()
    {
        using var runner = RunningTown.Start(root, "--check");

        Assert.Equal(0, await runner.Ended());
        Assert.Equal($"No problems in {At("dapr.yaml")}: 2 apps, 2 components, 2 subscriptions.", runner.Output.Trim());
        Assert.False(Directory.Exists(At(".town")));
    }

    [Fact]
    public async Task The_runner_ends_with_1_and_one_line_for_each_finding()
    {
        Change("components/pubsub.yaml", "value: oldest", "value: newest");
        Change("components/subscriptions.yaml", "scopes: [shop]", "scopes: [shp]");

        using var runner = RunningTown.Start(root, "--check", "--file", At("dapr.yaml"));

        Assert.Equal(1, await runner.Ended());
        Assert.Equal(ConfigurationCheck.Of(At("dapr.yaml")).Findings, runner.Output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, ConfigurationCheck.Of(At("dapr.yaml")).Findings.Count);
    }

    private string At(string path) => Path.Combine(root, path);

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        File.WriteAllText(At(path), text);
    }

    private void Change(string path, string was, string becomes)
    {
        var text = File.ReadAllText(At(path));
        Assert.Contains(was, text, StringComparison.Ordinal);
        File.WriteAllText(At(path), text.Replace(was, becomes, StringComparison.Ordinal));
    }
}
