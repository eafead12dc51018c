using System.Globalization;
using System.Net;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.Local;

/// <summary>Parses and validates a run file; see <see cref="RunFile.Load"/>.</summary>
internal sealed class RunFileReader(string file)
{
    private readonly List<string> errors = [];

    private enum ValueKind { Text, Number, Flag, List, Map }

    /// <summary>A key of the run file; an unsupported one (<see cref="Refused"/>) is accepted only with its default value.</summary>
    private sealed record Field(ValueKind Shape, bool Shared = false, string? Refused = null);

    /// <summary>The value of a key; null when it was invalid, which has been reported already.</summary>
    private sealed record Entry(object? Value, int Line)
    {
        // The CLI takes the common value for a zero value, so `false`, 0 and "" are the same as an absent key.
        public bool IsZero => Value is "" or 0 or false or List<string> { Count: 0 } or Dictionary<string, string> { Count: 0 };
    }

    private sealed record AppRead(int Line, RunApp App, IReadOnlyList<string> Resources, string? Config);

    private const string OneMachine = "the local runner's sidecars listen on this machine only";
    private const string AsDaprd = "the local runner's sidecars always use daprd's default";
    private const string PlainHttp = "the local runner's sidecars talk to their apps over plain HTTP";

    private static readonly Dictionary<string, Field> Fields = new()
    {
        ["appDirPath"] = new(ValueKind.Text),
        ["appID"] = new(ValueKind.Text),
        ["appPort"] = new(ValueKind.Number),
        ["command"] = new(ValueKind.List),
        ["daprHTTPPort"] = new(ValueKind.Number),
        ["daprGRPCPort"] = new(ValueKind.Number),
        ["metricsPort"] = new(ValueKind.Number),
        ["appChannelAddress"] = new(ValueKind.Text),
        ["resourcesPaths"] = new(ValueKind.List, Shared: true),
        ["resourcesPath"] = new(ValueKind.Text, Shared: true),
        ["configFilePath"] = new(ValueKind.Text, Shared: true),
        ["env"] = new(ValueKind.Map, Shared: true),
        ["appProtocol"] = new(ValueKind.Text, Shared: true),
        ["appMaxConcurrency"] = new(ValueKind.Number, Shared: true),
        ["enableAppHealthCheck"] = new(ValueKind.Flag, Shared: true),
        ["appHealthCheckPath"] = new(ValueKind.Text, Shared: true),
        ["appHealthProbeInterval"] = new(ValueKind.Number, Shared: true),
        ["appHealthProbeTimeout"] = new(ValueKind.Number, Shared: true),
        ["appHealthThreshold"] = new(ValueKind.Number, Shared: true),
        ["readBufferSize"] = new(ValueKind.Text, Shared: true),
        ["apiListenAddresses"] = new(ValueKind.Text, Shared: true),

        // Accepted and ignored: they configure a daprd process (its logs, profiling, installation directory and internal
        // port) or the placement and scheduler services, none of which exist here.
        ["daprInternalGRPCPort"] = new(ValueKind.Number),
        ["profilePort"] = new(ValueKind.Number),
        ["enableProfiling"] = new(ValueKind.Flag, Shared: true),
        ["logLevel"] = new(ValueKind.Text, Shared: true),
        ["enableApiLogging"] = new(ValueKind.Flag, Shared: true),
        ["daprdLogDestination"] = new(ValueKind.Text, Shared: true),
        ["runtimePath"] = new(ValueKind.Text, Shared: true),
        ["placementHostAddress"] = new(ValueKind.Text, Shared: true),
        ["schedulerHostAddress"] = new(ValueKind.Text, Shared: true),
        // The output of every app is always shown on the console.
        ["appLogDestination"] = new(ValueKind.Text, Shared: true),
        // For Kubernetes only: `dapr run -f` ignores them as well.
        ["containerImage"] = new(ValueKind.Text, Shared: true),
        ["containerImagePullPolicy"] = new(ValueKind.Text, Shared: true),
        ["createService"] = new(ValueKind.Flag, Shared: true),

        // Not supported, and an error when set, because ignoring them would change the behaviour of the apps.
        ["unixDomainSocket"] = new(ValueKind.Text, Shared: true, Refused: "the local runner's sidecars listen on ports, not on sockets"),
        ["appSSL"] = new(ValueKind.Flag, Shared: true, Refused: PlainHttp),
        ["maxBodySize"] = new(ValueKind.Text, Shared: true, Refused: AsDaprd),
    };

