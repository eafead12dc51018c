namespace SecondhandTrade.Local;

/// <summary>The components in scope for one app, instantiated.</summary>
internal sealed class ComponentSet
{
    public Dictionary<string, StateStore> StateStores { get; } = [];

    public Dictionary<string, PubSub> PubSubs { get; } = [];

    public Dictionary<string, SecretStore> SecretStores { get; } = [];

    public List<CronBinding> Inputs { get; } = [];

    public Dictionary<string, HttpBinding> Outputs { get; } = [];

    public List<(string Name, string Type)> All { get; } = [];

    public StateStore? ActorStore { get; private set; }

    public static ComponentSet For(string appId, Resources resources, StandInContext shared)
    {
        var set = new ComponentSet();
        var mine = resources.Components.Where(c => Resources.InScope(c.Scopes, appId)).ToArray();
        foreach (var spec in mine.Where(c => c.Type.StartsWith("secretstores.", StringComparison.Ordinal)))
        {
            var metadata = spec.For(appId, set.SecretStores);
            set.SecretStores[spec.Name] = spec.Type == "secretstores.local.env"
                ? SecretStore.FromEnvironment(metadata.GetValueOrDefault("prefix", ""))
                : metadata.GetValueOrDefault("multiValued") == "true"
                ? throw new LocalRunnerException($"{spec.Where}, multiValued: secrets with several values are not supported locally; remove it.")
                : SecretStore.FromFile(metadata.GetValueOrDefault("secretsFile", ""), metadata.GetValueOrDefault("nestedSeparator", ":"), spec.Where);
        }

        foreach (var spec in mine)
        {
            set.All.Add((spec.Name, spec.Type));
            switch (spec.Type)
            {
                case "state.redis":
                    set.Add(RedisState.Create(spec, spec.For(appId, set.SecretStores), appId, shared), spec);
                    break;
                case "state.in-memory":
                    set.Add(MemoryState.Create(spec, spec.For(appId, set.SecretStores), appId, shared.Clock), spec);
                    break;
                case "pubsub.in-memory":
                    set.PubSubs[spec.Name] = PubSub.InMemory(spec, spec.For(appId, set.SecretStores), appId, new MemoryBus(shared.WorkTracker, shared.Clock, shared.Logging.CreateLogger("Bus")));
                    break;
                case "bindings.cron":
                    var cron = spec.For(appId, set.SecretStores);
                    if (DirectionsOf(cron)?.Contains("input") ?? true)
                    {
                        set.Inputs.Add(CronBinding.Create(spec, cron));
                    }

                    break;
                case "bindings.http":
                    var http = spec.For(appId, set.SecretStores);
                    if (DirectionsOf(http)?.Contains("output") ?? true)
                    {
                        set.Outputs[spec.Name] = HttpBinding.Create(spec, http);
                    }

                    break;
                case "pubsub.kafka":
                    set.PubSubs[spec.Name] = PubSub.Create(spec, spec.For(appId, set.SecretStores), appId);
                    break;
                default:
                    break;
            }
        }

        return set;
    }

    /// <summary>The directions a binding names; null when it names none, and has all that its type offers.</summary>
    public static string[]? DirectionsOf(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue("direction", out var named) ? [.. named.Split(',').Select(direction => direction.Trim().ToLowerInvariant())] : null;

    private void Add(StateStore store, ComponentSpec spec)
    {
        StateStores[spec.Name] = store;
        if (store.ForActors)
        {
            ActorStore = ActorStore is null
                ? store
                : throw new LocalRunnerException($"{spec.Where}, actorStateStore: only one component may be the actor state store, and '{ActorStore.Name}' already is; set this one to \"false\".");
        }
    }
}
