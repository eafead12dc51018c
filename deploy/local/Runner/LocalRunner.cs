using System.Security.Cryptography;

namespace SecondhandTrade.Local;

/// <summary>Runs all apps of a run file with their sidecars and a Redis on this machine, until it is stopped.</summary>
public sealed class LocalRunner(RunFile file, DataDirectory data, ConsoleLines console)
{
    private const string GatewayAppId = "gateway";
    private const string AppTokenName = "APP_API_TOKEN";

    /// <summary>Assigns a free port wherever the run file leaves the sidecar port open.</summary>
    public static RunFile WithPorts(RunFile file)
    {
        var wanted = file.Apps.Sum(app => (app.HttpPort == 0 ? 1 : 0) + (app.GrpcPort == 0 ? 1 : 0) + (app.MetricsPort == 0 ? 1 : 0));
        var free = new Queue<int>(wanted == 0 ? [] : Ports.Free(wanted, PortsOf(file)));
        int Or(int port) => port == 0 ? free.Dequeue() : port;
        // The stand-in serves no metrics, but an app may rely on the DAPR_METRICS_PORT variable.
        return file with { Apps = [.. file.Apps.Select(app => app with { HttpPort = Or(app.HttpPort), GrpcPort = Or(app.GrpcPort), MetricsPort = Or(app.MetricsPort) })] };
    }

    /// <summary>Expands apps into replicas: each gets a free port, and the app's configured port becomes the port of the replica proxy. The first replica keeps the configured sidecar ports.</summary>
    public static RunFile WithReplicas(RunFile file, IReadOnlyDictionary<string, int> replicas)
    {
        foreach (var unknown in replicas.Keys.Where(id => file.Apps.All(app => app.Id != id)))
        {
            throw new LocalRunnerException($"--replicas {unknown}: no app of {file.Path} is called that; the apps are {string.Join(", ", file.Apps.Select(app => app.Id))}.");
        }

        var replicated = file.Apps.Where(app => replicas.GetValueOrDefault(app.Id, 1) > 1).ToList();
        var free = new Queue<int>(Ports.Free(4 * replicas.Values.Sum(), PortsOf(file)));
        return file with
        {
            Apps = [.. file.Apps.SelectMany(app => replicated.Contains(app) ? Enumerable.Range(0, replicas[app.Id]).Select(n => Replica(app, free, first: n == 0)) : [app])],
            ReplicaPorts = replicated.Where(app => app.Port > 0).ToDictionary(app => app.Port, app => app.Id),
        };
    }

    private static IEnumerable<int> PortsOf(RunFile file) =>
        file.Apps.SelectMany(app => app.Ports, (_, own) => own.Port).Concat(file.ReplicaPorts.Keys);

    private static RunApp Replica(RunApp app, Queue<int> free, bool first)
    {
        // An app may read APP_PORT, or a variable of its own (such as ASPNETCORE_URLS) that ends in the port.
        var (was, port) = ($":{app.Port}", free.Dequeue());
        return app with
        {
            Port = app.Port == 0 ? 0 : port,
            HttpPort = first ? app.HttpPort : free.Dequeue(),
            GrpcPort = first ? app.GrpcPort : free.Dequeue(),
            MetricsPort = first ? app.MetricsPort : free.Dequeue(),
            Env = app.Env.ToDictionary(pair => pair.Key, pair => app.Port > 0 && pair.Value.EndsWith(was, StringComparison.Ordinal) ? $"{pair.Value[..^was.Length]}:{port}" : pair.Value),
        };
    }

    /// <summary>Throws a <see cref="LocalRunnerException"/> that lists every app assembly that does not exist.</summary>
    public static void RequireBuilt(RunFile file)
    {
        var missing = file.Apps.SelectMany(app => app.Command.Where(word => word.EndsWith(".dll", StringComparison.Ordinal))
            .Select(dll => Path.GetFullPath(dll, app.Directory)).Where(dll => !File.Exists(dll)).Select(dll => $"  {app.Id}: {dll}")).ToList();
        if (missing.Count > 0)
        {
            throw new LocalRunnerException($"Nothing was started, because these apps are not built:{Environment.NewLine}{string.Join(Environment.NewLine, missing)}{Environment.NewLine}" +
                "Build them with `dotnet build`, or start the runner with `dotnet run` without --no-build.");
        }
    }

