namespace SecondhandTrade.Local;

/// <summary>The resiliency policies of one sidecar, with its own circuit breakers, as in each daprd.</summary>
internal sealed class Resiliency(ResiliencySpec spec, TimeProvider clock)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Breaker> breakers = [];
    private readonly LinkedList<(string Family, string Key)> order = [];

    /// <summary>The target and state of each circuit breaker created so far.</summary>
    public IReadOnlyList<(string About, string State)> Breakers
    {
        get
        {
            lock (gate)
            {
                return [.. breakers.Select(b => (b.Key.Replace('\n', ' ').TrimEnd(), b.Value.CurrentState))];
            }
        }
    }

    public Policy ForApp(string appId, string method) =>
        spec.Apps.TryGetValue(appId, out var names)
            ? Make(names, $"app {appId}", method, names.CacheSize ?? 100)
            : Default(["App", ""], $"app {appId}", method, 100);

    public Policy ForActor(string type, string id) =>
        spec.Actors.TryGetValue(type, out var names)
            ? Make(names, $"actor {type}", names.Scope == "type" ? "" : id, names.CacheSize ?? 5000)
            : Default(["Actor", ""], $"actor {type}", "", 5000);

    public bool IsActorNamed(string type) => spec.Actors.ContainsKey(type);

    public Policy ForInbound(string component) => ForInbound(component, "Pubsub");

    public Policy ForInputBinding(string component) => ForInbound(component, "Binding");

    public Policy ForStore(string component) => ForOutbound(component, "Statestore");

    public Policy ForPublishing(string component) => ForOutbound(component, "Pubsub");

    public Policy ForBinding(string component) => ForOutbound(component, "Binding");

    private Policy ForInbound(string component, string kind) =>
        spec.Inbound.TryGetValue(component, out var names)
            ? Make(names, "component", component, int.MaxValue)
            : Default([kind + "ComponentInbound", "ComponentInbound", "Component", ""], "component", component, int.MaxValue);

    private Policy ForOutbound(string component, string kind) =>
        spec.Outbound.TryGetValue(component, out var names)
            ? Make(names, "component", component, int.MaxValue)
            : Default([kind + "ComponentOutbound", "ComponentOutbound", "Component", ""], "component", component, int.MaxValue);

    private Policy Default(string[] levels, string family, string key, int size)
    {
        return Make(
            new PolicyNames(First(spec.Timeouts, "TimeoutPolicy"), First(spec.Retries, "RetryPolicy"), First(spec.Breakers, "CircuitBreakerPolicy"), "type", null),
            family, key, size);

        string? First<T>(Dictionary<string, T> named, string suffix)
        {
            foreach (var level in levels)
            {
                if (named.Count > 0 && named.ContainsKey($"Default{level}{suffix}"))
                {
                    return $"Default{level}{suffix}";
                }
            }

            return null;
        }
    }

    private Policy Make(PolicyNames names, string family, string key, int size) =>
        names is { Timeout: null, Retry: null, Breaker: null }
            ? Policy.None
            : new Policy(
                names.Retry is null ? null : spec.Retries[names.Retry],
                names.Timeout is null ? TimeSpan.Zero : spec.Timeouts[names.Timeout],
                names.Breaker is null ? null : BreakerOf(spec.Breakers[names.Breaker], family, key, size),
                clock);

    private Breaker BreakerOf(BreakerSpec breaker, string family, string key, int size)
    {
        var name = $"{family}\n{key}";
        lock (gate)
        {
            if (breakers.TryGetValue(name, out var known))
            {
                return known;
            }

            var made = breakers[name] = new Breaker(breaker, clock);
            order.AddLast((family, name));
            // Bounded: methods with ids in their path would otherwise create a circuit breaker each.
            if (order.Count(o => o.Family == family) > size)
            {
                var oldest = order.First(o => o.Family == family);
                order.Remove(oldest);
                breakers.Remove(oldest.Key);
            }

            return made;
        }
    }
}
