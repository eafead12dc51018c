using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>The components one app may use, ready to be used.</summary>
internal sealed class ComponentSet
{
    public Dictionary<string, RedisState> StateStores { get; } = [];

    public Dictionary<string, PubSub> PubSubs { get; } = [];

    public Dictionary<string, SecretStore> SecretStores { get; } = [];

    public List<(string Name, string Type)> All { get; } = [];

    public RedisState? ActorStore { get; private set; }

    public static ComponentSet For(string appId, Resources resources, IConnectionMultiplexer redis)
    {
        var set = new ComponentSet();
        var mine = resources.Components.Where(c => Resources.InScope(c.Scopes, appId)).ToArray();
        foreach (var spec in mine.Where(c => c.Type.StartsWith("secretstores.", StringComparison.Ordinal)))
        {
            var metadata = spec.For(appId, set.SecretStores);
            set.SecretStores[spec.Name] = spec.Type == "secretstores.local.env"
                ? SecretStore.FromEnvironment(metadata.GetValueOrDefault("prefix", ""))
                : metadata.GetValueOrDefault("multiValued") == "true"
                ? throw new TownException($"{spec.Where}, multiValued: secrets with several values are not supported locally; remove it.")
                : SecretStore.FromFile(metadata.GetValueOrDefault("secretsFile", ""), metadata.GetValueOrDefault("nestedSeparator", ":"), spec.Where);
        }

        foreach (var spec in mine)
        {
            set.All.Add((spec.Name, spec.Type));
            switch (spec.Type)
            {
                case "state.redis":
                    var store = RedisState.Create(spec, spec.For(appId, set.SecretStores), appId, redis);
                    set.StateStores[spec.Name] = store;
                    if (store.ForActors)
                    {
                        set.ActorStore = set.ActorStore is null
                            ? store
                            : throw new TownException($"{spec.Where}, actorStateStore: a town has one actor state store and '{set.ActorStore.Name}' is it; set this one to \"false\".");
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
}
