using Xunit;

namespace SecondhandTrade.UnitTests.Chart;

/// <summary>The chart, as it would reach a cluster, under every kind of values that makes a difference.</summary>
public sealed class ChartTests
{
    private const string Safe = """
        image: {registry: ghcr.io/town, tag: 1.2.3}
        secrets: {apiToken: town-api-token, appToken: town-app-token}

        """;

    private const string Oidc = "auth: {mode: oidc, authority: 'https://login.example', audience: town}\n";

    private const string Open = "auth: {mode: open, openToEveryone: true}\n";

    private const string Trial = Safe + Open + "redis: {passwordSecret: town-redis}\ntrial: {enabled: true}\n";

    private const string Outside = Safe + Oidc + """
        redis: {passwordSecret: town-redis, address: 'redis.example:6380', tls: true}
        kafka: {brokers: 'k1.example:9093,k2.example:9093', username: town, passwordSecret: town-kafka}

        """;

    private static readonly Dictionary<string, string> Ways = new()
    {
        ["a trial"] = Trial,
        ["Kafka and Redis outside, sign-in on"] = Outside,
        ["outside, from known addresses, Kafka without a password"] = Safe + Oidc + """
            redis: {passwordSecret: town-redis, address: 'redis.example:6379', peers: [{ipBlock: {cidr: 10.0.0.0/24}}]}
            kafka: {brokers: 'k1.example:9092', authType: none, tls: false, peers: [{ipBlock: {cidr: 10.0.1.0/24}}]}
            """,
        ["scaled by lag"] = Outside + "scaling: {keda: {enabled: true}}\n",
        ["a trial scaled by lag"] = Trial + "scaling: {keda: {enabled: true}}\n",
        ["watched"] = Outside + "telemetry: {otlp: 'otel-collector.monitoring:4317', podMonitor: true, rules: true, dashboards: true, labels: {release: prometheus}}\n",
        ["no ingress, nobody scrapes"] = Outside + "ingress: {enabled: false}\ntelemetry: {scrapeFrom: []}\n",
        ["an ingress with a name and a certificate"] = Outside + "ingress: {host: town.example, tlsSecret: town-tls, annotations: {a.b/c: d}}\n",
        ["an ingress with a certificate and no name"] = Outside + "ingress: {tlsSecret: town-tls}\n",
        ["a long way to stop"] = Trial + "shutdown: {block: 20, drain: 30, app: 60, margin: 10}\n",
        ["helm test with a token"] = Outside + "test: {tokenSecret: town-test}\n",
        ["a ninth service"] = Trial + """
            services:
              map: {store: false, public: "", callers: {}, direct: [], settings: {}}
              gateway: {callers: {map: {/reserves: ["*"]}}}

            """,
    };

    public static TheoryData<string> WayNames => [.. Ways.Keys];