    /// <summary>Checks ports and Redis, starts everything, and stops it again on a stop signal.</summary>
    public async Task RunAsync(RedisAddress? outsideRedis, bool clean, int townPort, StopSignals signals)
    {
        var stop = signals.Stop;
        var configured = RedisAddress.FromComponents(file.ResourcesPaths);
        if (outsideRedis is null && !configured.IsHere)
        {
            throw new LocalRunnerException($"The state store's redisHost is {configured}, which is not this machine; write localhost there, or pass --redis {configured}.");
        }

        Ports.RequireFree([
            .. file.Apps.SelectMany(app => new PortNeed[]
            {
                new(app.Port, $"the app {app.Id}"), new(app.HttpPort, $"the HTTP port of {app.Id}'s sidecar"), new(app.GrpcPort, $"the gRPC port of {app.Id}'s sidecar"),
            }).Where(need => need.Port > 0),
            .. file.ReplicaPorts.Select(replicaPort => new PortNeed(replicaPort.Key, $"the replicas of {replicaPort.Value}")),
            new PortNeed(townPort, "the runner's own API (or choose another port with --town-port)"),
            .. outsideRedis is null ? [new PortNeed(configured.Port, "Redis (or use the one that listens there with --redis)")] : Array.Empty<PortNeed>(),
        ]);
        if (outsideRedis is not null)
        {
            await outsideRedis.PingAsync(stop);
        }

        if (clean)
        {
            data.Clean();
        }

        var token = AppToken();
        using var redis = outsideRedis is null ? LocalRedis.Start(data.Redis, configured.Port) : null;
        var address = redis?.Address ?? outsideRedis!.ToString();
        using var logging = LoggerFactory.Create(log => log.SetMinimumLevel(LogLevel.Warning).AddProvider(new ConsoleLinesLogger(console)));
        await using var standIn = await StandIn.StartAsync(new StandInOptions
        {
            Sidecars = [.. file.Apps.Select(app => new SidecarOptions(app.Id)
                { HttpPort = app.HttpPort, GrpcPort = app.GrpcPort, HasApp = app.Port > 0, MaxConcurrency = app.MaxConcurrency, ReadBufferSize = app.ReadBufferSize ?? SidecarOptions.DefaultReadBufferSize, Health = app.Health, AppApiToken = app.Env.GetValueOrDefault(AppTokenName, token), ApiToken = EnvironmentOrNull("DAPR_API_TOKEN") })],
            ResourcesPaths = file.ResourcesPaths,
            ConfigFile = file.ConfigFile,
            Redis = address,
            DataDirectory = data.Sidecars,
            Logging = logging,
        }, stop);

        // An app that connects to Redis directly must use the same instance as its sidecar.
        var apps = file.Apps.Select(app => app with
        {
            Env = RunnerApi.WithOtlpEndpoint(app.Env.Prepend(new(AppTokenName, token)).GroupBy(pair => pair.Key).ToDictionary(pair => pair.Key, pair => pair.Last().Value == configured.ToString() ? address : pair.Last().Value), townPort),
        });
        using var supervisor = new Supervisor(apps, standIn, console);
        await using var api = await RunnerApi.StartAsync(townPort, standIn, supervisor, stop);
        await using var replicaProxy = file.ReplicaPorts.Count == 0 ? null : await ReplicaProxy.StartAsync(file.ReplicaPorts, supervisor, stop);
        signals.OnSecondSignal = supervisor.Kill;
        var running = supervisor.RunAsync(stop);
        console.Say($"Starting {string.Join(", ", file.Apps.Select(app => app.Id))}.");
        await WaitForAll(supervisor, running);
        if (!stop.IsCancellationRequested)
        {
            Announce(outsideRedis, townPort);
        }

        await running;
        console.Say("Closed.");
    }

    // From the environment, as with `dapr run`, or else random: routes that only the sidecar may call are protected here as well.
    private static string AppToken() => EnvironmentOrNull(AppTokenName) ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static string? EnvironmentOrNull(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } given ? given : null;

    private async Task WaitForAll(Supervisor supervisor, Task running)
    {
        var open = Task.WhenAny(supervisor.AllOpen, running);
        while (await Task.WhenAny(open, Task.Delay(TimeSpan.FromSeconds(15))) != open)
        {
            console.Say($"Still waiting: {string.Join("; ", supervisor.NotOpen.Select(app => $"{app.App} ({app.State})"))}.");
        }
    }

    private void Announce(RedisAddress? outsideRedis, int townPort)
    {
        console.Table([
            ["app", "address", "sidecar http", "sidecar grpc", "state"],
            .. file.Apps.Select(app => new[] { app.Id, app.Port > 0 ? $"http://localhost:{app.Port}" : "-", $"{app.HttpPort}", $"{app.GrpcPort}", "open" }),
        ]);
        console.Say(outsideRedis is null ? $"All data is stored in {data.Path}." : $"All data is stored in the Redis at {outsideRedis} and in {data.Path}.");
        var gatewayPorts = file.ReplicaPorts.Where(replicaPort => replicaPort.Value == GatewayAppId).Select(replicaPort => replicaPort.Key).Concat(file.Apps.Where(app => app is { Id: GatewayAppId, Port: > 0 }).Select(app => app.Port)).ToList();
        console.Say($"The town is open{(gatewayPorts is [var gatewayPort, ..] ? $" at http://localhost:{gatewayPort}" : "")}; its state and traces are at http://localhost:{townPort}/town. Press Ctrl-C to stop.");
    }
}
