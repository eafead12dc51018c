using System.Globalization;

namespace SecondhandTrade.Local;

/// <summary>A pubsub component for one app; with a <see cref="Bus"/> it is in-memory and private to the app, otherwise it uses the broker.</summary>
internal sealed record PubSub(string Name, string Group, bool FromOldest, int MaxMessageBytes, bool RetryInPlace, TimeSpan BackOff, long MaxRetries, TopicScopes Scopes, MemoryBus? Bus = null)
{
    public static PubSub InMemory(ComponentSpec spec, IReadOnlyDictionary<string, string> metadata, string appId, MemoryBus bus) =>
        new(spec.Name, appId, false, int.MaxValue, false, TimeSpan.Zero, 0, TopicScopes.Read(metadata, appId), bus);

    public static PubSub Create(ComponentSpec spec, IReadOnlyDictionary<string, string> metadata, string appId)
    {
        string Get(string name, string otherwise) => metadata.TryGetValue(name, out var value) && value.Length > 0 ? value : otherwise;
        LocalRunnerException Refuse(string name, string advice) => new($"{spec.Where}, {name}: '{Get(name, "")}' is not supported locally; {advice}.");

        if (Get("brokers", "").Length == 0)
        {
            throw new LocalRunnerException($"{spec.Where}: pubsub.kafka needs 'brokers'; add it (any address will do locally).");
        }

        if (Get("authType", "") != "none")
        {
            throw Refuse("authType", "use none");
        }

        if (Get("backOffPolicy", "constant") != "constant")
        {
            throw Refuse("backOffPolicy", "use constant, or an inbound resiliency policy");
        }

        var offset = Get("initialOffset", "newest");
        if (offset is not ("newest" or "oldest"))
        {
            throw Refuse("initialOffset", "use oldest or newest");
        }

        if (!GoDuration.TryParse(Get("backOffDuration", "5s"), out var backOff))
        {
            throw Refuse("backOffDuration", "write it like 5s");
        }

        if (!long.TryParse(Get("backOffMaxRetries", "-1"), CultureInfo.InvariantCulture, out var retries))
        {
            throw Refuse("backOffMaxRetries", "use a whole number");
        }

        if (!int.TryParse(Get("maxMessageBytes", "1048576"), CultureInfo.InvariantCulture, out var bytes))
        {
            throw Refuse("maxMessageBytes", "use a whole number");
        }

        return new PubSub(
            spec.Name, Get("consumerGroup", Get("consumerID", appId)), offset == "oldest", bytes == 0 ? 1048576 : bytes, Get("consumeRetryEnabled", "true") == "true",
            backOff, retries, TopicScopes.Read(metadata, appId));
    }
}

/// <summary>The topics of a component an app may publish and subscribe to.</summary>
internal sealed record TopicScopes(string[] Allowed, string[] Protected, string[]? Publishing, string[]? Subscribing)
{
    public static TopicScopes Read(IReadOnlyDictionary<string, string> metadata, string appId)
    {
        return new TopicScopes(List("allowedTopics"), List("protectedTopics"), Of("publishingScopes"), Of("subscriptionScopes"));

        string[] List(string name) =>
            metadata.GetValueOrDefault(name, "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        // "app1=topic1,topic2;app2=": an app that is not listed may use all but the protected topics; an empty list allows none.
        string[]? Of(string name) =>
            metadata.GetValueOrDefault(name, "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(part => part.Split('=', 2))
                .Where(part => part.Length == 2 && part[0].Trim() == appId)
                .Select(part => part[1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                .FirstOrDefault();
    }

    public bool MayPublish(string topic) => May(topic, Publishing);

    public bool MaySubscribe(string topic) => May(topic, Subscribing);

    private bool May(string topic, string[]? scoped) =>
        (Allowed.Length == 0 || Allowed.Contains(topic)) && (scoped is null ? !Protected.Contains(topic) : scoped.Contains(topic));
}
