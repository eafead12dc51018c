namespace SecondhandTrade.Local;

/// <summary>The state.in-memory component: private to one sidecar, not persistent, and stricter with ETags than Redis.</summary>
internal sealed class MemoryState(string name, string prefix, bool forActors, TimeProvider clock) : StateStore(name, prefix, forActors)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, (byte[] Data, string Etag, DateTimeOffset Expires)> items = [];

    public static MemoryState Create(ComponentSpec spec, Dictionary<string, string> metadata, string appId, TimeProvider clock) =>
        new(spec.Name, PrefixOf(spec, metadata, appId), IsForActors(metadata), clock);

    public override Task<(byte[]? Data, string Etag)> GetAsync(string key)
    {
        lock (gate)
        {
            return Task.FromResult(Find(key) is { } item ? (item.Data, item.Etag) : ((byte[]?)null, ""));
        }
    }

    public override Task<(StateOutcome Outcome, string Why)> ChangeAsync(StateChange change) => TransactAsync([change]);

    public override Task<(StateOutcome Outcome, string Why)> TransactAsync(IReadOnlyList<StateChange> changes)
    {
        lock (gate)
        {
            foreach (var change in changes)
            {
                var there = Find(change.Key);
                var conflict = change.Etag is { Length: > 0 } etag ? there?.Etag != etag : change.FirstWrite && there is not null;
                if (conflict)
                {
                    return Task.FromResult((StateOutcome.EtagMismatch, $"possible etag mismatch for key {change.Key}"));
                }
            }

            foreach (var change in changes)
            {
                if (change.Value is null)
                {
                    items.Remove(change.Key);
                }
                else
                {
                    items[change.Key] = (change.Value, Guid.NewGuid().ToString(), change.Ttl > 0 ? clock.GetUtcNow().AddSeconds(change.Ttl.Value) : DateTimeOffset.MaxValue);
                }
            }
        }

        return Task.FromResult((StateOutcome.Done, ""));
    }

    private (byte[] Data, string Etag, DateTimeOffset Expires)? Find(string key) =>
        items.TryGetValue(key, out var item) && item.Expires > clock.GetUtcNow() ? item : null;
}
