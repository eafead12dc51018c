using System.Text;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>Wraps published data in a CloudEvent, field by field as daprd does.</summary>
internal static class CloudEventEnvelope
{
    public const string ContentType = "application/cloudevents+json";

    /// <summary>A content type without its parameters.</summary>
    public static string TypeOf(string contentType) => contentType.Split(';')[0].Trim().ToLowerInvariant();

    public static byte[] Wrap(
        byte[] data, string contentType, string topic, string pubsub, string appId, Dictionary<string, string> metadata, string traceParent, string traceState, DateTimeOffset now)
    {
        var type = TypeOf(contentType);
        return type == ContentType
            ? Complete(data, topic, pubsub, metadata, traceParent, traceState, now)
            : Create(data, contentType, type, topic, pubsub, appId, metadata, traceParent, traceState, now);
    }

    /// <summary>The CloudEvent a raw-payload subscriber receives: a new event around the bytes.</summary>
    public static byte[] WrapRaw(byte[] data, string topic, string pubsub) => GoJson.WriteEscaped(new Dictionary<string, object?>
    {
        ["id"] = Guid.NewGuid().ToString(),
        ["specversion"] = "1.0",
        ["datacontenttype"] = "application/octet-stream",
        ["source"] = "Dapr",
        ["type"] = "com.dapr.event.sent",
        ["topic"] = topic,
        ["pubsubname"] = pubsub,
        ["data_base64"] = Convert.ToBase64String(data),
    });

    private static byte[] Create(
        byte[] data, string contentType, string type, string topic, string pubsub, string appId, Dictionary<string, string> metadata, string traceParent, string traceState, DateTimeOffset now)
    {
        var trace = Override("traceparent") ?? Override("traceid") ?? traceParent;
        var fields = new Dictionary<string, object?>
        {
            ["id"] = Override("id") ?? Guid.NewGuid().ToString(),
            ["specversion"] = "1.0",
            ["type"] = Override("type") ?? "com.dapr.event.sent",
            ["source"] = Override("source") ?? (appId.Length == 0 ? "Dapr" : appId),
            ["datacontenttype"] = contentType.Length == 0 ? "text/plain" : contentType,
            ["topic"] = topic,
            ["pubsubname"] = pubsub,
            ["time"] = Rfc3339(now),
            ["traceid"] = trace,
            ["traceparent"] = trace,
            ["tracestate"] = Override("tracestate") ?? traceState,
        };
        if (Override("subject") is { } subject)
        {
            fields["subject"] = subject;
        }

        AddExpiration(fields, metadata, now);
        if (type is "application/octet-stream")
        {
            fields["data_base64"] = Convert.ToBase64String(data);
            return GoJson.WriteEscaped(fields);
        }

        using var json = type is "application/json" ? TryParse(data) : null;
        fields["data"] = json is null ? Encoding.UTF8.GetString(data) : json.RootElement;
        return GoJson.WriteEscaped(fields);

        string? Override(string field) =>
            metadata.FirstOrDefault(m => m.Key.Equals("cloudevent." + field, StringComparison.OrdinalIgnoreCase)).Value is { Length: > 0 } value ? value : null;
    }

    // The app published a complete CloudEvent: its fields are kept and missing ones are added, except the id.
    private static byte[] Complete(
        byte[] data, string topic, string pubsub, Dictionary<string, string> metadata, string traceParent, string traceState, DateTimeOffset now)
    {
        using var json = TryParse(data);
        if (json is not { RootElement.ValueKind: JsonValueKind.Object })
        {
            throw new ApiError(500, Grpc.Core.StatusCode.InvalidArgument, "ERR_PUBSUB_CLOUD_EVENTS_SER", $"cannot create cloudevent for topic {topic} on {pubsub}: the event is not a JSON object");
        }

        var fields = new Dictionary<string, object?>();
        foreach (var property in json.RootElement.EnumerateObject())
        {
            fields[property.Name] = property.Value;
        }

        // Only for these three does null count as missing.
        foreach (var (name, value) in new[] { ("source", "Dapr"), ("type", "com.dapr.event.sent"), ("specversion", "1.0") })
        {
            if (fields.GetValueOrDefault(name) is null or JsonElement { ValueKind: JsonValueKind.Null })
            {
                fields[name] = value;
            }
        }

        fields.TryAdd("time", Rfc3339(now));
        if (fields.TryAdd("traceid", traceParent))
        {
            fields["traceparent"] = traceParent;
        }

        fields.TryAdd("tracestate", traceState);
        fields["topic"] = topic;
        fields["pubsubname"] = pubsub;
        AddExpiration(fields, metadata, now);
        return GoJson.WriteEscaped(fields);
    }

    private static void AddExpiration(Dictionary<string, object?> fields, Dictionary<string, string> metadata, DateTimeOffset now)
    {
        var ttl = metadata.GetValueOrDefault("ttlInSeconds") ?? metadata.GetValueOrDefault("ttl");
        if (ttl is not null && double.TryParse(ttl, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
        {
            fields["expiration"] = Rfc3339(now.AddSeconds(seconds));
        }
    }

    private static string Rfc3339(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ssK", System.Globalization.CultureInfo.InvariantCulture).Replace("+00:00", "Z", StringComparison.Ordinal);

    private static JsonDocument? TryParse(byte[] data)
    {
        try
        {
            return JsonDocument.Parse(data);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
