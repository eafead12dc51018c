namespace SecondhandTrade.Local;

/// <summary>The options of one app's sidecar, as in dapr.yaml.</summary>
public sealed record SidecarOptions(string AppId)
{
    /// <summary>The default of daprd.</summary>
    public const int DefaultReadBufferSize = 4 << 10;

    /// <summary>0 = any free port.</summary>
    public int HttpPort { get; init; }

    /// <summary>0 = any free port.</summary>
    public int GrpcPort { get; init; }

    /// <summary>False for an app without appPort, which does not listen: its sidecar is ready immediately.</summary>
    public bool HasApp { get; init; } = true;

    /// <summary>Maximum concurrent calls to the app; -1 = unlimited.</summary>
    public int MaxConcurrency { get; init; } = -1;

    /// <summary>Maximum bytes of request line and headers of an HTTP request, to which Go's server adds 4 KiB; as readBufferSize in dapr.yaml.</summary>
    public int ReadBufferSize { get; init; } = DefaultReadBufferSize;

    /// <summary>Health check of the app; null = disabled.</summary>
    public AppHealthOptions? Health { get; init; }

    /// <summary>The dapr-api-token required from callers; null = none.</summary>
    public string? ApiToken { get; init; }

    /// <summary>The dapr-api-token sent to the app; null = none.</summary>
    public string? AppApiToken { get; init; }
}

/// <summary>Health check of an app: it is unhealthy after <see cref="Threshold"/> consecutive failed probes.</summary>
public sealed record AppHealthOptions
{
    public string Path { get; init; } = "/healthz";

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(500);

    public int Threshold { get; init; } = 3;
}

/// <summary>The options of a stand-in.</summary>
public sealed record StandInOptions
{
    public required IReadOnlyList<SidecarOptions> Sidecars { get; init; }

    /// <summary>Directories (or files) with components, resiliency and subscriptions.</summary>
    public required IReadOnlyList<string> ResourcesPaths { get; init; }

    public string? ConfigFile { get; init; }

    /// <summary>host:port of the Redis; replaces the redisHost of every state component.</summary>
    public required string Redis { get; init; }

    /// <summary>Where the broker stores its topics and consumer group offsets.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The clock for all waiting: retries, timeouts, circuit breakers, idle actors, reminders.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public ILoggerFactory? Logging { get; init; }

    /// <summary>The number of partitions of a new topic; existing topics keep theirs.</summary>
    public int Partitions { get; init; } = 6;
}
