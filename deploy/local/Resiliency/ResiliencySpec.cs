namespace SecondhandTrade.Local;

/// <summary>A Resiliency document as declared in YAML.</summary>
internal sealed class ResiliencySpec
{
    private const string ActorNotFoundRetries = "DaprBuiltInActorNotFoundRetries";

    // daprd's built-in retry policies; a target may name them, and a document may redefine all but the last.
    private static readonly Dictionary<string, RetrySpec> BuiltIn = new()
    {
        ["DaprBuiltInServiceRetries"] = RetrySpec.EverySecond(3),
        ["DaprBuiltInActorRetries"] = RetrySpec.EverySecond(3),
        [ActorNotFoundRetries] = RetrySpec.EverySecond(5),
    };

    public Dictionary<string, TimeSpan> Timeouts { get; } = [];

    public Dictionary<string, RetrySpec> Retries { get; } = [];

    public Dictionary<string, BreakerSpec> Breakers { get; } = [];

    public Dictionary<string, PolicyNames> Apps { get; } = [];

    public Dictionary<string, PolicyNames> Actors { get; } = [];

    public Dictionary<string, PolicyNames> Inbound { get; } = [];

    public Dictionary<string, PolicyNames> Outbound { get; } = [];

    public static ResiliencySpec Read(Yaml document)
    {
        document.Only("apiVersion", "kind", "metadata", "spec", "scopes");
        var read = new ResiliencySpec();
        var spec = document.Section("spec").Only("policies", "targets");
        var policies = spec["policies"]?.Only("timeouts", "retries", "circuitBreakers");
        foreach (var (name, value) in policies?["timeouts"]?.Fields() ?? [])
        {
            read.Timeouts[name] = value.Duration();
        }

        foreach (var (name, value) in policies?["retries"]?.Fields() ?? [])
        {
            var retry = RetrySpec.Read(value);
            if (name != ActorNotFoundRetries)
            {
                // daprd enforces at least three retries for a built-in policy, and treats -1 (unlimited) as fewer.
                read.Retries[name] = BuiltIn.ContainsKey(name) ? retry with { MaxRetries = Math.Max(3, retry.MaxRetries) } : retry;
            }
        }

        foreach (var (name, value) in policies?["circuitBreakers"]?.Fields() ?? [])
        {
            read.Breakers[name] = BreakerSpec.Read(value);
        }

        var targets = spec["targets"]?.Only("apps", "actors", "components");
        foreach (var (name, value) in targets?["apps"]?.Fields() ?? [])
        {
            read.Apps[name] = read.Names(value.Only("timeout", "retry", "circuitBreaker", "circuitBreakerCacheSize"));
        }

        foreach (var (name, value) in targets?["actors"]?.Fields() ?? [])
        {
            read.Actors[name] = read.Names(value.Only("timeout", "retry", "circuitBreaker", "circuitBreakerScope", "circuitBreakerCacheSize"));
            if (value["circuitBreaker"] is not null && value["circuitBreakerScope"]?.Text() is not ("type" or "id" or "both"))
            {
                throw new LocalRunnerException($"{value.Where}.circuitBreakerScope: a circuit breaker for actors needs a scope, and daprd ignores the whole document without it; use type, id or both.");
            }
        }

        foreach (var (name, value) in targets?["components"]?.Fields() ?? [])
        {
            value.Only("inbound", "outbound");
            // A component that is named here gets no default policies, not even for the direction that is left out.
            read.Inbound[name] = Direction(value["inbound"]);
            read.Outbound[name] = Direction(value["outbound"]);
        }

        return read;

        PolicyNames Direction(Yaml? direction) => direction is null ? PolicyNames.None : read.Names(direction.Only("timeout", "retry", "circuitBreaker"));
    }

    /// <summary>Merges documents by name; later ones override earlier ones.</summary>
    public static ResiliencySpec Merge(IEnumerable<ResiliencySpec> all)
    {
        var merged = new ResiliencySpec();
        Copy(BuiltIn, merged.Retries);
        foreach (var one in all)
        {
            Copy(one.Timeouts, merged.Timeouts);
            Copy(one.Retries, merged.Retries);
            Copy(one.Breakers, merged.Breakers);
            Copy(one.Apps, merged.Apps);
            Copy(one.Actors, merged.Actors);
            Copy(one.Inbound, merged.Inbound);
            Copy(one.Outbound, merged.Outbound);
        }

        return merged;

        static void Copy<T>(Dictionary<string, T> from, Dictionary<string, T> to)
        {
            foreach (var (key, value) in from)
            {
                to[key] = value;
            }
        }
    }

