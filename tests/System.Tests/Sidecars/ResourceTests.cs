using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class ResourceTests(GarnetFixture redis)
{
    [Fact]
    public async Task The_towns_own_components_are_understood()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "dapr.yaml")))
        {
            root = root.Parent!;
        }

        var data = Directory.CreateTempSubdirectory("town").FullName;
        await using (var standIn = await Local.StandIn.StartAsync(new StandInOptions
        {
            Sidecars = [new SidecarOptions("reservation"), new SidecarOptions("trade")],
            ResourcesPaths = [Path.Combine(root.FullName, "components")],
            ConfigFile = Path.Combine(root.FullName, "components", "config.yaml"),
            Redis = redis.Address,
            DataDirectory = data,
        }, TestContext.Current.CancellationToken))
        {
            Assert.All(standIn.Sidecars, s => Assert.True(s is { HttpPort: > 0, GrpcPort: > 0, IsReady: false }));
        }

        Directory.Delete(data, recursive: true);
    }

    [Theory]
    [InlineData("kind: HTTPEndpoint", "kind 'HTTPEndpoint'", Traits = ["Refused", "resources: HTTPEndpoint and other kinds"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.mongodb}", "spec.type: 'state.mongodb'", Traits = ["Refused", "components: types other than the town's"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: redisHots, value: x}]}", "'redisHots'", Traits = ["Refused", "components: metadata the stand-in does not read"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: enableTLS, value: \"true\"}]}", "enableTLS", Traits = ["Refused", "state.redis: TLS, failover, cluster"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: pubsub.kafka, metadata: [{name: brokers, value: b}, {name: authType, value: oidc}]}", "authType", Traits = ["Refused", "pubsub.kafka: authentication"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadat: []}", "'metadat'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: actorStateStore, value: \"true\"}]}", "actorStateStore")]
    [InlineData("kind: Resiliency\nspec: {targets: {apps: {a: {retry: none}}}}", "spec.targets.apps.a.retry")]
    [InlineData("kind: Resiliency\nspec: {policies: {circuitBreakers: {c: {timeout: 5s}}}, targets: {actors: {T: {circuitBreaker: c}}}}", "spec.targets.actors.T.circuitBreakerScope")]
    [InlineData("kind: Resiliency\nspec: {policies: {timeouts: {t: soon}}}", "spec.policies.timeouts.t")]
    public async Task What_is_not_understood_stops_the_start_with_file_and_field(string yaml, string named)
    {
        var error = await Assert.ThrowsAsync<TownException>(() => TestTown.StartAsync(redis.Address, ["a"], yaml));
        Assert.Contains("2.yaml", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rule_that_cannot_be_read_stops_the_start()
    {
        var error = await Assert.ThrowsAsync<TownException>(() => TestTown.StartAsync(redis.Address, ["a"], """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: s}
            spec: {pubsubname: pubsub, topic: t, routes: {rules: [{match: event.type.startsWith("x"), path: /x}]}}
            """));
        Assert.Contains("2.yaml", error.Message, StringComparison.Ordinal);
    }
}
