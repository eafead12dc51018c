using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>What every event carries: which aggregate it tells of, and its place among that aggregate's events.</summary>
public abstract record Event
{
    /// <summary>What <see cref="Order"/> counts a version as.</summary>
    public const long PartsPerVersion = 1_000_000;

    /// <summary>The event's name, which is also the CloudEvent <c>type</c> that subscriptions route by.</summary>
    public string EventType { get => field ?? GetType().Name; init; }

    /// <summary>When it happened, by the clock of the service that decided it.</summary>
    public DateTimeOffset Timestamp { get; init; }

    /// <summary>The id of what the event tells of, as its own context names it.</summary>
    public string Id { get; init; } = "";

    /// <summary>The product everything about it is ordered by: the partition key of every topic.</summary>
    public string ProductId { get; init; } = "";

    /// <summary>The document that decided, as <c>context:id</c>; versions count within it.</summary>
    public string Source { get; init; } = "";

    /// <summary>The version of the deciding document; one version gives exactly one batch of events.</summary>
    public long Version { get; init; }

    /// <summary>The event's place in its batch, from 1.</summary>
    public int Part { get; init; }

    /// <summary>Version and part as one number that only grows within one source: what consumers keep as watermark.</summary>
    [JsonIgnore]
    public long Order => Version * PartsPerVersion + Part;

    /// <summary>The trace that what it tells of began with, where another's command or the time brought it about; in the envelope, not in the body.</summary>
    [JsonIgnore]
    public string? TraceParent { get; init; }

    /// <summary>The reservation this belongs to, if any; in the body, because Dapr's envelope takes no extensions.</summary>
    public virtual string? CorrelationId => null;
}
