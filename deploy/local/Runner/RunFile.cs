namespace SecondhandTrade.Local;

/// <summary>A multi-app run file (dapr.yaml), with the common section merged into the apps and all paths absolute.</summary>
public sealed record RunFile(string Path, string Name, IReadOnlyList<string> ResourcesPaths, string? ConfigFile, IReadOnlyList<RunApp> Apps)
{
    public string Directory => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The ports of apps with replicas, by app id; the replica proxy listens on them.</summary>
    public IReadOnlyDictionary<int, string> ReplicaPorts { get; init; } = new Dictionary<int, string>();

    /// <summary>The nearest dapr.yaml in a directory or above it.</summary>
    public static string Find(string from)
    {
        for (var directory = new DirectoryInfo(from); directory is not null; directory = directory.Parent)
        {
            var file = System.IO.Path.Combine(directory.FullName, "dapr.yaml");
            if (File.Exists(file))
            {
                return file;
            }
        }

        throw new LocalRunnerException($"There is no dapr.yaml in {from} or above it; start from inside the repository or pass --file.");
    }

    /// <summary>Reads a run file as the Dapr CLI does, except that unknown and unsupported keys are errors; all errors are reported at once, one per line.</summary>
    public static RunFile Load(string file)
    {
        file = System.IO.Path.GetFullPath(file);
        if (!File.Exists(file))
        {
            throw new LocalRunnerException($"There is no run file {file}; pass another one with --file.");
        }

        return RunFileReader.Read(file, File.ReadAllText(file));
    }
}

/// <summary>One app of the run file; a port of 0 means any free port, except for <see cref="Port"/>, where it means that the app does not listen.</summary>
public sealed record RunApp(string Id, string Directory, IReadOnlyList<string> Command)
{
    public int Port { get; init; }
    public int HttpPort { get; init; }
    public int GrpcPort { get; init; }
    public int MetricsPort { get; init; }

    /// <summary>Its ports by their keys in the run file.</summary>
    public IReadOnlyList<(string Key, int Port)> Ports => [("appPort", Port), ("daprHTTPPort", HttpPort), ("daprGRPCPort", GrpcPort), ("metricsPort", MetricsPort)];

    public string ChannelAddress { get; init; } = "127.0.0.1";

    /// <summary>Maximum concurrent calls from the sidecar to the app; -1 = unlimited.</summary>
    public int MaxConcurrency { get; init; } = -1;

    /// <summary>Maximum bytes of the headers of a request to the sidecar; null = daprd's default.</summary>
    public int? ReadBufferSize { get; init; }

    /// <summary>Health check options; null when the health check is not enabled.</summary>
    public AppHealthOptions? Health { get; init; }

    /// <summary>Environment variables: those under common, overridden by the app's own.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();
}