    private PolicyNames Names(Yaml target)
    {
        Check("timeout", Timeouts.Keys);
        Check("retry", Retries.Keys.Concat(BuiltIn.Keys));
        Check("circuitBreaker", Breakers.Keys);
        return new PolicyNames(
            target["timeout"]?.Text(), target["retry"]?.Text(), target["circuitBreaker"]?.Text(), target["circuitBreakerScope"]?.Text() ?? "type",
            target["circuitBreakerCacheSize"]?.Number());

        void Check(string field, IEnumerable<string> known)
        {
            if (target[field]?.Text() is { } name && !known.Contains(name))
            {
                throw new LocalRunnerException($"{target.Where}.{field}: there is no policy '{name}'; define it under spec.policies.");
            }
        }
    }
}

internal sealed record PolicyNames(string? Timeout, string? Retry, string? Breaker, string Scope, int? CacheSize)
{
    public static readonly PolicyNames None = new(null, null, null, "type", null);
}

internal sealed record RetrySpec(bool Exponential, TimeSpan Duration, TimeSpan MaxInterval, int MaxRetries, CodeRanges? Http, CodeRanges? Grpc)
{
    public static RetrySpec Read(Yaml yaml)
    {
        yaml.Only("policy", "duration", "maxInterval", "maxRetries", "matching");
        var policy = yaml["policy"]?.Text() ?? "constant";
        if (policy is not ("constant" or "exponential"))
        {
            throw new LocalRunnerException($"{yaml.Where}.policy: '{policy}' is not a retry policy; use constant or exponential.");
        }

        var matching = yaml["matching"]?.Only("httpStatusCodes", "gRPCStatusCodes");
        return new RetrySpec(
            policy == "exponential",
            yaml["duration"]?.Duration() ?? TimeSpan.FromSeconds(5),
            yaml["maxInterval"]?.Duration() ?? TimeSpan.FromSeconds(60),
            yaml["maxRetries"]?.Number() ?? -1,
            matching?["httpStatusCodes"] is { } http ? CodeRanges.Read(http) : null,
            matching?["gRPCStatusCodes"] is { } grpc ? CodeRanges.Read(grpc) : null);
    }

    public static RetrySpec EverySecond(int times) => new(false, TimeSpan.FromSeconds(1), TimeSpan.Zero, times, null, null);

    /// <summary>Whether a failure with this code is retried; failures without a code (app not reachable, timeout) always are.</summary>
    public bool Covers(int code) =>
        code < 0 || (code <= 16 ? Grpc is null && Http is null || Grpc is not null && Grpc.Has(code) : Http is null && Grpc is null || Http is not null && Http.Has(code));
}

internal sealed record CodeRanges(IReadOnlyList<(int From, int To)> Ranges)
{
    public static CodeRanges Read(Yaml yaml) => new([.. yaml.Text().Split(',', StringSplitOptions.TrimEntries).Select(part =>
    {
        var ends = part.Split('-');
        return int.TryParse(ends[0], out var from) && int.TryParse(ends[^1], out var to) && ends.Length <= 2
            ? (from, to)
            : throw new LocalRunnerException($"{yaml.Where}: '{part}' is not a code or a range of codes; write it like 429,500-599.");
    })]);

    public bool Has(int code) => Ranges.Any(r => code >= r.From && code <= r.To);
}

internal sealed record BreakerSpec(int MaxRequests, TimeSpan Interval, TimeSpan Timeout, Cel Trip)
{
    private static readonly string[] Counters = ["requests", "totalSuccesses", "totalFailures", "consecutiveSuccesses", "consecutiveFailures"];

    public static BreakerSpec Read(Yaml yaml)
    {
        yaml.Only("maxRequests", "interval", "timeout", "trip");
        return new BreakerSpec(
            Math.Max(1, yaml["maxRequests"]?.Number() ?? 1),
            yaml["interval"]?.Duration() ?? TimeSpan.Zero,
            yaml["timeout"]?.Duration() is { } open && open > TimeSpan.Zero ? open : TimeSpan.FromSeconds(60),
            Cel.Parse(yaml["trip"]?.Text() ?? "consecutiveFailures > 5", path => path.Length == 1 && Counters.Contains(path[0]), $"{yaml.Where}.trip"));
    }
}
