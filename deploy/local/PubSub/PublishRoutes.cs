using System.Text;
using System.Text.Json;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>Publishing over HTTP: one event as the body, or a list of them.</summary>
internal static class PublishRoutes
{
    public static async Task PublishAsync(ApiCall call)
    {
        if (IsAllowed(call))
        {
            var (pubsub, topic) = (call.Segment(2), TopicFrom(call, 3));
            var body = await call.BodyAsync(why => Publisher.Failed(topic, pubsub, why));
            await call.Sidecar.Publisher.PublishAsync(
                pubsub, topic, body, call.Context.Request.ContentType ?? "", call.MetadataInQuery(), call.TraceParent, call.TraceState, call.Work, call.Aborted);
            call.Answer(204);
        }
    }

    public static async Task PublishManyAsync(ApiCall call)
    {
        if (!IsAllowed(call))
        {
            return;
        }

        var (pubsub, topic) = (call.Segment(3), TopicFrom(call, 4));
        // An unknown pubsub is reported before invalid events.
        call.Sidecar.Publisher.Component(pubsub);
        var failed = await call.Sidecar.Publisher.PublishManyAsync(
            pubsub, topic, Read(await call.BodyAsync(why => Unreadable(topic, pubsub, why)), pubsub, topic), call.MetadataInQuery(), call.TraceParent, call.TraceState, call.Work, call.Aborted);
        if (failed.Count == 0)
        {
            call.Answer(204);
            return;
        }

        call.Answer(500);
        await call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("failedEntries");
            foreach (var (id, why) in failed)
            {
                json.WriteStartObject();
                json.WriteString("entryId", id);
                json.WriteString("error", why);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("errorCode", "ERR_PUBSUB_PUBLISH_MESSAGE");
            json.WriteEndObject();
        });
    }

    private static bool IsAllowed(ApiCall call)
    {
        var allowed = call.Verb is "POST" or "PUT";
        if (!allowed)
        {
            call.Answer(405);
        }

        return allowed;
    }

    private static string TopicFrom(ApiCall call, int first) => string.Join('/', Enumerable.Range(first, call.Path.Length - first).Select(call.Segment));

    private static List<BulkEntry> Read(byte[] body, string pubsub, string topic)
    {
        try
        {
            var root = JsonElement.Parse(body);
            return root.ValueKind == JsonValueKind.Null ? [] : [.. root.EnumerateArray().Select(ReadEntry)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw Unreadable(topic, pubsub, e.Message);
        }
    }

    private static ApiError Unreadable(string topic, string pubsub, string why) =>
        new(400, StatusCode.InvalidArgument, "ERR_PUBSUB_EVENTS_SER", $"error when unmarshaling the request for topic {topic} pubsub {pubsub}: {why}");

    private static BulkEntry ReadEntry(JsonElement entry)
    {
        var contentType = Field("contentType")?.GetString() ?? "";
        var metadata = Field("metadata") is { ValueKind: JsonValueKind.Object } given ? given.EnumerateObject().ToDictionary(m => m.Name, m => m.Value.GetString() ?? "") : null;
        return new BulkEntry(Field("entryId")?.GetString() ?? "", BytesOf(Field("event"), contentType), contentType, metadata);

        // Go's JSON decoder matches names case-insensitively and treats null as absent.
        JsonElement? Field(string name) =>
            entry.EnumerateObject().Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && p.Value.ValueKind != JsonValueKind.Null).Select(p => (JsonElement?)p.Value).LastOrDefault();
    }

    /// <summary>Decodes the event by its content type: base64 for bytes, a string for text, JSON as it is but with numbers as float64.</summary>
    private static byte[] BytesOf(JsonElement? value, string contentType)
    {
        var type = CloudEventEnvelope.TypeOf(contentType);
        return (type, value) switch
        {
            ("application/octet-stream", { ValueKind: JsonValueKind.String } text) => text.GetBytesFromBase64(),
            ("application/xml", { ValueKind: JsonValueKind.String } text) => Encoding.UTF8.GetBytes(text.GetString()!),
            (_, { ValueKind: JsonValueKind.String } text) when type.StartsWith("text/", StringComparison.Ordinal) => Encoding.UTF8.GetBytes(text.GetString()!),
            ("application/json" or CloudEventEnvelope.ContentType, { } json) => GoJson.WriteFloats(json),
            ("application/json" or CloudEventEnvelope.ContentType, null) => "null"u8.ToArray(),
            _ => throw new FormatException($"the event does not match its contentType '{contentType}'; send JSON as application/json, a string as text/…, bytes in base64 as application/octet-stream"),
        };
    }
}
