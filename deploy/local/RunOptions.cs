namespace SecondhandTrade.Local;

/// <summary>What the person at the keyboard asked for.</summary>
public sealed record RunOptions
{
    public const string Usage = """
        Brings the whole town up on this machine: every app of dapr.yaml, a sidecar for each, and a Redis.

          dotnet run --project deploy/local -- [options]

          --file FILE        the run file (default: the nearest dapr.yaml, from here upwards)
          --data DIR         where everything is kept (default: .town beside the run file)
          --redis HOST:PORT  use this Redis instead of one inside the runner
          --clean            forget everything stored before opening
          --check            read dapr.yaml and the components, tell all that is wrong with them, and start nothing
          --help             this text

        Ctrl-C closes the town; what it stored is there again next time.
        """;

    public string? File { get; init; }
    public string? Data { get; init; }
    public RedisAddress? Redis { get; init; }
    public bool Clean { get; init; }
    public bool Check { get; init; }
    public bool Help { get; init; }

    /// <summary>Reads the arguments; one that is not understood is a <see cref="TownException"/>.</summary>
    public static RunOptions Parse(IReadOnlyList<string> arguments)
    {
        var read = new RunOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var option = arguments[i];
            string Value() => i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal)
                ? arguments[++i]
                : throw new TownException($"{option} needs a value; --help shows which.");

            read = option switch
            {
                "--file" => read with { File = Value() },
                "--data" => read with { Data = Value() },
                "--redis" => read with { Redis = RedisAddress.Parse(Value(), "--redis") },
                "--clean" => read with { Clean = true },
                "--check" => read with { Check = true },
                "--help" or "-h" => read with { Help = true },
                _ => throw new TownException($"'{option}' is not an option of the local runner; --help lists them."),
            };
        }

        if (read is { Check: true, Clean: true } or { Check: true, Redis: not null } or { Check: true, Data: not null })
        {
            throw new TownException("--check starts nothing and touches nothing stored; leave --data, --redis and --clean out.");
        }

        return read is { Clean: true, Redis: not null }
            ? throw new TownException("--clean forgets what the runner keeps itself and cannot empty another Redis; empty that one by hand and leave --clean out.")
            : read;
    }
}
