using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

public sealed class RunFileTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("run-file-").FullName;

    public RunFileTests()
    {
        foreach (var directory in new[] { "components", "other", "apps/order", "apps/trade" })
        {
            Directory.CreateDirectory(Path.Combine(root, directory));
        }

        File.WriteAllText(Path.Combine(root, "components/config.yaml"), "");
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Paths_are_absolute_and_what_is_common_reaches_every_app_unless_it_says_otherwise()
    {
        var file = Load("""
            version: 1
            name: town
            common:
              resourcesPaths: [./components]
              configFilePath: components/config.yaml
              appMaxConcurrency: 4
              env: { A: common, B: common, N: 1, T: true, NONE: }
              logLevel: debug
            apps:
              - appDirPath: ./apps/order/
                command: [dotnet, run]
                env: { B: own }
                appMaxConcurrency: 0
                unixDomainSocket: ""
                appSSL: false
              - appID: trade
                appDirPath: apps/trade
                appPort: 81
                daprHTTPPort: 82
                daprGRPCPort: 83
                metricsPort: 84
                appChannelAddress: localhost
                appProtocol: http
                appMaxConcurrency: 9
                containerImage: trade:1
                command: [dotnet, "run"]
            """);

        Assert.Equal("town", file.Name);
        Assert.Equal([Path.Combine(root, "components")], file.ResourcesPaths);
        Assert.Equal(Path.Combine(root, "components/config.yaml"), file.ConfigFile);
        var order = file.Apps[0];
        Assert.Equal(("order", Path.Combine(root, "apps/order"), 0, 0, 0, 4), (order.Id, order.Directory, order.Port, order.HttpPort, order.GrpcPort, order.MaxConcurrency));
        Assert.Equal(["dotnet", "run"], order.Command);
        Assert.Equal(new Dictionary<string, string> { ["A"] = "common", ["B"] = "own", ["N"] = "1", ["T"] = "true", ["NONE"] = "" }, order.Env);
        var trade = file.Apps[1];
        Assert.Equal((81, 82, 83, 84, "localhost", 9), (trade.Port, trade.HttpPort, trade.GrpcPort, trade.MetricsPort, trade.ChannelAddress, trade.MaxConcurrency));
        Assert.Equal("common", trade.Env["B"]);
    }

    [Theory]
    [InlineData("appHealthCheckPath: /alive, appHealthThreshold: 9", null)]
    [InlineData("enableAppHealthCheck: false, appHealthCheckPath: /alive", null)]
    [InlineData("enableAppHealthCheck: true", "/healthz 5 s 500 ms 3")]
    [InlineData("enableAppHealthCheck: true, appHealthCheckPath: \"\", appHealthProbeInterval: 0, appHealthProbeTimeout: -1, appHealthThreshold: 0", "/healthz 5 s 500 ms 3")]
    [InlineData("enableAppHealthCheck: true, appHealthCheckPath: /alive, appHealthProbeInterval: 2, appHealthProbeTimeout: 2000, appHealthThreshold: 1", "/alive 2 s 2000 ms 1")]
    public void An_apps_health_is_watched_as_daprd_would_where_that_is_asked_for(string keys, string? watched)
    {
        var own = Load($"version: 1\napps: [{{ appDirPath: apps/order, command: [a], resourcesPaths: [../../components], {keys} }}]").Apps[0].Health;
        var common = Load($"version: 1\ncommon: {{ resourcesPaths: [components], {keys} }}\napps: [{{ appDirPath: apps/order, command: [a] }}]").Apps[0].Health;

        Assert.Equal(own, common);
        Assert.Equal(watched, own is null ? null : $"{own.Path} {own.Interval.TotalSeconds} s {own.Timeout.TotalMilliseconds} ms {own.Threshold}");
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("readBufferSize: 16Ki", 16384)]
    [InlineData("readBufferSize: 8192", 8192)]
    [InlineData("readBufferSize: 1M", 1000000)]
    public void A_size_is_read_with_its_unit(string key, int? bytes) =>
        Assert.Equal(bytes, Load($"version: 1\ncommon: {{ resourcesPaths: [components] }}\napps: [{{ appDirPath: apps/order, command: [a], {key} }}]").Apps[0].ReadBufferSize);

    [Fact]
    public void All_mistakes_of_a_file_are_told_at_once_each_in_a_line_of_its_own()
    {
        var refusal = Assert.Throws<LocalRunnerException>(() => Load("""
            version: 2
            nme: town
            common: { resourcesPaths: [components], appProtocol: grpc, appPort: 5 }
            apps:
              - appDirPath: apps/order
                command: a
                appPort: 70000
                appHealthThreshold: many
              - appDirPath: apps/trade
                command: [a]
                appPrt: 80
                appPort: 81
                daprHTTPPort: 81
              - 7
            """));

        string[] said =
        [
            "1: the run file must say", "2: 'nme'", "3: 'appPort' is not allowed under 'common'", "6: 'command' must be a list", "8: 'appHealthThreshold'", "11: 'appPrt'", "14: 'apps'",
            "3: 'appProtocol: grpc'", "7: 'appPort' is 70000", "9: 'daprHTTPPort: 81' is taken",
        ];
        var lines = refusal.Message.Split(Environment.NewLine);
        Assert.Equal(said.Length, lines.Length);
        Assert.All(lines.Zip(said), pair => Assert.StartsWith($"{Path.Combine(root, "dapr.yaml")}:{pair.Second}", pair.First, StringComparison.Ordinal));
    }

    [Fact]
    public void Resources_beside_an_app_go_before_the_common_ones_as_they_do_with_the_CLI()
    {
        Directory.CreateDirectory(Path.Combine(root, "apps/order/.dapr/resources"));

        var file = Load("""
            version: 1
            common: { resourcesPaths: [components] }
            apps: [{ appDirPath: apps/order, command: [a] }]
            """);

        Assert.Equal([Path.Combine(root, "apps/order/.dapr/resources")], file.ResourcesPaths);
    }

    [Fact]
    public void The_repositorys_own_run_file_is_understood()
    {
        var file = RunFile.Load(RunFile.Find(AppContext.BaseDirectory));

        Assert.Contains(file.Apps, app => app is { Id: "gateway", Port: 8088 });
        Assert.All(file.Apps, app => Assert.Equal("/alive", app.Health?.Path));
        Assert.Equal("localhost:6379", RedisAddress.FromComponents(file.ResourcesPaths).ToString());
    }

    [Theory]
    [InlineData("apps: [{ appDirPath: apps/order, command: [a] }]", 1, "version: 1")]
    [InlineData("version: 2\napps: [{ appDirPath: apps/order, command: [a] }]", 1, "version: 1")]
    [InlineData("version: one", 1, "'version' must be a whole number")]
    [InlineData("version: 1", 1, "names no apps")]
    [InlineData("version: 1\napps: {}", 2, "'apps' must be a list")]
    [InlineData("version: 1\nappz: []", 2, "'appz' is not a key")]
    [InlineData("version: 1\napps: ]", 2, "not YAML")]
    [InlineData("- 1", 1, "one YAML document")]
    [InlineData("", 1, "one YAML document")]
    [InlineData("version: 1\ncommon:\n  appPort: 5\napps: []", 3, "'appPort' is not allowed under 'common'")]
    [InlineData("version: 1\ncommon:\n  resourcesPaths: [nowhere]\napps:\n  - { appDirPath: apps/order, command: [a] }", 3, "'resourcesPaths: nowhere' does not exist")]
    public void A_bad_file_is_refused_with_its_line(string yaml, int line, string said) => Refused(yaml, line, said);

    [Theory]
    [InlineData("appPrt: 80", "'appPrt' is not a key")]
    [InlineData("daprHttpPort: 80", "did you mean 'daprHTTPPort'?")]
    [InlineData("appPort: eighty", "'appPort' must be a whole number")]
    [InlineData("appPort: \"80\"", "'appPort' must be a whole number")]
    [InlineData("appPort: 70000", "the highest port is 65535")]
    [InlineData("appPort: [80]", "'appPort' must be a whole number")]
    [InlineData("appSSL: maybe", "'appSSL' must be true or false")]
    [InlineData("appSSL: true", "'appSSL' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: appSSL"])]
    [InlineData("unixDomainSocket: /tmp", "'unixDomainSocket' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: unixDomainSocket"])]
    [InlineData("appHealthCheckPath: [a]", "'appHealthCheckPath' must be a single string")]
    [InlineData("appHealthProbeTimeout: 5001\n    enableAppHealthCheck: true", "'appHealthProbeTimeout' is 5001 ms, longer than the 5 s of 'appHealthProbeInterval'; make it shorter")]
    [InlineData("readBufferSize: many", "'readBufferSize: many' is not a number of bytes; write it like 4Ki")]
    [InlineData("readBufferSize: 0", "'readBufferSize: 0' is not a number of bytes")]
    [InlineData("maxBodySize: 8Mi", "'maxBodySize' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: maxBodySize"])]
    [InlineData("apiListenAddresses: 0.0.0.0", "'apiListenAddresses: 0.0.0.0' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: apiListenAddresses other than loopback"])]
    [InlineData("apiListenAddresses: '127.0.0.1,[::]'", "'apiListenAddresses: 127.0.0.1,[::]' is not supported by the local runner")]
    [InlineData("appProtocol: grpc", "'appProtocol: grpc' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: appProtocol other than http"])]
    [InlineData("appProtocol: h2c", "'appProtocol: h2c' is not supported by the local runner: the local runner's sidecars talk to their apps over plain HTTP; use http, or run the apps with `dapr run -f .`.")]
    [InlineData("appChannelAddress: 10.0.0.1", "'appChannelAddress: 10.0.0.1' is not supported by the local runner", Traits = ["Refused", "dapr.yaml: appChannelAddress of another machine"])]
    [InlineData("env: [A]", "'env' must be a map of strings")]
    [InlineData("env: { A: [1] }", "'env' must be a map of strings")]
    [InlineData("resourcesPaths: components", "'resourcesPaths' must be a list of strings")]
    [InlineData("configFilePath: nowhere.yaml", "'configFilePath: nowhere.yaml' does not exist")]
    [InlineData("appID: [a]", "'appID' must be a single string")]
    public void A_bad_key_of_an_app_is_refused_with_its_line(string key, string said) => Refused($$"""
        version: 1
        common: { resourcesPaths: [components] }
        apps:
          - appDirPath: apps/order
            command: [a]
            {{key}}
        """, 6, said);

    [Theory]
    [InlineData("command: [a]", "has no 'appDirPath'")]
    [InlineData("appDirPath: apps/nobody", "'appDirPath: apps/nobody' does not exist")]
    [InlineData("appDirPath: apps/trade", "app 'trade' has no 'command'")]
    [InlineData("{ appDirPath: apps/order, command: [a] }", "'appID: order' is taken already")]
    [InlineData("{ appDirPath: apps/trade, command: [a], daprGRPCPort: 80 }", "'daprGRPCPort: 80' is taken already, by 'appPort' of the app on line 4")]
    [InlineData("{ appDirPath: apps/trade, command: [a], resourcesPaths: [../../other] }", "has different resources")]
    public void A_bad_second_app_is_refused_with_its_line(string app, string said) => Refused($$"""
        version: 1
        common: { resourcesPaths: [components] }
        apps:
          - { appDirPath: apps/order, command: [a], appPort: 80 }
          - {{app}}
        """, 5, said);

    private RunFile Load(string yaml)
    {
        File.WriteAllText(Path.Combine(root, "dapr.yaml"), yaml);
        return RunFile.Load(Path.Combine(root, "dapr.yaml"));
    }

    private void Refused(string yaml, int line, string said)
    {
        var refusal = Assert.Throws<LocalRunnerException>(() => Load(yaml));
        Assert.StartsWith($"{Path.Combine(root, "dapr.yaml")}:{line}: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
    }
}
