namespace SecondhandTrade.Local;

/// <summary>The whole town on one machine, from the first check to the last light out.</summary>
public sealed class LocalTown(RunFile file, DataDirectory data, ConsoleLines console)
{
    /// <summary>Gives a free port to whoever asked for any.</summary>
    public static RunFile WithPorts(RunFile file)
    {
        var wanted = file.Apps.Sum(app => (app.HttpPort == 0 ? 1 : 0) + (app.GrpcPort == 0 ? 1 : 0) + (app.MetricsPort == 0 ? 1 : 0));
        var free = new Queue<int>(wanted == 0 ? [] : Ports.Free(wanted));
        int Or(int port) => port == 0 ? free.Dequeue() : port;
        // Nobody serves metrics here, but an app may count on the variable being there.
        return file with { Apps = [.. file.Apps.Select(app => app with { HttpPort = Or(app.HttpPort), GrpcPort = Or(app.GrpcPort), MetricsPort = Or(app.MetricsPort) })] };
    }

    /// <summary>Names what is missing when the apps were never built.</summary>
    public static void RequireBuilt(RunFile file)
    {
        var missing = file.Apps.SelectMany(app => app.Command.Where(word => word.EndsWith(".dll", StringComparison.Ordinal))
            .Select(dll => Path.GetFullPath(dll, app.Directory)).Where(dll => !File.Exists(dll)).Select(dll => $"  {app.Id}: {dll}")).ToList();
        if (missing.Count > 0)
        {
            throw new TownException($"Nothing was started, because these apps are not built:{Environment.NewLine}{string.Join(Environment.NewLine, missing)}{Environment.NewLine}" +
                "Build them with `dotnet build`, or start the runner without --no-build.");
        }
    }

    /// <summary>Checks everything, opens the town, and closes it again when <paramref name="signals"/> say so.</summary>
    public async Task RunAsync(RedisAddress? outsideRedis, bool clean, StopSignals signals)
    {
        var stop = signals.Stop;
        var configured = RedisAddress.FromComponents(file.ResourcesPaths);
        if (outsideRedis is null && !configured.IsHere)
        {
            throw new TownException($"The state store's redisHost is {configured}, which is not this machine; write localhost there, or pass --redis {configured}.");
        }

        Ports.RequireFree([
            .. file.Apps.SelectMany(app => new PortNeed[]
            {
                new(app.Port, $"the app {app.Id}"), new(app.HttpPort, $"the HTTP port of {app.Id}'s sidecar"), new(app.GrpcPort, $"the gRPC port of {app.Id}'s sidecar"),
            }).Where(need => need.Port > 0),
            .. outsideRedis is null ? [new PortNeed(configured.Port, "Redis (or use the one there with --redis)")] : Array.Empty<PortNeed>(),
        ]);
        if (outsideRedis is not null)
        {
            await outsideRedis.PingAsync(stop);
        }

        if (clean)
        {
            data.Clean();
        }

        using var redis = outsideRedis is null ? LocalRedis.Start(data.Redis, configured.Port) : null;
        var address = redis?.Address ?? outsideRedis!.ToString();
        using var logging = LoggerFactory.Create(log => log.SetMinimumLevel(LogLevel.Warning).AddProvider(new ConsoleLinesLogger(console)));
        await using var standIn = await StandIn.StartAsync(new StandInOptions
        {
            Sidecars = [.. file.Apps.Select(app => new SidecarOptions(app.Id)
                { HttpPort = app.HttpPort, GrpcPort = app.GrpcPort, AppProtocol = app.Protocol, MaxConcurrency = app.MaxConcurrency })],
            ResourcesPaths = file.ResourcesPaths,
            ConfigFile = file.ConfigFile,
            Redis = address,
            DataDirectory = data.Sidecars,
            Logging = logging,
        }, stop);

        // An app that talks to Redis by itself must find the same one as its sidecar.
        var apps = file.Apps.Select(app => app with { Env = app.Env.ToDictionary(pair => pair.Key, pair => pair.Value == configured.ToString() ? address : pair.Value) });
        using var supervisor = new Supervisor(apps, standIn, console);
        signals.Impatient = supervisor.Kill;
        var running = supervisor.RunAsync(stop);
        console.Say($"Starting {string.Join(", ", file.Apps.Select(app => app.Id))}.");
        await WaitForAll(supervisor, running);
        if (!stop.IsCancellationRequested)
        {
            Announce(outsideRedis);
        }

        await running;
        console.Say("Closed.");
    }

    private async Task WaitForAll(Supervisor supervisor, Task running)
    {
        var open = Task.WhenAny(supervisor.AllOpen, running);
        while (await Task.WhenAny(open, Task.Delay(TimeSpan.FromSeconds(15))) != open)
        {
            console.Say($"Still waiting: {string.Join("; ", supervisor.NotOpen.Select(app => $"{app.App} ({app.State})"))}.");
        }
    }

    private void Announce(RedisAddress? outsideRedis)
    {
        console.Table([
            ["app", "address", "sidecar http", "sidecar grpc", "state"],
            .. file.Apps.Select(app => new[] { app.Id, app.Port > 0 ? $"http://localhost:{app.Port}" : "-", $"{app.HttpPort}", $"{app.GrpcPort}", "open" }),
        ]);
        console.Say(outsideRedis is null ? $"Everything is kept in {data.Path}." : $"Everything is kept in the Redis at {outsideRedis} and in {data.Path}.");
        var door = file.Apps.FirstOrDefault(app => app is { Id: "gateway", Port: > 0 });
        console.Say($"The town is open{(door is null ? "" : $" at http://localhost:{door.Port}")}. Ctrl-C closes it.");
    }
}
