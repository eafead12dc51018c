using System.Globalization;

namespace SecondhandTrade.Local;

/// <summary>The command-line options.</summary>
public sealed record RunOptions
{
    private const int MaxReplicas = 8;

    public const string Usage = """
        Runs every app of dapr.yaml on this machine ("the town"), each with a local sidecar, and a Redis.

          dotnet run --project deploy/local -- [options]
          dotnet run --project deploy/local -- restart [app] [--town-port PORT]

        restart builds, then restarts the processes of the running town one by one: each finishes its requests and is healthy again
        before the next one is restarted. An app with replicas stays available; one without is unavailable for some seconds.

          --file FILE        the run file (default: the nearest dapr.yaml in this directory or above it)
          --data DIR         where all data is stored (default: .town beside the run file)
          --redis HOST:PORT  use this Redis instead of one inside the runner
          --replicas APP=N   run N replicas of an app (1 to 8), each with its own sidecar; its port balances over them; may be repeated
          --town-port PORT   the port of the runner's own API on localhost (default: 8090); see http://localhost:8090/town
          --clean            delete all stored data before the start
          --check            validate dapr.yaml and the components, and start nothing
          --help             show this text

        Ctrl-C stops everything; stored data is kept for the next start.
        """;

    public string? File { get; init; }
    public string? Data { get; init; }
    public RedisAddress? Redis { get; init; }
    /// <summary>The number of replicas by app id; 1 for apps not listed.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int>();

    public int TownPort { get; init; } = RunnerApi.DefaultPort;
    public bool Clean { get; init; }
    public bool Check { get; init; }
    public bool Help { get; init; }

    /// <summary>Whether to restart the apps of a running town; <see cref="RestartApp"/> is the app, or null for all.</summary>
    public bool Restart { get; init; }
    public string? RestartApp { get; init; }

    /// <summary>Parses the arguments; throws <see cref="LocalRunnerException"/> for invalid ones.</summary>
    public static RunOptions Parse(IReadOnlyList<string> arguments)
    {
        var read = new RunOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var option = arguments[i];
            string Value() => i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal)
                ? arguments[++i]
                : throw new LocalRunnerException($"{option} needs a value; --help shows which.");

            read = option switch
            {
                "restart" when i == 0 => read with { Restart = true, RestartApp = i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal) ? arguments[++i] : null },
                "--file" => read with { File = Value() },
                "--data" => read with { Data = Value() },
                "--redis" => read with { Redis = RedisAddress.Parse(Value(), "--redis") },
                "--replicas" => read with { Replicas = WithReplicas(read.Replicas, Value()) },
                "--town-port" => read with { TownPort = int.TryParse(Value(), out var port) && port is > 0 and <= 65535 ? port : throw new LocalRunnerException("--town-port needs a port, 1 to 65535.") },
                "--clean" => read with { Clean = true },
                "--check" => read with { Check = true },
                "--help" or "-h" => read with { Help = true },
                _ => throw new LocalRunnerException($"'{option}' is not an option of the local runner; --help lists them."),
            };
        }

        if (read.Restart && arguments.Any(option => option.StartsWith("--", StringComparison.Ordinal) && option is not ("--town-port" or "--help")))
        {
            throw new LocalRunnerException("restart takes an app and --town-port, and no other options.");
        }

        if (read is { Check: true, Clean: true } or { Check: true, Redis: not null } or { Check: true, Data: not null } or { Check: true, Replicas.Count: > 0 })
        {
            throw new LocalRunnerException("--check starts nothing and does not access stored data; omit --data, --redis, --replicas and --clean.");
        }

        return read is { Clean: true, Redis: not null }
            ? throw new LocalRunnerException("--clean deletes the data of the runner itself and cannot empty another Redis; empty that one yourself and omit --clean.")
            : read;
    }

    private static Dictionary<string, int> WithReplicas(IReadOnlyDictionary<string, int> before, string asked)
    {
        var parts = asked.Split('=');
        if (parts is not [{ Length: > 0 } app, var number] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var replicas) || replicas is < 1 or > MaxReplicas)
        {
            throw new LocalRunnerException($"'--replicas {asked}' is not an app and a number from 1 to {MaxReplicas}; write it as in --replicas reservation=2.");
        }

        return before.ContainsKey(app) ? throw new LocalRunnerException($"--replicas names {app} twice; pass it once.") : new(before) { [app] = replicas };
    }
}
