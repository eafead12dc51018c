using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The publishing half of the pubsub building block.</summary>
internal sealed class Publisher(string appId, ComponentSet components, Resiliency resiliency, Broker broker, TimeProvider clock)
{
    public async Task PublishAsync(
        string pubsub, string topic, byte[] data, string contentType, Dictionary<string, string> metadata, string traceParent, string traceState, Work work, CancellationToken ct)
    {
        var component = Component(pubsub);
        if (topic.Length == 0)
        {
            throw new ApiError(404, StatusCode.InvalidArgument, "ERR_PUBSUB_EMPTY", $"topic is empty in pubsub {pubsub}");
        }

        if (!component.Scopes.MayPublish(topic))
        {
            throw new ApiError(403, StatusCode.PermissionDenied, "ERR_PUBSUB_FORBIDDEN", $"topic {topic} is not allowed for app id {appId}");
        }

        var raw = metadata.FirstOrDefault(m => m.Key.Equals("rawPayload", StringComparison.OrdinalIgnoreCase)).Value is { } value
            && value.Equals("true", StringComparison.OrdinalIgnoreCase);
        var bytes = raw
            ? data
            : Envelope.Wrap(data, contentType, topic, pubsub, appId, metadata, traceParent, traceState, TimeZoneInfo.ConvertTime(clock.GetUtcNow(), clock.LocalTimeZone));
        await AppendAsync(component, topic, bytes, metadata, work, ct);
    }

    /// <summary>Puts bytes on a topic as they are; a dead letter keeps its envelope.</summary>
    public async Task AppendAsync(PubSub component, string topic, byte[]? bytes, IReadOnlyDictionary<string, string> metadata, Work work, CancellationToken ct)
    {
        try
        {
            if (bytes?.Length > component.MaxMessageBytes)
            {
                throw new ArgumentException($"the message has {bytes.Length} bytes and maxMessageBytes is {component.MaxMessageBytes}");
            }

            await resiliency.ForPublishing(component.Name).RunAsync(_ => Task.FromResult(Append(component, topic, bytes, metadata)), _ => Policy.Success, true, work, ct);
        }
        catch (Exception e) when (e is ArgumentException or IOException or BreakerException or TimeoutException)
        {
            throw new ApiError(500, StatusCode.Internal, "ERR_PUBSUB_PUBLISH_MESSAGE", $"error when publish to topic {topic} in pubsub {component.Name}: {e.Message}");
        }
    }

    private bool Append(PubSub component, string topic, byte[]? bytes, IReadOnlyDictionary<string, string> metadata)
    {
        if (component.Bus is { } bus)
        {
            bus.Append(topic, bytes, metadata);
        }
        else
        {
            broker.Append(topic, bytes, metadata);
        }

        return true;
    }

    public PubSub Component(string name) =>
        components.PubSubs.GetValueOrDefault(name)
            ?? throw (components.PubSubs.Count == 0
                ? new ApiError(400, StatusCode.FailedPrecondition, "ERR_PUBSUB_NOT_CONFIGURED", "pubsub is not configured")
                : new ApiError(404, StatusCode.NotFound, "ERR_PUBSUB_NOT_FOUND", $"pubsub {name} is not found"));
}
