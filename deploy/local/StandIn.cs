using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>Every sidecar of a town in one process, with the broker between them.</summary>
public sealed class StandIn : IAsyncDisposable
{
    private const int MaxBody = 4 << 20;

    private readonly WebApplication host;
    private readonly IConnectionMultiplexer redis;
    private readonly Town town;

    private StandIn(WebApplication host, IConnectionMultiplexer redis, Town town) => (this.host, this.redis, this.town) = (host, redis, town);

    public IReadOnlyList<Sidecar> Sidecars => town.Sidecars;

    public Broker Broker => town.Broker;

    /// <summary>How far behind each consumer group is.</summary>
    public IReadOnlyList<ConsumerLag> Lags => town.Groups.Lags;

    /// <summary>True when no call is in flight and every message for a connected app has been answered.</summary>
    public bool IsIdle
    {
        get
        {
            // Something that began and ended while we looked may have left a message behind: look again then.
            var begun = town.Works.Begun;
            return town.Works.None && town.Groups.CaughtUp && town.Works.None && begun == town.Works.Begun;
        }
    }

    /// <summary>True when nothing goes on before the clock does: all that is outstanding waits for a retry, or for one who does.</summary>
    public bool IsWaitingForClock => town.Works.OnlyTheClockCanHelp();

    /// <summary>How many calls wait for their turn at an actor.</summary>
    public int WaitingForTurn => town.Works.Queued;

    /// <summary>The first sidecar of that app id.</summary>
    public Sidecar Sidecar(string appId) =>
        Sidecars.FirstOrDefault(s => s.AppId == appId) ?? throw new ArgumentException($"No app is called '{appId}'.", nameof(appId));

    /// <summary>Reads the resources, takes the ports and answers on them when this returns; apps are connected afterwards, one by one.</summary>
    public static async Task<StandIn> StartAsync(StandInOptions options, CancellationToken ct = default)
    {
        var resources = Resources.Load(options.ResourcesPaths, options.ConfigFile);
        var logging = options.Logging ?? NullLoggerFactory.Instance;
        var redis = await ConnectAsync(options.Redis);
        var works = new Works();
        var broker = new Broker(options.DataDirectory, options.Partitions, options.Clock);
        var groups = new ConsumerGroups(broker, options.DataDirectory, works, options.Clock, logging.CreateLogger("Broker"));
        var town = new Town(options.Clock, broker, groups, works, logging, redis, resources);
        var ports = new BoundPorts();
        try
        {
            var sidecars = new List<Sidecar>();
            foreach (var sidecar in options.Sidecars)
            {
                sidecars.Add(new Sidecar(sidecar, ports.Take(sidecar.HttpPort, $"{sidecar.AppId}, HTTP"), ports.Take(sidecar.GrpcPort, $"{sidecar.AppId}, gRPC"), town));
            }

            town.Sidecars = sidecars;
            await town.Reminders.LoadAsync(sidecars.Select(s => s.AppId));
            var host = Build(town, ports, logging);
            await host.StartAsync(ct);
            return new StandIn(host, redis, town);
        }
        catch
        {
            ports.Dispose();
            await town.Reminders.DisposeAsync();
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

        await town.Reminders.DisposeAsync();
        await host.DisposeAsync();
        await town.Groups.DisposeAsync();
        town.Broker.Dispose();
        await redis.DisposeAsync();
    }

    private static WebApplication Build(Town town, BoundPorts ports, ILoggerFactory logging)
    {
        var byPort = town.Sidecars.SelectMany(s => new[] { (Port: s.HttpPort, Sidecar: s, IsGrpc: false), (Port: s.GrpcPort, Sidecar: s, IsGrpc: true) }).ToDictionary(p => p.Port);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logging);
        builder.Services.AddLogging();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(town);
        builder.Services.AddSingleton<HttpApi>();
        GrpcApi.Add(builder.Services, MaxBody);
        builder.Services.Configure<SocketTransportOptions>(o => o.CreateBoundListenSocket = ports.Hand);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBody;
            // A slow upload through a sidecar is the business of the two apps.
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
            throw new TownException($"No Redis answers at {address}; start it or correct the address ({e.Message}).", e);
        }
    }
}
