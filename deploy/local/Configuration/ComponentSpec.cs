namespace SecondhandTrade.Local;

/// <summary>A component as declared in YAML; its metadata values are not resolved yet.</summary>
internal sealed record ComponentSpec(
    string Name, string Type, string Where, IReadOnlyList<string> Scopes, string? SecretStore, IReadOnlyList<ComponentSpec.Item> Metadata)
{
    internal sealed record Item(string Name, string? Value, (string Name, string Key)? Secret, string? Environment);

    private static readonly Dictionary<string, string[]> SupportedMetadata = new()
    {
        // The last lines of each list: settings for a real broker or store, accepted and ignored here.
        ["pubsub.kafka"] =
        [
            "brokers", "authType", "consumerGroup", "consumerID", "initialOffset", "maxMessageBytes", "consumeRetryEnabled", "backOffPolicy", "backOffDuration", "backOffMaxRetries",
            "publishingScopes", "subscriptionScopes", "allowedTopics", "protectedTopics",
            "version", "clientId", "compression", "consumeRetryInterval", "sessionTimeout", "heartbeatInterval", "consumerGroupRebalanceStrategy", "channelBufferSize", "producerRequiredAcks",
            "producerRetryMax", "consumerFetchMin", "consumerFetchDefault", "clientConnectionTopicMetadataRefreshInterval", "clientConnectionKeepAliveInterval", "disableTls",
        ],
        ["state.redis"] =
        [
            "redisHost", "actorStateStore", "keyPrefix", "ttlInSeconds", "redisDB",
            "redisPassword", "redisUsername", "enableTLS", "redisType", "failover", "maxRetries", "maxRetryBackoff", "dialTimeout", "readTimeout", "writeTimeout", "poolSize", "minIdleConns", "idleTimeout", "poolTimeout",
        ],
        ["state.in-memory"] = ["actorStateStore", "keyPrefix"],
        ["pubsub.in-memory"] = ["publishingScopes", "subscriptionScopes", "allowedTopics", "protectedTopics"],
        ["bindings.cron"] = ["schedule", "route", "direction"],
        ["bindings.http"] = ["url", "errorIfNot2XX", "direction"],
        ["secretstores.local.env"] = ["prefix"],
        ["secretstores.local.file"] = ["secretsFile", "nestedSeparator", "multiValued"],
    };

    public static ComponentSpec Read(Yaml document)
    {
        document.Only("apiVersion", "kind", "metadata", "spec", "scopes", "auth");
        var name = document.Section("metadata").Only("name", "namespace", "labels", "annotations").Required("name");
        var spec = document.Section("spec").Only("type", "version", "metadata", "ignoreErrors", "initTimeout");
        var type = spec.Required("type");
        if (!SupportedMetadata.TryGetValue(type, out var keys))
        {
            throw new LocalRunnerException($"{document.File}, spec.type: '{type}' is not supported locally; use one of {string.Join(", ", SupportedMetadata.Keys)}.");
        }

        var items = new List<Item>();
        foreach (var entry in spec["metadata"]?.Items() ?? [])
        {
            entry.Only("name", "value", "secretKeyRef", "envRef");
            var key = entry.Required("name");
            if (keys.FirstOrDefault(k => k.Equals(key, StringComparison.OrdinalIgnoreCase)) is not { } known)
            {
                throw new LocalRunnerException($"{entry.Where}: {type} has no '{key}' that is supported locally; remove it or use one of {string.Join(", ", keys)}.");
            }

            var secret = entry["secretKeyRef"]?.Only("name", "key");
            items.Add(new Item(
                known,
                entry["value"]?.Text(),
                secret is null ? null : (secret.Required("name"), secret["key"]?.Text() ?? secret.Required("name")),
                entry["envRef"]?.Text()));
        }

        return new ComponentSpec(name, type, document.File, Resources.Scopes(document), document["auth"]?.Only("secretStore").Required("secretStore"), items);
    }

    /// <summary>The metadata for one app, with placeholders, secrets and environment variables resolved.</summary>
    public Dictionary<string, string> For(string appId, IReadOnlyDictionary<string, SecretStore> secretStores) =>
        Metadata.ToDictionary(m => m.Name, m => Fill(m, appId, secretStores), StringComparer.OrdinalIgnoreCase);

    private string Fill(Item item, string appId, IReadOnlyDictionary<string, SecretStore> secretStores)
    {
        if (item.Environment is { } variable)
        {
            return Local.SecretStore.MayRead(variable)
                ? Environment.GetEnvironmentVariable(variable) ?? ""
                : throw new LocalRunnerException($"{Where}, {item.Name}: '{variable}' is reserved for sidecars and cannot be read by a component; name another variable in envRef.");
        }

        if (item.Secret is { } secret)
        {
            if (SecretStore is null || !secretStores.TryGetValue(SecretStore, out var store))
            {
                throw new LocalRunnerException($"{Where}, {item.Name}: the secret is kept in '{SecretStore ?? "?"}', which is not a secret store; name one in auth.secretStore.");
            }

            return store.Get(secret.Name)?.GetValueOrDefault(secret.Key)
                ?? throw new LocalRunnerException($"{Where}, {item.Name}: the secret '{secret.Name}' with key '{secret.Key}' is not in '{SecretStore}'; put it there.");
        }

        var value = item.Value ?? "";
        if (value.Contains("{namespace}", StringComparison.Ordinal) && Type.StartsWith("pubsub.", StringComparison.Ordinal))
        {
            throw new LocalRunnerException($"{Where}, {item.Name}: {{namespace}} in a pubsub component renames its topics, which is not supported locally; use {{appID}}.");
        }

        return value
            .Replace("{uuid}", Guid.NewGuid().ToString(), StringComparison.Ordinal)
            .Replace("{appID}", appId, StringComparison.Ordinal)
            .Replace("{namespace}", $"default.{appId}", StringComparison.Ordinal)
            .Replace("{podName}", Environment.MachineName, StringComparison.Ordinal);
    }
}
