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
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: secretstores.local.file, metadata: [{name: secretsFile, value: x}, {name: multiValued, value: \"true\"}]}", "multiValued", Traits = ["Refused", "secretstores.local.file: secrets with several values"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: secretstores.local.file, metadata: [{name: secretsFile, value: nowhere.json}]}", "secretsFile: 'nowhere.json'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: secretstores.hashicorp.vault}", "spec.type: 'secretstores.hashicorp.vault'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: redisHost, secretKeyRef: {name: s}}]}", "redisHost: the secret is kept in '?'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: redisHost, secretKeyRef: {name: s}}]}\nauth: {secretStore: none}", "redisHost: the secret is kept in 'none'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: redisHost, envRef: DAPR_API_TOKEN}]}", "redisHost: 'DAPR_API_TOKEN'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: pubsub.kafka, metadata: [{name: brokers, value: b}, {name: authType, value: none}, {name: consumerID, value: \"{namespace}\"}]}", "consumerID: {namespace}", Traits = ["Refused", "pubsub.kafka: {namespace} in its metadata"])]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadat: []}", "'metadat'")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: [{name: actorStateStore, value: \"true\"}]}", "actorStateStore")]
    [InlineData("kind: Resiliency\nspec: {targets: {apps: {a: {retry: none}}}}", "spec.targets.apps.a.retry")]
    [InlineData("kind: Resiliency\nspec: {policies: {circuitBreakers: {c: {timeout: 5s}}}, targets: {actors: {T: {circuitBreaker: c}}}}", "spec.targets.actors.T.circuitBreakerScope")]
    [InlineData("kind: Resiliency\nspec: {policies: {timeouts: {t: soon}}}", "spec.policies.timeouts.t")]
    [InlineData("kind: Resiliency\nspec: {policies: {timeouts: {t: 1s}}}\n---\nkind: Resiliency\nspec: {policies: {timeouts: {t: 2s}}}", "daprd reads only the first document")]
    [InlineData("kind: Component\nmetadata: {name: x}\nspec: {type: state.in-memory, version: v1}\n---\nkind: Resiliency\nspec: {policies: {timeouts: {t: 2s}}}", "daprd reads only the first document")]
    public async Task What_is_not_understood_stops_the_start_with_file_and_field(string yaml, string named)
    {
        var error = await Assert.ThrowsAsync<LocalRunnerException>(() => TestSidecars.StartAsync(redis.Address, ["a"], yaml));
        Assert.Contains("2.yaml", error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("metadata: {nmae: x}", "metadata.nmae")]
    [InlineData("spec: {tracking: {}}", "spec.tracking")]
    [InlineData("spec: {tracing: {otel: {endpoint: x}}}", "spec.tracing.otel.endpoint")]
    [InlineData("spec: {tracing: {zipkin: {address: x}}}", "spec.tracing.zipkin.address")]
    [InlineData("spec: {metric: {enable: true}}", "spec.metric.enable")]
    [InlineData("spec: {metrics: {http: {increasedCardinalty: true}}}", "spec.metrics.http.increasedCardinalty")]
    [InlineData("spec: {metrics: {workflow: {buckets: []}}}", "spec.metrics.workflow.buckets")]
    [InlineData("spec: {metrics: {rules: [{name: x, lables: []}]}}", "spec.metrics.rules[0].lables")]
    [InlineData("spec: {metrics: {rules: [{name: x, labels: [{name: y, regexp: {}}]}]}}", "spec.metrics.rules[0].labels[0].regexp")]
    [InlineData("spec: {logging: {apiLoging: {}}}", "spec.logging.apiLoging")]
    [InlineData("spec: {logging: {apiLogging: {enable: true}}}", "spec.logging.apiLogging.enable")]
    [InlineData("spec: {features: [{name: x, on: true}]}", "spec.features[0].on")]
    [InlineData("spec: {features: [{name: x}]}\nstatus: {}", "status")]
    public async Task A_configuration_that_says_what_nobody_reads_stops_the_start_with_file_field_and_what_to_do(string yaml, string field)
    {
        var error = await Assert.ThrowsAsync<LocalRunnerException>(() => Configured($"kind: Configuration\n{yaml}"));
        Assert.Contains($"config.yaml, {field}: '{field.Split('.')[^1]}' is not known here; use one of ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task A_configuration_may_say_all_that_daprd_reads_there() => Configured("""
        apiVersion: dapr.io/v1alpha1
        kind: Configuration
        metadata: {name: x, namespace: default, labels: {a: b}, annotations: {a: b}}
        spec:
          tracing: {samplingRate: "1", stdout: false, otel: {protocol: grpc, endpointAddress: x, isSecure: false, headers: [], timeout: 1s}, zipkin: {endpointAddress: x}}
          metrics: {enabled: true, recordErrorCodes: true, http: {increasedCardinality: false, pathMatching: [], excludeVerbs: true}, latencyDistributionBuckets: [1],
            workflow: {latencyDistributionBuckets: [1], latencyDistributionUnits: 1s}, rules: [{name: x, labels: [{name: y, regex: {a: b}}]}]}
          logging: {apiLogging: {enabled: true, obfuscateURLs: true, omitHealthChecks: true}}
          features: [{name: x, enabled: true}]
        """);

    [Fact]
    public async Task A_rule_that_cannot_be_read_stops_the_start()
    {
        var error = await Assert.ThrowsAsync<LocalRunnerException>(() => TestSidecars.StartAsync(redis.Address, ["a"], """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: s}
            spec: {pubsubname: pubsub, topic: t, routes: {rules: [{match: event.type.startsWith("x"), path: /x}]}}
            """));
        Assert.Contains("2.yaml", error.Message, StringComparison.Ordinal);
    }

    private async Task Configured(string yaml)
    {
        var home = Directory.CreateTempSubdirectory("town");
        try
        {
            var file = Path.Combine(home.FullName, "config.yaml");
            await File.WriteAllTextAsync(file, yaml, TestContext.Current.CancellationToken);
            await using var standIn = await Local.StandIn.StartAsync(
                new StandInOptions { Sidecars = [new SidecarOptions("a")], ResourcesPaths = [], ConfigFile = file, Redis = redis.Address, DataDirectory = Path.Combine(home.FullName, "data") }, TestContext.Current.CancellationToken);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
