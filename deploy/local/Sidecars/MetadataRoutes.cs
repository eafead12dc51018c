using System.Text;

namespace SecondhandTrade.Local;

/// <summary>The metadata API over HTTP.</summary>
internal static class MetadataRoutes
{
    public const string Version = "1.18.3";

    public static Task GetAsync(ApiCall call)
    {
        var sidecar = call.Sidecar;
        return call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("id", sidecar.AppId);
            json.WriteString("runtimeVersion", Version);
            json.WriteStartArray("components");
            foreach (var (name, type) in sidecar.Components.All)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("type", type);
                json.WriteString("version", "v1");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("extended");
            foreach (var (key, value) in sidecar.ExtendedMetadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            json.WriteStartArray("subscriptions");
            foreach (var subscription in sidecar.Subscriptions)
            {
                json.WriteStartObject();
                json.WriteString("pubsubname", subscription.PubSub);
                json.WriteString("topic", subscription.Topic);
                json.WriteStartArray("rules");
                foreach (var (match, path) in RulesOf(subscription))
                {
                    json.WriteStartObject();
                    json.WriteString("match", match);
                    json.WriteString("path", path);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteString("deadLetterTopic", subscription.DeadLetterTopic ?? "");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("actorRuntime");
            json.WriteString("runtimeStatus", "RUNNING");
            json.WriteBoolean("hostReady", sidecar.IsReady);
            json.WriteStartArray("activeActors");
            foreach (var type in sidecar.Actors?.Types ?? [])
            {
                json.WriteStartObject();
                json.WriteString("type", type);
                json.WriteNumber("count", sidecar.Actors?.Count(type) ?? 0);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>The rules of a subscription; the default route is one without a condition.</summary>
    public static IEnumerable<(string Match, string Path)> RulesOf(Subscription subscription) =>
        subscription.Rules.Select(rule => (rule.Match.Text, rule.Path)).Append(("", subscription.Default ?? "")).Where(rule => rule.Item2.Length > 0);

    public static async Task PutAsync(ApiCall call)
    {
        call.Sidecar.ExtendedMetadata[call.Segment(2)] = Encoding.UTF8.GetString(await call.BodyAsync());
        call.Answer(204);
    }
}
