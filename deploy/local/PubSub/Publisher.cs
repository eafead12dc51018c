using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The publish API of one sidecar.</summary>
internal sealed class Publisher(string appId, ComponentSet components, Resiliency resiliency, Broker broker, TimeProvider clock)
{
    public async Task PublishAsync(
        string pubsub, string topic, byte[] data, string contentType, Dictionary<string, string> metadata, string traceParent, string traceState, Work work, CancellationToken ct)
    {
        var component = Component(pubsub, topic);
        var bytes = IsRaw(metadata) ? data : CloudEventEnvelope.Wrap(data, contentType, topic, pubsub, appId, metadata, traceParent, traceState, Now);
        await AppendAsync(component, topic, bytes, metadata, work, ct);
    }

    /// <summary>Publishes many events to a topic, or none if the request is invalid; returns the error of each failed entry by its id.</summary>
    public async Task<Dictionary<string, string>> PublishManyAsync(
        string pubsub, string topic, IReadOnlyList<BulkEntry> entries, Dictionary<string, string> metadata, string traceParent, string traceState, Work work, CancellationToken ct)
    {
        var component = Component(pubsub, topic);
        if (entries.Any(e => e.Id.Length == 0) || entries.DistinctBy(e => e.Id).Count() < entries.Count)
        {
            throw new ApiError(400, StatusCode.InvalidArgument, "ERR_PUBSUB_EVENTS_SER", $"error marshaling events to bytes for topic {topic} pubsub {pubsub}. error: entryId is duplicated or not present for entry");
        }

        var raw = IsRaw(metadata);
        var left = entries.Select(entry =>
        {
            // As in daprd: entry metadata override request metadata in the envelope, where an entry without metadata gets none; on the broker, request metadata win.
            var own = entry.Metadata is null ? [] : Merge(metadata, entry.Metadata);
            var bytes = raw ? entry.Data : CloudEventEnvelope.Wrap(entry.Data, entry.ContentType, topic, pubsub, appId, own, TraceContext.NewSpan(traceParent), traceState, Now);
            return (entry.Id, Bytes: bytes, Metadata: component.Bus is null ? Merge(own, metadata) : own);
        }).ToList();
        var failed = new Dictionary<string, string>();
        try
        {
            // Only the failed entries are retried.
            await resiliency.ForPublishing(pubsub).RunAsync(
                _ =>
                {
                    failed = AppendEach(component, topic, left);
                    left.RemoveAll(entry => !failed.ContainsKey(entry.Id));
                    return Task.FromResult(left.Count);
                },
                count => count == 0 ? Policy.Success : Policy.NoCode, true, work, ct);
            return failed;
        }
        catch (Exception e) when (e is BreakerException or TimeoutException)
        {
            return left.ToDictionary(entry => entry.Id, _ => e.Message);
        }
    }

    /// <summary>Appends bytes to a topic unchanged; a dead letter keeps its envelope.</summary>
    public async Task AppendAsync(PubSub component, string topic, byte[]? bytes, IReadOnlyDictionary<string, string> metadata, Work work, CancellationToken ct)
    {
        try
        {
            await resiliency.ForPublishing(component.Name).RunAsync(_ => Task.FromResult(Append(component, topic, bytes, metadata)), _ => Policy.Success, true, work, ct);
        }
        catch (Exception e) when (e is ArgumentException or IOException or BreakerException or TimeoutException)
        {
            throw Failed(topic, component.Name, e.Message);
        }
    }

    private Dictionary<string, string> AppendEach(PubSub component, string topic, List<(string Id, byte[] Bytes, Dictionary<string, string> Metadata)> entries)
    {
        var failed = new Dictionary<string, string>();
        foreach (var (id, bytes, metadata) in entries)
        {
            try
            {
                Append(component, topic, bytes, metadata);
            }
            catch (Exception e) when (e is ArgumentException or IOException)
            {
                failed[id] = e.Message;
            }
        }

        return failed;
    }

    private bool Append(PubSub component, string topic, byte[]? bytes, IReadOnlyDictionary<string, string> metadata)
    {
        if (bytes?.Length > component.MaxMessageBytes)
        {
            throw new ArgumentException($"the message has {bytes.Length} bytes and maxMessageBytes is {component.MaxMessageBytes}");
        }

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

    public static ApiError Failed(string topic, string pubsub, string why) =>
        new(500, StatusCode.Internal, "ERR_PUBSUB_PUBLISH_MESSAGE", $"error when publishing to topic {topic} in pubsub {pubsub}: {why}");

    private DateTimeOffset Now => TimeZoneInfo.ConvertTime(clock.GetUtcNow(), clock.LocalTimeZone);

    private PubSub Component(string name, string topic)
    {
        var component = Component(name);
        if (topic.Length == 0)
        {
            throw new ApiError(404, StatusCode.InvalidArgument, "ERR_PUBSUB_EMPTY", $"topic is empty in pubsub {name}");
        }

        RequireAllowed(component, topic);
        return component;
    }

    public void RequireAllowed(PubSub component, string topic)
    {
        if (!component.Scopes.MayPublish(topic))
        {
            throw new ApiError(403, StatusCode.PermissionDenied, "ERR_PUBSUB_FORBIDDEN", $"topic {topic} is not allowed for app id {appId}");
        }
    }

    private static bool IsRaw(Dictionary<string, string> metadata) =>
        metadata.FirstOrDefault(m => m.Key.Equals("rawPayload", StringComparison.OrdinalIgnoreCase)).Value is { } value && value.Equals("true", StringComparison.OrdinalIgnoreCase);

    private static Dictionary<string, string> Merge(IReadOnlyDictionary<string, string> weaker, IReadOnlyDictionary<string, string> stronger)
    {
        var merged = new Dictionary<string, string>(weaker);
        foreach (var (name, value) in stronger)
        {
            merged[name] = value;
        }

        return merged;
    }

    public PubSub Component(string name) =>
        components.PubSubs.GetValueOrDefault(name)
            ?? throw (components.PubSubs.Count == 0
                ? new ApiError(400, StatusCode.FailedPrecondition, "ERR_PUBSUB_NOT_CONFIGURED", "pubsub is not configured")
                : new ApiError(404, StatusCode.InvalidArgument, "ERR_PUBSUB_NOT_FOUND", $"pubsub {name} is not found"));
}

/// <summary>One event of a bulk publish; its metadata is null when absent from the request.</summary>
internal sealed record BulkEntry(string Id, byte[] Data, string ContentType, IReadOnlyDictionary<string, string>? Metadata);
