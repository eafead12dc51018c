namespace SecondhandTrade.Local;

/// <summary>One app's sidecar, as dapr.yaml describes it.</summary>
public sealed record SidecarOptions(string AppId)
{
    /// <summary>0 = any free port.</summary>
    public int HttpPort { get; init; }

    /// <summary>0 = any free port.</summary>
    public int GrpcPort { get; init; }

    /// <summary>False for an app that listens nowhere (no appPort): its sidecar is ready at once.</summary>
    public bool HasApp { get; init; } = true;

    /// <summary>How many calls the app is given at once; -1 = no limit.</summary>
    public int MaxConcurrency { get; init; } = -1;

    /// <summary>How the app's health is watched; null = it is not.</summary>
    public AppHealthOptions? Health { get; init; }

    /// <summary>What callers must send as dapr-api-token; null = nothing is asked.</summary>
    public string? ApiToken { get; init; }

    /// <summary>What the app is sent as dapr-api-token; null = nothing.</summary>
    public string? AppApiToken { get; init; }
}

/// <summary>How often an app is asked for its health, and how many times in a row it may fail to answer.</summary>
public sealed record AppHealthOptions
{
    public string Path { get; init; } = "/healthz";

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(500);

    public int Threshold { get; init; } = 3;
}

/// <summary>What a stand-in is started with.</summary>
public sealed record StandInOptions
{
    public required IReadOnlyList<SidecarOptions> Sidecars { get; init; }

    /// <summary>Directories (or files) with components, resiliency and subscriptions.</summary>
    public required IReadOnlyList<string> ResourcesPaths { get; init; }

    public string? ConfigFile { get; init; }

    /// <summary>host:port of the Redis in use; stands for the redisHost of every state component.</summary>
    public required string Redis { get; init; }

    /// <summary>Where the broker keeps its topics and the positions of its readers.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Every wait goes by this clock: retries, time-outs, breakers, idle actors, reminders.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public ILoggerFactory? Logging { get; init; }

    /// <summary>Partitions of a topic that does not exist yet; a topic keeps the number it was made with.</summary>
    public int Partitions { get; init; } = 6;
}
