namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>Where a sidecar is found, whoever plays it.</summary>
public sealed record SidecarAddress(int HttpPort, int GrpcPort)
{
    public Uri Http => new($"http://127.0.0.1:{HttpPort}");

    public Uri Grpc => new($"http://127.0.0.1:{GrpcPort}");
}

/// <summary>What a contract test wants to run on.</summary>
public sealed record Setting
{
    /// <summary>App ids; one named twice has two replicas.</summary>
    public required IReadOnlyList<string> Apps { get; init; }

    public required string ResourcesPath { get; init; }

    public string? ConfigFile { get; init; }

    /// <summary>A directory of the test alone.</summary>
    public required string Home { get; init; }

    public string? ApiToken { get; init; }

    public string? AppApiToken { get; init; }

    /// <summary>Seconds between two looks at /healthz of the app; null = nobody looks.</summary>
    public int? HealthEverySeconds { get; init; }

    /// <summary>How many requests an app takes at a time; null = any number.</summary>
    public int? MaxConcurrency { get; init; }

    /// <summary>Bytes of a request's headers that are read, which Go makes 4 KiB more; null = as it is by default.</summary>
    public int? ReadBufferSize { get; init; }

    /// <summary>Whether time passes as it does, where it would else be the test's to give.</summary>
    public bool ByTheWall { get; init; }
}

/// <summary>One of those the same contract is held to.</summary>
public abstract class SidecarTarget
{
    /// <summary>Why this target cannot run here; null when it can.</summary>
    public abstract string? Missing { get; }

    /// <summary>host:port for the redisHost of components.</summary>
    public abstract string Redis { get; }

    /// <summary>host:port for the brokers of components.</summary>
    public abstract string Kafka { get; }

    public abstract Task<TargetRun> StartAsync(Setting setting);
}

/// <summary>A target with its sidecars up.</summary>
public abstract class TargetRun : IAsyncDisposable
{
    public abstract TimeProvider Clock { get; }

    /// <summary>The test's own requests that have no answer yet.</summary>
    public StrongCount Asking { get; } = new();

    public abstract SidecarAddress Sidecar(int index);

    /// <summary>Where the app of a sidecar is to listen; 0 = anywhere.</summary>
    public virtual int AppPort(int index) => 0;

    /// <summary>Tells the sidecar that its app listens, and returns when it works with it, or at once where it is not to be waited for.</summary>
    public abstract Task ConnectAsync(int index, Uri app, bool ready);

    /// <summary>Ends a sidecar's life, as it ends with its app, and starts another one in its place.</summary>
    public abstract Task ForgetAsync(int index);

    /// <summary>Ends every sidecar and starts them anew on what they kept.</summary>
    public abstract Task RestartAsync();

    /// <summary>
    /// Lets up to <paramref name="step"/> pass where time is the test's to give, and otherwise just looks up again. What goes on is waited for first,
    /// unless it is <paramref name="held"/> by the app and only time will end it.
    /// </summary>
    public abstract Task PassAsync(TimeSpan step, Func<bool> enough, bool held);

    public abstract ValueTask DisposeAsync();
}
