using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>A subscription of an app: topic, routing rules and dead-letter topic.</summary>
internal sealed record Subscription(
    string PubSub, string Topic, IReadOnlyList<(Cel Match, string Path)> Rules, string? Default, string? DeadLetterTopic, bool Raw, string Where, BulkSubscribe? Bulk = null)
{
    public static Subscription Read(Yaml document)
    {
        if (document.Required("apiVersion") != "dapr.io/v2alpha1")
        {
            throw new LocalRunnerException($"{document.File}: only dapr.io/v2alpha1 subscriptions are supported locally; move spec.route to spec.routes.default.");
        }

        document.Only("apiVersion", "kind", "metadata", "spec", "scopes");
        var spec = document.Section("spec").Only("pubsubname", "topic", "routes", "deadLetterTopic", "metadata", "bulkSubscribe");
        var routes = spec.Section("routes").Only("rules", "default");
        var raw = spec["metadata"]?.Fields().Any(f => f.Name.Equals("rawPayload", StringComparison.OrdinalIgnoreCase) && f.Value.Text() == "true") ?? false;
        return new Subscription(
            spec.Required("pubsubname"),
            spec.Required("topic"),
            [.. (routes["rules"]?.Items() ?? []).Select(r => (Rule(r.Only("match", "path").Required("match"), r.Where), r.Required("path")))],
            routes["default"]?.Text(),
            spec["deadLetterTopic"]?.Text(),
            raw,
            document.File,
            spec["bulkSubscribe"]?.Only("enabled", "maxMessagesCount", "maxAwaitDurationMs") is { } bulk && bulk["enabled"]?.Text() == "true"
                ? BulkOf(bulk["maxMessagesCount"]?.Number(), bulk["maxAwaitDurationMs"]?.Number())
                : null);
    }

    /// <summary>Parses the response of GET /dapr/subscribe; names are case-insensitive, as in Go.</summary>
    public static IEnumerable<Subscription> ReadAll(byte[] json, string appId)
    {
        using var document = JsonDocument.Parse(json);
        var all = new List<Subscription>();
        if (document.RootElement.ValueKind != JsonValueKind.Array)
        {
            return all;
        }

        foreach (var entry in document.RootElement.EnumerateArray())
        {
            var where = $"GET /dapr/subscribe of {appId}, topic {Text(entry, "topic")}";
            var routes = Get(entry, "routes");
            var rules = (routes is { } r && Get(r, "rules") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().ToArray() : [])
                .Select(rule => (Match: Text(rule, "match"), Path: Text(rule, "path")))
                .ToArray();
            var fallback = Text(entry, "route") is { Length: > 0 } route ? route : routes is { } all2 ? Text(all2, "default") : "";
            // A rule without a condition is the default route.
            fallback = fallback.Length > 0 ? fallback : rules.FirstOrDefault(x => x.Match.Length == 0).Path ?? "";
            if (fallback.Length == 0 && rules.Length == 0)
            {
                continue;
            }

            all.Add(new Subscription(
                Text(entry, "pubsubname"),
                Text(entry, "topic"),
                [.. rules.Where(x => x.Match.Length > 0).Select(x => (Rule(x.Match, where), x.Path))],
                fallback.Length == 0 ? null : fallback,
                Text(entry, "deadLetterTopic") is { Length: > 0 } dead ? dead : null,
                Get(entry, "metadata") is { } metadata && Text(metadata, "rawPayload") == "true",
                where,
                Get(entry, "bulkSubscribe") is { } bulk && Get(bulk, "enabled") is { ValueKind: JsonValueKind.True }
                    ? BulkOf(Count(bulk, "maxMessagesCount"), Count(bulk, "maxAwaitDurationMs"))
                    : null));
        }

        return all;
    }

    /// <summary>What is wrong with the subscriptions of one app, one sentence each; <paramref name="hasPubSub"/> tells whether the app has a pubsub component.</summary>
    public static IEnumerable<string> Problems(IReadOnlyList<Subscription> subscriptions, string appId, Func<string, bool> hasPubSub)
    {
        foreach (var subscription in subscriptions.Where(s => !hasPubSub(s.PubSub)))
        {
            yield return $"{subscription.Where}: {appId} has no pubsub component '{subscription.PubSub}'; correct the name or the component's scopes.";
        }

        // daprd's Kafka component has one handler per topic: a second subscription would silently replace the first.
        foreach (var twice in subscriptions.GroupBy(s => (s.PubSub, s.Topic)).Where(same => same.Count() > 1))
        {
            yield return $"{twice.Last().Where}: {appId} already subscribes to '{twice.Key.Topic}' in {twice.First().Where}; one app reads a topic once, so merge the two.";
        }
    }

    /// <summary>The path of the first matching rule, else the default; null when there is none.</summary>
    public string? RouteOf(JsonElement cloudEvent)
    {
        foreach (var (match, path) in Rules)
        {
            if (match.IsTrue(field => Cel.Field(cloudEvent, field.AsSpan(1))))
            {
                return path;
            }
        }

        return Default;
    }

    private static BulkSubscribe BulkOf(int? messages, int? milliseconds) =>
        new(messages is > 0 ? messages.Value : 100, TimeSpan.FromMilliseconds(milliseconds is > 0 ? milliseconds.Value : 1000));

    private static int? Count(JsonElement element, string name) => Get(element, name) is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : null;

    private static Cel Rule(string text, string where) => Cel.Parse(text, path => path[0] == "event" && path.Length > 1, where);

    private static JsonElement? Get(JsonElement element, string name) =>
        element.ValueKind != JsonValueKind.Object ? null
        : element.EnumerateObject().Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(p => (JsonElement?)p.Value).LastOrDefault();

    private static string Text(JsonElement element, string name) => Get(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";
}
