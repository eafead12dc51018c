namespace SecondhandTrade.Local;

/// <summary>A change to one key; null <see cref="Value"/> = delete.</summary>
internal sealed record StateChange(string Key, byte[]? Value, string? Etag = null, bool FirstWrite = false, bool LastWrite = false, int? Ttl = null);

internal enum StateOutcome
{
    Done,
    EtagMismatch,
    EtagInvalid,
    Failed,
}

/// <summary>A state component for one app.</summary>
internal abstract class StateStore(string name, string prefix, bool forActors)
{
    public string Name => name;

    public bool ForActors => forActors;

    /// <summary>The full key of a user's key; null when the key is not allowed.</summary>
    public string? KeyOf(string key) => key.Contains("||", StringComparison.Ordinal) ? null : prefix + key;

    /// <summary>The full key of an actor's state, which ignores the keyPrefix of the component.</summary>
    public static string ActorKey(string appId, string type, string id, string key) => $"{appId}||{type}||{id}||{key}";

    public abstract Task<(byte[]? Data, string Etag)> GetAsync(string key);

    public abstract Task<(StateOutcome Outcome, string Why)> ChangeAsync(StateChange change);

    public abstract Task<(StateOutcome Outcome, string Why)> TransactAsync(IReadOnlyList<StateChange> changes);

    /// <summary>Resolves the keyPrefix of a component.</summary>
    protected static string PrefixOf(ComponentSpec spec, IReadOnlyDictionary<string, string> metadata, string appId) => metadata.GetValueOrDefault("keyPrefix", "appid") switch
    {
        "" or "appid" => $"{appId}||",
        "namespace" => $"default.{appId}||",
        "name" => $"{spec.Name}||",
        "none" => "",
        var literal when literal.Contains("||", StringComparison.Ordinal) =>
            throw new LocalRunnerException($"{spec.Where}, keyPrefix: '{literal}' contains ||, which separates prefix and key; choose another."),
        var literal => $"{literal}||",
    };

    protected static bool IsForActors(IReadOnlyDictionary<string, string> metadata) =>
        metadata.GetValueOrDefault("actorStateStore")?.ToUpperInvariant() is "TRUE" or "Y" or "YES" or "T" or "ON" or "1";
}
