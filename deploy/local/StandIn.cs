// To be replaced by the sidecars themselves: the least that the runner can be compiled and tested against.
using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

public sealed class TownException(string message) : Exception(message);

public sealed record SidecarOptions(string AppId)
{
    public int HttpPort { get; init; }
    public int GrpcPort { get; init; }
    public string AppProtocol { get; init; } = "http";
    public int MaxConcurrency { get; init; } = -1;
}

public sealed record StandInOptions
{
    public required IReadOnlyList<SidecarOptions> Sidecars { get; init; }
    public required IReadOnlyList<string> ResourcesPaths { get; init; }
    public string? ConfigFile { get; init; }
    public required string Redis { get; init; }
    public required string DataDirectory { get; init; }
    public TimeProvider Clock { get; init; } = TimeProvider.System;
    public ILoggerFactory? Logging { get; init; }
}

public sealed class StandIn : IAsyncDisposable
{
    private readonly List<TcpListener> listeners = [];

    public IReadOnlyList<Sidecar> Sidecars { get; private init; } = [];

    public static Task<StandIn> StartAsync(StandInOptions options, CancellationToken cancellationToken)
    {
        var standIn = new StandIn { Sidecars = [.. options.Sidecars.Select(o => new Sidecar { AppId = o.AppId, HttpPort = o.HttpPort, GrpcPort = o.GrpcPort })] };
        foreach (var port in options.Sidecars.SelectMany(o => new[] { o.HttpPort, o.GrpcPort }))
        {
            var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            standIn.listeners.Add(listener);
        }

        return Task.FromResult(standIn);
    }

    public Sidecar Sidecar(string appId) => Sidecars.Single(s => s.AppId == appId);

    public ValueTask DisposeAsync()
    {
        listeners.ForEach(l => l.Dispose());
        return ValueTask.CompletedTask;
    }
}

public sealed class Sidecar
{
    public required string AppId { get; init; }
    public int HttpPort { get; init; }
    public int GrpcPort { get; init; }
    public bool IsReady { get; private set; }

    public Task ConnectAppAsync(Uri app, CancellationToken cancellationToken)
    {
        IsReady = true;
        return Task.CompletedTask;
    }

    public Task DisconnectAppAsync()
    {
        IsReady = false;
        return Task.CompletedTask;
    }
}
