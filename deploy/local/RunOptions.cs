using System.Globalization;

namespace SecondhandTrade.Local;

/// <summary>What the person at the keyboard asked for.</summary>
public sealed record RunOptions
{
    private const int MostReplicas = 8;

    public const string Usage = """
        Brings the whole town up on this machine: every app of dapr.yaml, a sidecar for each, and a Redis.

          dotnet run --project deploy/local -- [options]
          dotnet run --project deploy/local -- restart [app] [--town-port PORT]

        restart builds, then restarts the processes of the town that runs, one by one: each answers what it has and is back before the
        next one goes. An app with replicas serves all the while; one without is away for some seconds.

          --file FILE        the run file (default: the nearest dapr.yaml, from here upwards)
          --data DIR         where everything is kept (default: .town beside the run file)
          --redis HOST:PORT  use this Redis instead of one inside the runner
          --replicas APP=N   run N processes of an app, each with a sidecar of its own; its port stands for all of them (1 to 8; again for further apps)
          --town-port PORT   where the town tells of itself, for this machine only (default: 8090); see http://localhost:8090/town
          --clean            forget everything stored before opening
          --check            read dapr.yaml and the components, tell all that is wrong with them, and start nothing
          --help             this text

        Ctrl-C closes the town; what it stored is there again next time.
        """;

    public string? File { get; init; }
    public string? Data { get; init; }
    public RedisAddress? Redis { get; init; }
    /// <summary>How many processes of an app there are to be, where it is not one.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int>();

    public int TownPort { get; init; } = RunnerApi.DefaultPort;
    public bool Clean { get; init; }
    public bool Check { get; init; }
    public bool Help { get; init; }

    /// <summary>Whether a town that runs is to be restarted; <see cref="RestartApp"/> is the app, or null for all.</summary>
    public bool Restart { get; init; }
    public string? RestartApp { get; init; }

    /// <summary>Reads the arguments; one that is not understood is a <see cref="LocalRunnerException"/>.</summary>
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
            throw new LocalRunnerException("restart asks a town that runs; it takes an app and --town-port, and nothing else.");
        }

        if (read is { Check: true, Clean: true } or { Check: true, Redis: not null } or { Check: true, Data: not null } or { Check: true, Replicas.Count: > 0 })
        {
            throw new LocalRunnerException("--check starts nothing and touches nothing stored; leave --data, --redis, --replicas and --clean out.");
        }

        return read is { Clean: true, Redis: not null }
            ? throw new LocalRunnerException("--clean forgets what the runner keeps itself and cannot empty another Redis; empty that one by hand and leave --clean out.")
            : read;
    }

    private static Dictionary<string, int> WithReplicas(IReadOnlyDictionary<string, int> before, string asked)
    {
        var parts = asked.Split('=');
        if (parts is not [{ Length: > 0 } app, var number] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var replicas) || replicas is < 1 or > MostReplicas)
        {
            throw new LocalRunnerException($"'--replicas {asked}' is not an app and a number from 1 to {MostReplicas}; write it as in --replicas reservation=2.");
        }

        return before.ContainsKey(app) ? throw new LocalRunnerException($"--replicas names {app} twice; say it once.") : new(before) { [app] = replicas };
    }
}
