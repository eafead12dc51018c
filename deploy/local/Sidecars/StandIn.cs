using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>The stand-in for Dapr: all sidecars in one process, with a shared broker.</summary>
public sealed class StandIn : IAsyncDisposable
{
    private readonly WebApplication host;
    private readonly IConnectionMultiplexer redis;
    private readonly StandInContext shared;

    private StandIn(WebApplication host, IConnectionMultiplexer redis, StandInContext shared) => (this.host, this.redis, this.shared) = (host, redis, shared);

    public IReadOnlyList<Sidecar> Sidecars => shared.Sidecars;

    public Broker Broker => shared.Broker;

    /// <summary>The lag of each consumer group.</summary>
    public IReadOnlyList<ConsumerLag> Lags => shared.Groups.Lags;

    /// <summary>True when no call is in flight and every message for a connected app has been processed.</summary>
    public bool IsIdle
    {
        get
        {
            // Work that began and ended during this check may have published a message, so the count must be unchanged.
            var begun = shared.WorkTracker.Begun;
            return shared.WorkTracker.IsIdle && shared.Groups.CaughtUp && shared.WorkTracker.IsIdle && begun == shared.WorkTracker.Begun;
        }
    }

    /// <summary>True when all outstanding work waits for a timer, such as a retry, or for work that does.</summary>
    public bool IsWaitingForClock => shared.WorkTracker.IsWaitingForClock();

    /// <summary>How many calls are queued for an actor.</summary>
    public int WaitingForActorLock => shared.WorkTracker.Queued;

    /// <summary>The first sidecar of that app id.</summary>
    public Sidecar Sidecar(string appId) =>
        Sidecars.FirstOrDefault(s => s.AppId == appId) ?? throw new ArgumentException($"No app is called '{appId}'.", nameof(appId));

    /// <summary>Loads the resources and starts listening on all sidecar ports; apps are connected afterwards, one by one.</summary>
    public static async Task<StandIn> StartAsync(StandInOptions options, CancellationToken ct = default)
    {
        var resources = Resources.Load(options.ResourcesPaths, options.ConfigFile);
        var logging = options.Logging ?? NullLoggerFactory.Instance;
        var redis = await ConnectAsync(options.Redis);
        var tracker = new WorkTracker();
        var broker = new Broker(options.DataDirectory, options.Partitions, options.Clock);
        var groups = new ConsumerGroups(broker, options.DataDirectory, tracker, options.Clock, logging.CreateLogger("Broker"));
        var shared = new StandInContext(options.Clock, broker, groups, tracker, logging, redis, resources);
        var ports = new BoundPorts();
        try
        {
            var sidecars = new List<Sidecar>();
            foreach (var sidecar in options.Sidecars)
            {
                sidecars.Add(new Sidecar(sidecar, ports.Reserve(sidecar.HttpPort, $"{sidecar.AppId}, HTTP"), ports.Reserve(sidecar.GrpcPort, $"{sidecar.AppId}, gRPC"), shared));
            }

            shared.Sidecars = sidecars;
            await shared.Reminders.LoadAsync(sidecars.Select(s => s.AppId));
            var host = Build(shared, ports, logging);
            await host.StartAsync(ct);
            return new StandIn(host, redis, shared);
        }
        catch
        {
            ports.Dispose();
            await shared.Reminders.DisposeAsync();
            await groups.DisposeAsync();
            broker.Dispose();
            await redis.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in Sidecars)
        {
            await sidecar.DisposeAsync();
        }

        await shared.Reminders.DisposeAsync();
        await host.DisposeAsync();
        await shared.Groups.DisposeAsync();
        shared.Broker.Dispose();
        await redis.DisposeAsync();
    }

    private static WebApplication Build(StandInContext shared, BoundPorts ports, ILoggerFactory logging)
    {
        var byPort = shared.Sidecars.SelectMany(s => new[] { (Port: s.HttpPort, Sidecar: s, IsGrpc: false), (Port: s.GrpcPort, Sidecar: s, IsGrpc: true) }).ToDictionary(p => p.Port);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logging);
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(shared);
        builder.Services.AddSingleton<HttpApi>();
        GrpcApi.Add(builder.Services, ApiCall.MaxBody);
        builder.Services.Configure<SocketTransportOptions>(o => o.CreateBoundListenSocket = ports.SocketFor);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Go's server also reads up to 256 KiB that the handler left; a client that is still sending would not see the response.
            kestrel.Limits.MaxRequestBodySize = ApiCall.MaxBody + (256 << 10);
            // The limits of Kestrel are those of all sidecars; each one's own is checked in HttpApi.
            var headers = Math.Max(32 << 10, shared.Sidecars.Max(s => s.Options.ReadBufferSize) + HttpApi.HeaderSlack);
            kestrel.Limits.MaxRequestBufferSize = Math.Max(1 << 20, headers);
            kestrel.Limits.MaxRequestLineSize = headers;
            kestrel.Limits.MaxRequestHeadersTotalSize = headers;
            kestrel.Limits.MaxRequestHeaderCount = headers;
            // Slow transfers through a sidecar are up to the two apps.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            foreach (var endPoint in ports.EndPoints)
            {
                kestrel.Listen(endPoint, listen => listen.Protocols = byPort[endPoint.Port].IsGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1);
            }
        });

        var app = builder.Build();
        var http = app.Services.GetRequiredService<HttpApi>();
        app.Use((context, next) =>
        {
            var (_, sidecar, isGrpc) = byPort[context.Connection.LocalPort];
            if (!isGrpc)
            {
                return http.HandleAsync(context, sidecar);
            }

            context.Items[typeof(Sidecar)] = sidecar;
            return next(context);
        });
        app.UseRouting();
        GrpcApi.Map(app);
        return app;
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(string address)
    {
        var options = ConfigurationOptions.Parse(address);
        options.AbortOnConnectFail = true;
        options.ConnectTimeout = 5000;
        try
        {
            return await ConnectionMultiplexer.ConnectAsync(options);
        }
        catch (RedisConnectionException e)
        {
            throw new LocalRunnerException($"No Redis answers at {address}; start it or correct the address ({e.Message}).", e);
        }
    }
}