    public static TheoryData<string> RuleNames => [.. ChartRule.All.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(WayNames))]
    public void Every_rule_holds(string way)
    {
        var chart = Helm.Render(Ways[way]);
        Assert.NotEmpty(chart.Services);
        Assert.Empty(ChartRule.All.SelectMany(rule => rule.Offenders(chart).Select(who => $"{rule.Name}: {who}")));
    }

    [Theory]
    [MemberData(nameof(WayNames))]
    public void Helms_own_linter_has_nothing_against_it(string way) => Assert.Empty(Helm.Lint(Ways[way]));

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void A_rule_finds_who_offends_against_it_and_no_other_does(string name)
    {
        var chart = Helm.Render(Trial);
        ChartRule.All.Single(rule => rule.Name == name).Break(chart);
        Assert.Equal([name], ChartRule.All.Where(rule => rule.Offenders(chart).Any()).Select(rule => rule.Name));
    }

    [Theory]
    [InlineData("image.registry is empty", "image: {registry: ''}")]
    [InlineData("image.tag is empty or latest", "image: {tag: ''}")]
    [InlineData("image.tag is empty or latest", "image: {tag: latest}")]
    [InlineData("anyone may act as anyone", "auth: {mode: open}")]
    [InlineData("without auth.authority or auth.audience", "auth: {audience: ''}")]
    [InlineData("not an https address", "auth: {authority: 'http://login.example'}")]
    [InlineData("secrets.apiToken is empty", "secrets: {apiToken: ''}")]
    [InlineData("secrets.appToken is empty", "secrets: {appToken: ''}")]
    [InlineData("redis.passwordSecret is empty", "redis: {passwordSecret: ''}")]
    [InlineData("kafka.brokers or redis.address is empty", "kafka: {brokers: ''}")]
    [InlineData("kafka.brokers or redis.address is empty", "redis: {address: ''}")]
    [InlineData("without kafka.username or kafka.passwordSecret", "kafka: {passwordSecret: ''}")]
    [InlineData("kafka.authType is none", "kafka: {authType: none}")]
    [InlineData("choose one", "trial: {enabled: true}")]
    [InlineData("which is no service", "services: {stock: {direct: [nobody]}}")]
    [InlineData("scaling.max is less than scaling.min", "scaling: {min: 3, max: 2}")]
    [InlineData("schema", "trial: {enable: true}")]
    [InlineData("schema", "auth: {mode: none}")]
    [InlineData("schema", "services: {Stock: {}}")]
    public void Unsafe_or_unknown_values_are_refused_with_a_sentence(string says, string change)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, change);
        try
        {
            Assert.Contains(says, Helm.Refusal(Outside, "-f", file), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void The_services_are_the_apps_of_the_run_file()
    {
        var apps = Rendered.Read(Repository.Read("dapr.yaml")).All.Single().Items("apps").Select(a => a.Text("appID")!);
        var values = Rendered.Read(Repository.Read("deploy", "helm", "values.yaml")).All.Single().Keys("services");
        Assert.Equal(apps.Order(StringComparer.Ordinal), values.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_charts_components_are_the_canonical_files_themselves() => Assert.Equal(
        Repository.Files("components", "*.yaml").Select(f => (Path.GetFileName(f), $"../../../{f}")),
        Directory.EnumerateFiles(Repository.PathOf("deploy", "helm", "components")).Order(StringComparer.Ordinal).Select(f => (Path.GetFileName(f), new FileInfo(f).LinkTarget!)));

    [Fact]
    public void A_changed_deadline_rolls_the_pods_of_its_service_and_no_others()
    {
        var (before, after) = (Helm.Render(Trial), Helm.Render(Trial + "services: {reservation: {settings: {Terms__PayWithin: '00:20:00'}}}\n"));
        Assert.Equal("00:20:00", after.One("ConfigMap", "reservation").Text("data", "Terms__PayWithin"));
        Assert.Equal(["reservation"], after.Services.Where(d => d.At("spec", "template").Flat() != before.One("Deployment", d.Name()).At("spec", "template").Flat()).Select(d => d.Name()));
    }

    [Theory]
    [InlineData("components/config.yaml", "samplingRate: \"1\"", "samplingRate: \"0.5\"", "gateway mypage notification payment reservation stock trade web")]
    [InlineData("components/pubsub.yaml", "value: 3.6.0", "value: 3.7.0", "mypage notification payment reservation stock trade")]
    [InlineData("components/resiliency-payment.yaml", "payment: 2s", "payment: 3s", "reservation trade")]
    [InlineData("components/subscriptions-stock.yaml", "/events/ignored", "/events/all", "stock")]
    [InlineData("values.yaml", "reservation: {/listings/*: [GET]}", "reservation: {/listings/*: [GET, PUT]}", "stock")]
    public void A_changed_resource_of_Daprs_rolls_the_pods_whose_sidecars_read_it_and_no_others(string file, string from, string to, string rolled)
    {
        var (before, after) = (Helm.Render(Trial), Helm.RenderChanged(Trial, file, from, to));
        Assert.Equal(rolled.Split(' '), after.Services.Where(d => d.At("spec", "template").Flat() != before.One("Deployment", d.Name()).At("spec", "template").Flat()).Select(d => d.Name()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_reads_from_Kafka_is_scaled_by_the_topics_it_subscribes_to()
    {
        var chart = Helm.Render(Ways["scaled by lag"]);
        foreach (var scaler in chart.Of("ScaledObject"))
        {
            var topics = chart.Of("Subscription").Where(s => s.Words("scopes").Contains(scaler.Name())).Select(s => s.Text("spec", "topic"));
            var triggers = scaler.Items("spec", "triggers").Where(t => t.Text("type") == "kafka").ToList();
            Assert.Equal(topics.Order(StringComparer.Ordinal), triggers.Select(t => t.Text("metadata", "topic")));
            Assert.All(triggers, t => Assert.Equal(scaler.Name(), t.Text("metadata", "consumerGroup")));
        }

        Assert.Equal(["gateway", "web"], chart.Of("HorizontalPodAutoscaler").Select(s => s.Name()));
    }

    [Fact]
    public void Kafka_of_a_trial_is_found_by_its_full_name_from_any_namespace()
    {
        var chart = Helm.Render(Ways["a trial scaled by lag"] + "dapr: {clusterDomain: cluster.town}\n");
        var kafka = "kafka.town.svc.cluster.town:9092";
        Assert.Equal(kafka, chart.One("Component", "pubsub").Items("spec", "metadata").Single(m => m.Text("name") == "brokers").Text("value"));
        Assert.Equal([kafka], chart.Of("ScaledObject").SelectMany(s => s.Items("spec", "triggers")).Where(t => t.Text("type") == "kafka").Select(t => t.Text("metadata", "bootstrapServers")).Distinct());
        Assert.Equal($"TOWN://{kafka}", chart.Containers.Single(c => c.Name == "kafka/kafka").Container.Items("env").Single(e => e.Text("name") == "KAFKA_ADVERTISED_LISTENERS").Text("value"));
    }

    [Theory]
    [InlineData("https://login.example/realms/town", "443")]
    [InlineData("https://login.example:8443/realms/town", "8443")]
    [InlineData("https://login2", "443")]
    [InlineData("https://[2001:db8::10]", "443")]
    [InlineData("https://[2001:db8::10]:8443", "8443")]
    public void The_network_lets_services_out_to_the_port_of_the_sign_in_server(string authority, string port)
    {
        var chart = Helm.Render(Outside.Replace("https://login.example", authority, StringComparison.Ordinal));
        var elsewhere = chart.One("NetworkPolicy", "control-plane").Items("spec", "egress").Where(e => e.At("to") is null);
        Assert.Equal([port], elsewhere.SelectMany(e => e.Items("ports")).Select(p => p.Text("port")));
    }

    [Fact]
    public void Passwords_of_components_are_named_and_never_said()
    {
        var secrets = Helm.Render(Outside).Of("Component").SelectMany(c => c.Items("spec", "metadata")).Where(m => m.Text("name")!.Contains("assword", StringComparison.Ordinal)).ToList();
        Assert.Equal(["town-kafka", "town-redis"], secrets.Select(m => m.Text("secretKeyRef", "name")).Order(StringComparer.Ordinal));
        Assert.All(secrets, m => Assert.Null(m.At("value")));
    }

    [Fact]
    public void The_pages_alone_are_given_what_the_sign_in_server_knows_them_by()
    {
        var chart = Helm.Render(Outside.Replace(Oidc, "auth: {mode: oidc, authority: 'https://login.example:8443', audience: town, clientId: pages, clientSecret: town-pages}\n", StringComparison.Ordinal));
        var given = chart.Containers.SelectMany(c => c.Container.Items("env").Where(e => e.Text("name")!.StartsWith("Auth__Client", StringComparison.Ordinal)).Select(e => (c.Name, e.Text("name"), e.Text("value") ?? e.Text("valueFrom", "secretKeyRef", "name"))));
        Assert.Equal([("web/app", "Auth__ClientId", "pages"), ("web/app", "Auth__ClientSecret", "town-pages")], given);
        Assert.Contains("8443", chart.One("NetworkPolicy", "control-plane").Items("spec", "egress").SelectMany(e => e.Items("ports")).Select(p => p.Text("port")));
    }

    [Fact]
    public void Metrics_are_scraped_from_sidecars_and_services_by_the_apps_names()
    {
        var chart = Helm.Render(Ways["watched"]);
        var services = chart.One("PodMonitor", "services");
        Assert.Equal(("app.kubernetes.io/name", "http", "/metrics"), (services.Text("spec", "jobLabel"), services.Text("spec", "podMetricsEndpoints", "0", "port"), services.Text("spec", "podMetricsEndpoints", "0", "path")));
        Assert.Equal(chart.One("NetworkPolicy", "metrics").At("spec", "podSelector").Flat(), services.At("spec", "selector").Flat());
        var apart = chart.One("PodMonitor", "public");
        Assert.Equal(("app.kubernetes.io/name", "metrics", "/metrics"), (apart.Text("spec", "jobLabel"), apart.Text("spec", "podMetricsEndpoints", "0", "port"), apart.Text("spec", "podMetricsEndpoints", "0", "path")));
        Assert.Equal(chart.One("NetworkPolicy", "metrics-of-public").At("spec", "podSelector").Flat(), apart.At("spec", "selector").Flat());
        Assert.Equal("dapr-metrics", chart.One("PodMonitor", "sidecars").Text("spec", "podMetricsEndpoints", "0", "port"));
        Assert.All(chart.Services, d => Assert.Equal(d.Name(), d.Text("spec", "template", "metadata", "labels", "app.kubernetes.io/name")));
        Assert.NotEmpty(chart.Of("PrometheusRule"));

        // By this label a Prometheus of kube-prometheus-stack knows what is for it.
        Assert.All(chart.Of("PodMonitor", "PrometheusRule"), d => Assert.Equal("prometheus", d.Text("metadata", "labels", "release")));
    }

    [Fact]
    public void The_cluster_for_eksctl_has_the_volumes_a_trial_wants()
    {
        var all = Rendered.Read(Repository.Read("deploy", "eks", "cluster.yaml") + "\n---\n" + Repository.Read("deploy", "eks", "storage-class.yaml"));
        var cluster = all.Of("ClusterConfig").Single();
        var storage = all.Of("StorageClass").Single();
        Assert.Contains("aws-ebs-csi-driver", cluster.Items("addons").Select(a => a.Text("name")));
        Assert.Equal(("ebs.csi.aws.com", "gp3", "WaitForFirstConsumer"), (storage.Text("provisioner"), storage.Text("parameters", "type"), storage.Text("volumeBindingMode")));
        Assert.Equal("true", storage.Text("metadata", "annotations", "storageclass.kubernetes.io/is-default-class"));
        Assert.True(Version.Parse(cluster.Text("metadata", "version")!) >= new Version(1, 30));
        Assert.All(cluster.Items("managedNodeGroups"), g => Assert.True(g.Number("minSize") >= 2));
    }
}