    public static RunFile Read(string file, string yaml)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException e)
        {
            throw new LocalRunnerException($"{file}:{e.Start.Line}: this is not YAML: {e.Message.TrimEnd('.')}.");
        }

        var reader = new RunFileReader(file);
        if (stream.Documents is not [{ RootNode: YamlMappingNode root }])
        {
            throw reader.Error(1, "a run file is one YAML document with the keys version and apps");
        }

        var read = reader.Read(root);
        return reader.errors.Count == 0 ? read : throw new LocalRunnerException(string.Join(Environment.NewLine, reader.errors));
    }

    private RunFile Read(YamlMappingNode root)
    {
        var baseDirectory = Path.GetDirectoryName(file)!;
        string name = Path.GetFileName(baseDirectory);
        Dictionary<string, Entry> common = [];
        List<(int Line, Dictionary<string, Entry> Entries)> apps = [];
        foreach (var (key, node) in Pairs(root))
        {
            Try(() =>
            {
                switch (key)
                {
                    case "version" when !1.Equals(Value(key, node, ValueKind.Number)):
                        throw Error(node, "the run file must say 'version: 1'");
                    case "version":
                        break;
                    case "name":
                        name = (string?)Value(key, node, ValueKind.Text) ?? name;
                        break;
                    case "common":
                        common = Entries(Mapping(key, node), inCommon: true);
                        break;
                    case "apps" when node is YamlSequenceNode list:
                        foreach (var app in list)
                        {
                            Try(() => apps.Add((Line(app), Entries(Mapping("apps", app), inCommon: false))));
                        }

                        break;
                    case "apps":
                        throw Error(node, "'apps' must be a list, one entry for each app");
                    default:
                        throw Error(node, $"'{key}' is not a key of a run file; those are version, name, common and apps");
                }
            });
        }

        if (!root.Children.ContainsKey(new YamlScalarNode("version")))
        {
            Report(Line(root), "the run file must say 'version: 1'");
        }

        if (!root.Children.TryGetValue(new YamlScalarNode("apps"), out var listed) || listed is YamlSequenceNode { Children.Count: 0 })
        {
            Report(Line(root), "the run file names no apps; list them under 'apps'");
        }

        List<AppRead> read = [];
        foreach (var (line, entries) in apps)
        {
            Try(() =>
            {
                if (ReadApp(line, entries, common, baseDirectory) is { } app)
                {
                    read.Add(app);
                }
            });
        }

        RequireUnique(read.Select(app => (app.Line, "appID", app.App.Id)));
        RequireUnique(read.SelectMany(app => app.App.Ports.Where(own => own.Port != 0), (app, own) => (app.Line, own.Key, Text(own.Port))));

        var first = read.FirstOrDefault();
        foreach (var other in read.Where(app => !app.Resources.SequenceEqual(first!.Resources) || app.Config != first.Config))
        {
            Report(other.Line, $"app '{other.App.Id}' has different resources or another configuration than '{first!.App.Id}', and the local runner " +
                "uses one set for all apps; specify them under 'common'");
        }

        return new RunFile(file, name, first?.Resources ?? [], first?.Config, [.. read.Select(app => app.App)]);
    }

    /// <summary>Null when a required key was invalid, which has been reported already.</summary>
    private AppRead? ReadApp(
        int line, Dictionary<string, Entry> own, Dictionary<string, Entry> common, string baseDirectory)
    {
        T? Get<T>(string key)
        {
            var entry = own.TryGetValue(key, out var mine) && !mine.IsZero ? mine : common.GetValueOrDefault(key);
            return entry is { IsZero: false, Value: T value } ? value : default;
        }

        int At(string key) => own.TryGetValue(key, out var entry) || common.TryGetValue(key, out entry) ? entry.Line : line;

        int Port(string key)
        {
            var port = Math.Max(Get<int>(key), 0);
            if (port > ushort.MaxValue)
            {
                Report(At(key), $"'{key}' is {port}, but the highest port is 65535");
            }

            return port;
        }

        if (Get<string>("appProtocol") is { } protocol and not "http")
        {
            Report(At("appProtocol"), $"'appProtocol: {protocol}' is not supported by the local runner: {PlainHttp}; use http, or run the apps with `dapr run -f .`");
        }

        var channel = Get<string>("appChannelAddress") ?? "127.0.0.1";
        if (channel is not ("localhost" or "127.0.0.1" or "::1"))
        {
            Report(At("appChannelAddress"), $"'appChannelAddress: {channel}' is not supported by the local runner: {OneMachine}, and so must the apps");
        }

        if (Get<string>("apiListenAddresses") is { } listen && listen.Split(',').Any(address => !IPAddress.TryParse(address, out var one) || !IPAddress.IsLoopback(one)))
        {
            Report(At("apiListenAddresses"), $"'apiListenAddresses: {listen}' is not supported by the local runner: {OneMachine}; write 127.0.0.1 or omit it");
        }

        var readBuffer = Get<string>("readBufferSize") is { } size ? Bytes(size, At("readBufferSize")) : null;
        var health = Get<bool>("enableAppHealthCheck") ? Health(Get<string>("appHealthCheckPath"), Get<int>, At) : null;
        var (port, httpPort, grpcPort, metricsPort) = (Port("appPort"), Port("daprHTTPPort"), Port("daprGRPCPort"), Port("metricsPort"));
        if (Get<string>("appDirPath") is not { } given)
        {
            return own.TryGetValue("appDirPath", out var unread) && unread.Value is null ? null : throw Error(line, "the app has no 'appDirPath'; specify its working directory");
        }

        var directory = RequireExisting(given, baseDirectory, At("appDirPath"), "appDirPath");
        var id = Get<string>("appID") ?? Path.GetFileName(directory.TrimEnd(Path.DirectorySeparatorChar));
        if (Get<List<string>>("command") is not { Count: > 0 } command)
        {
            return own.TryGetValue("command", out var unread) && unread.Value is null
                ? null
                : throw Error(line, $"app '{id}' has no 'command'; specify how to start it, as in [dotnet, bin/Debug/net10.0/Name.dll]");
        }

        var env = new Dictionary<string, string>(Shared<Dictionary<string, string>>(common, "env") ?? []);
        foreach (var (key, value) in Shared<Dictionary<string, string>>(own, "env") ?? [])
        {
            env[key] = value;
        }

        var app = new RunApp(id, directory, command)
        {
            Port = port,
            HttpPort = httpPort,
            GrpcPort = grpcPort,
            MetricsPort = metricsPort,
            ChannelAddress = channel,
            ReadBufferSize = readBuffer,
            Health = health,
            MaxConcurrency = Get<int>("appMaxConcurrency") is > 0 and var most ? most : -1,
            Env = env,
        };
        return new(line, app, Resources(own, directory) ?? Conventional(directory, "resources") ?? Resources(common, baseDirectory)
            ?? Conventional(Home, "components") ?? throw Error(line, $"app '{id}' has no resources; specify their directory under common, resourcesPaths"),
            Config(own, directory) ?? ConventionalConfig(directory) ?? Config(common, baseDirectory) ?? ConventionalConfig(Home));
    }

    // A quantity as in Kubernetes; at most 1 GiB, which no header needs.
    private int? Bytes(string size, int line)
    {
        var digits = size.TrimEnd('i', 'k', 'K', 'M');
        long? unit = size[digits.Length..] switch { "" => 1, "k" => 1000, "Ki" => 1 << 10, "M" => 1_000_000, "Mi" => 1 << 20, _ => null };
        if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number * unit is { } bytes and <= 1 << 30)
        {
            return (int)bytes;
        }

        Report(line, $"'readBufferSize: {size}' is not a number of bytes; write it like 4Ki");
        return null;
    }

    // As in daprd: absent, zero and negative values mean the default.
    private AppHealthOptions Health(string? path, Func<string, int> number, Func<string, int> at)
    {
        var defaults = new AppHealthOptions();
        var health = new AppHealthOptions
        {
            Path = path ?? defaults.Path,
            Interval = number("appHealthProbeInterval") is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : defaults.Interval,
            Timeout = number("appHealthProbeTimeout") is > 0 and var milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : defaults.Timeout,
            Threshold = number("appHealthThreshold") is > 0 and var times ? times : defaults.Threshold,
        };
        if (health.Timeout > health.Interval)
        {
            Report(at("appHealthProbeTimeout"), $"'appHealthProbeTimeout' is {health.Timeout.TotalMilliseconds} ms, longer than the {health.Interval.TotalSeconds} s of 'appHealthProbeInterval'; make it shorter");
        }

        return health;
    }

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static T? Shared<T>(Dictionary<string, Entry> entries, string key) where T : class => entries.GetValueOrDefault(key)?.Value as T;

    private List<string>? Resources(Dictionary<string, Entry> entries, string relativeTo)
    {
        var key = Shared<List<string>>(entries, "resourcesPaths") is { Count: > 0 } ? "resourcesPaths" : "resourcesPath";
        return entries.TryGetValue(key, out var entry) && !entry.IsZero
            ? [.. (entry.Value as List<string> ?? (entry.Value is string one ? [one] : [])).Select(path => RequireExisting(path, relativeTo, entry.Line, key))]
            : null;
    }

    private string? Config(Dictionary<string, Entry> entries, string relativeTo) =>
        entries.TryGetValue("configFilePath", out var entry) && entry is { IsZero: false, Value: string path }
            ? RequireExisting(path, relativeTo, entry.Line, "configFilePath")
            : null;

    private static List<string>? Conventional(string directory, string name) =>
        Path.Combine(directory, ".dapr", name) is var path && Directory.Exists(path) ? [path] : null;

    private static string? ConventionalConfig(string directory) =>
        Path.Combine(directory, ".dapr", "config.yaml") is var path && File.Exists(path) ? path : null;

    private string RequireExisting(string path, string relativeTo, int line, string key)
    {
        var expanded = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Home + path[1..] : path;
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(expanded, relativeTo));
        return Path.Exists(full) ? full : throw Error(line, $"'{key}: {path}' does not exist; it was looked for at {full}");
    }

    private Dictionary<string, Entry> Entries(YamlMappingNode mapping, bool inCommon)
    {
        var entries = new Dictionary<string, Entry>();
        foreach (var (key, node) in Pairs(mapping))
        {
            if (!Fields.TryGetValue(key, out var field))
            {
                var meant = Fields.Keys.FirstOrDefault(known => known.Equals(key, StringComparison.OrdinalIgnoreCase));
                Report(Line(node), $"'{key}' is not a key of a run file; {(meant is null ? "remove or correct it" : $"did you mean '{meant}'?")}");
            }
            else if (inCommon && !field.Shared)
            {
                Report(Line(node), $"'{key}' is not allowed under 'common'; set it for each app");
            }
            else
            {
                entries[key] = new Entry(null, Line(node));
                Try(() => entries[key] = new Entry(Value(key, node, field.Shape) ?? "", Line(node)));
                if (field.Refused is { } because && entries[key] is { Value: not null, IsZero: false })
                {
                    Report(Line(node), $"'{key}' is not supported by the local runner: {because}; remove it, or run the apps with `dapr run -f .`");
                }
            }
        }

        return entries;
    }

    private object? Value(string key, YamlNode node, ValueKind shape) => (shape, node) switch
    {
        (ValueKind.Number, YamlScalarNode { Style: ScalarStyle.Plain } number)
            when int.TryParse(number.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) => parsed,
        (ValueKind.Number, _) => throw Error(node, $"'{key}' must be a whole number"),
        (ValueKind.Flag, YamlScalarNode { Style: ScalarStyle.Plain } flag) when bool.TryParse(flag.Value, out var parsed) => parsed,
        (ValueKind.Flag, _) => throw Error(node, $"'{key}' must be true or false"),
        (ValueKind.Text, YamlScalarNode text) => IsNull(text) ? null : text.Value,
        (ValueKind.Text, _) => throw Error(node, $"'{key}' must be a single string"),
        (ValueKind.List, YamlSequenceNode list) when list.All(item => item is YamlScalarNode) =>
            list.Cast<YamlScalarNode>().Select(item => item.Value ?? "").ToList(),
        (ValueKind.List, _) => throw Error(node, $"'{key}' must be a list of strings"),
        (ValueKind.Map, YamlMappingNode map) when map.All(pair => pair.Value is YamlScalarNode) =>
            Pairs(map).ToDictionary(pair => pair.Key, pair => IsNull((YamlScalarNode)pair.Node) ? "" : ((YamlScalarNode)pair.Node).Value!),
        _ => throw Error(node, $"'{key}' must be a map of strings"),
    };

    private static bool IsNull(YamlScalarNode scalar) => scalar is { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    private YamlMappingNode Mapping(string key, YamlNode node) =>
        node as YamlMappingNode ?? throw Error(node, $"'{key}' must be a map");

    private IEnumerable<(string Key, YamlNode Node)> Pairs(YamlMappingNode mapping) =>
        mapping.Select(pair => (pair.Key as YamlScalarNode)?.Value is { } key ? (key, pair.Value) : throw Error(pair.Key, "a key must be a string"));

    private void RequireUnique(IEnumerable<(int Line, string Key, string Value)> values)
    {
        var seen = new Dictionary<string, (int Line, string Key)>();
        foreach (var (line, key, value) in values)
        {
            if (!seen.TryAdd(value, (line, key)))
            {
                Report(line, $"'{key}: {value}' is taken already, by '{seen[value].Key}' of the app on line {seen[value].Line}; give each its own");
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Line(YamlNode node) => (int)node.Start.Line;

    private LocalRunnerException Error(YamlNode node, string what) => Error(Line(node), what);

    private LocalRunnerException Error(int line, string what) => new($"{file}:{line}: {what}{(what.EndsWith('?') ? "" : ".")}");

    private void Report(int line, string what) => Report(Error(line, what));

    // An error under common is found again for every app, but reported once.
    private void Report(LocalRunnerException error)
    {
        if (!errors.Contains(error.Message))
        {
            errors.Add(error.Message);
        }
    }

    /// <summary>Collects an error and continues, so that it does not hide others.</summary>
    private void Try(Action read)
    {
        try
        {
            read();
        }
        catch (LocalRunnerException mistake)
        {
            Report(mistake);
        }
    }
}
