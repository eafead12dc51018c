using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Dapr;
using Dapr.Actors.Runtime;
using Dapr.Client;
using Microsoft.Extensions.Logging;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.Platform;

/// <summary>The stored form of an aggregate: state, de-duplication watermarks and outbox in one document, so that one write under an ETag saves all three atomically.</summary>
public sealed record Document<TState>(long Version, TState State, ImmutableDictionary<string, long> Seen, ImmutableList<OutboxEvent> Outbox)
    where TState : class, IAggregate<TState>
{
    /// <summary>Decides and returns the new document (this instance if nothing changed) and the refusal, if any. <paramref name="heard"/> is the event that caused it, dropped if its source's watermark has it; <paramref name="told"/> says that the outbox is published and may go.</summary>
    public (Document<TState> Next, Refusal? Refusal) Turn(
        Func<TState, Decision<TState>> decide, Event? heard, string source, DateTimeOffset now, string? trace, JsonSerializerOptions json, bool told)
    {
        var late = heard is not null && HasSeen(heard);
        var state = told ? State.Told() : State;
        var decision = state.Overdue(now).Then(state, later => late ? Unchanged.Already : decide(later));
        var remember = heard is not null && !late && decision.Refusal is null;
        if (decision.Next is null && !remember)
        {
            return (this, decision.Refusal);
        }

        var version = Version + 1;
        var events = decision.Events.Select((e, i) =>
        {
            var stamped = e with { Source = source, Version = version, Part = i + 1, Timestamp = now };
            return new OutboxEvent(
                $"{source}:{version}.{i + 1}", e.EventType, e.ProductId, e.Id, stamped.Order, e.CorrelationId, heard is null ? null : $"{heard.Source}:{heard.Version}.{heard.Part}",
                e.TraceParent ?? trace, JsonSerializer.SerializeToElement(stamped, json.GetTypeInfo(stamped.GetType())));
        });
        var seen = remember ? Seen.SetItem(heard!.Source, heard.Order) : Seen;
        if (told)
        {
            seen = state.Trim(seen);
        }

        return (new(version, decision.Next ?? state, seen, [.. told ? [] : Outbox, .. events]), decision.Refusal);
    }

    // A source may be a part of a larger one (whole/part): the watermark of the whole holds for every part that has none of its own.
    private bool HasSeen(Event heard) => Seen.GetValueOrDefault(heard.Source) >= heard.Order || Seen.GetValueOrDefault(heard.Source.Split('/')[0]) >= heard.Order;
}

/// <summary>An event waiting in its aggregate's document; the id is the same however often it is published.</summary>
public sealed record OutboxEvent(
    string Id, string Type, string Key, string Subject, long Order, string? CorrelationId, string? CausationId, string? TraceParent, JsonElement Data);

/// <summary>Loads and saves this service's aggregates through the Dapr state API, and publishes their outboxes.</summary>
public sealed partial class AggregateStore(DaprClient dapr, ServiceIdentity service, WakeList wakes, TimeProvider clock, ILogger<AggregateStore> log)
{
    // First write wins: without it an empty ETag overwrites whatever another owner has just created.
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    private DateTimeOffset brokerRestsUntil;

    public WakeList Wakes => wakes;

    public TimeProvider Clock => clock;

    public JsonSerializerOptions Json => service.Json;

    /// <summary>The context and id that every event of an aggregate names as its source.</summary>
    public string Source(string id) => $"{service.Context}:{id}";

    /// <summary>The document and its ETag; version 0 with an empty ETag where nothing was ever written.</summary>
    public async Task<(Document<TState> Document, string ETag)> Load<TState>(string id, TState empty)
        where TState : class, IAggregate<TState>
    {
        var (document, etag) = await dapr.GetStateAndETagAsync<Document<TState>?>(ServiceIdentity.StateStore, Key<TState>(id));
        return (document ?? new(0, empty, ImmutableDictionary<string, long>.Empty, []), etag);
    }

    /// <summary>Writes under the ETag; false where another owner was faster.</summary>
    public Task<bool> Save<TState>(string id, Document<TState> document, string etag)
        where TState : class, IAggregate<TState> => Write(Key<TState>(id), document, etag);

    /// <summary>Read-modify-write of a document that no actor owns, retried a few times on ETag conflicts; returns what is stored in the end.</summary>
    public async Task<T?> Change<T>(string key, Func<T?, T?> change)
        where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            var (before, etag) = await dapr.GetStateAndETagAsync<T?>(ServiceIdentity.StateStore, key);
            var after = change(before);
            if (after is null || ReferenceEquals(after, before) || await Write(key, after, etag))
            {
                return after ?? before;
            }

            if (attempt == 10)
            {
                throw new DaprException($"{key} was changed by others ten times in a row.");
            }
        }
    }

    public async Task<T?> Read<T>(string key)
        where T : class => await dapr.GetStateAsync<T?>(ServiceIdentity.StateStore, key);

    /// <summary>Publishes in order; false if the broker cannot be reached, and then nothing is lost: the wake list asks again.</summary>
    public async Task<bool> Publish(IReadOnlyCollection<OutboxEvent> events)
    {
        if (events.Count > 0 && clock.GetUtcNow() < brokerRestsUntil)
        {
            return false;
        }

        foreach (var e in events)
        {
            var metadata = new Dictionary<string, string>
            {
                ["partitionKey"] = e.Key,
                ["cloudevent.id"] = e.Id,
                ["cloudevent.type"] = e.Type,
                ["cloudevent.subject"] = e.Subject,
                ["sequence"] = $"{e.Order / Event.PartsPerVersion}",
                ["correlationid"] = e.CorrelationId ?? "",
                ["causationid"] = e.CausationId ?? "",
            };
            if (e.TraceParent is not null)
            {
                metadata["cloudevent.traceparent"] = e.TraceParent;
            }

            using var span = Telemetry.Publishing(service.Topic, e);
            try
            {
                await dapr.PublishByteEventAsync(ServiceIdentity.PubSub, service.Topic, Encoding.UTF8.GetBytes(e.Data.GetRawText()), "application/json", metadata);
                Telemetry.Published(service.Topic, e, clock.GetUtcNow());
            }
            catch (DaprException failure)
            {
                // While the broker is down, no turn should wait for an attempt to publish: it is left alone for a moment, and the wake list retries.
                brokerRestsUntil = clock.GetUtcNow() + TimeSpan.FromSeconds(3);
                span?.SetStatus(ActivityStatusCode.Error, "not published");
                Telemetry.NotPublished(service.Topic);
                LogUnpublished(e.Id, e.Type, failure);
                return false;
            }
        }

        return true;
    }

    private static string Key<TState>(string id) => $"{typeof(TState).Name}-{id}";

    private async Task<bool> Write<T>(string key, T value, string etag)
    {
        try
        {
            return await dapr.TrySaveStateAsync(ServiceIdentity.StateStore, key, value, etag, FirstWrite);
        }
        catch (DaprException failure)
        {
            // The outcome is unknown: Redis reports a lost creation race as a general error, and a broken connection reports
            // nothing. Reading again settles both.
            LogUnsure(key, failure);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Event} ({Type}) could not be published yet; it stays in its document and is tried again")]
    private partial void LogUnpublished(string @event, string type, Exception failure);

    [LoggerMessage(Level = LogLevel.Information, Message = "The write of {Key} failed with an unknown outcome; reading it again")]
    private partial void LogUnsure(string key, Exception failure);
}

/// <summary>
/// An actor that owns one aggregate. Turn-based calls give ordering; safety comes from the document's ETag: if two hosts activate
/// the same id, one save wins and the other reloads and decides again.
/// </summary>
public abstract class AggregateActor<TState>(ActorHost host, AggregateStore store, TState empty) : Actor(host)
    where TState : class, IAggregate<TState>
{
    private static readonly TimeSpan PublishAgain = TimeSpan.FromSeconds(5);

    private (Document<TState> Document, string ETag)? kept;

    // The highest version that is projected and published; it only grows, also where turns overlap because a caller timed out.
    private long told;

    protected AggregateStore Store => store;

    protected DateTimeOffset Now => store.Clock.GetUtcNow();

    private string AggregateId => Id.GetId();

    private string WakeMember => $"{GetType().Name}/{AggregateId}";

    /// <summary>One turn: load, apply overdue deadlines, decide, save under the ETag, publish. One that wakes also takes the aggregate off the wake list; one that expects another version than there is is refused.</summary>
    protected async Task<Reply<TState>> Handle(Func<TState, Decision<TState>> decide, Event? heard = null, double? wakeMark = null, long? expected = null)
    {
        // A wake-up must not use the cached document: another host may have written since.
        kept = wakeMark is null ? kept : null;
        var (mark, cached) = (wakeMark, kept is not null);
        for (var attempt = 1; attempt <= 4; attempt++)
        {
            var (before, etag) = kept ??= await Load();
            if (!before.Outbox.IsEmpty)
            {
                // An outbox left by an earlier activation or a broker outage is published first: otherwise every write would carry it on.
                await Tell(before);
            }

            var (next, refusal) = expected is { } version && version != before.Version
                ? (before, Refusal.VersionChanged($"{before.Version}"))
                : before.Turn(decide, heard, store.Source(AggregateId), Now, Activity.Current?.Id, store.Json, told: before.Outbox.IsEmpty || before.Version <= told);
            if (refusal is not null && cached)
            {
                // A refusal based on the cached document may be stale, and without a write no ETag conflict would show it: reload and decide again.
                (kept, cached) = (null, false);
                continue;
            }

            if (ReferenceEquals(next, before))
            {
                await Finish(before, mark);
                return new(next.State, refusal, Changed: false, next.Version);
            }

            mark = await store.Wakes.Put(WakeMember, Now + PublishAgain);
            if (await Save(next, etag))
            {
                Telemetry.Saved(next.Outbox.Where(e => e.Order / Event.PartsPerVersion == next.Version));
                await Finish(next, mark);
                return new(next.State, refusal, Changed: true, next.Version);
            }

            // What is kept now has just been read.
            cached = false;
        }

        throw new DaprException($"{WakeMember} was changed by another owner three times in a row; ask again.");
    }

    /// <summary>Updates the read models from the saved document, before its events are published; must be idempotent.</summary>
    protected virtual Task Project(Document<TState> document) => Task.CompletedTask;

    /// <summary>Adds what a loaded state needs of the configuration and does not store.</summary>
    protected virtual TState Equip(TState state) => state;

    private async Task<(Document<TState> Document, string ETag)> Load()
    {
        var (document, etag) = await store.Load(AggregateId, empty);
        return (document with { State = Equip(document.State) }, etag);
    }

    /// <summary>Writes under the ETag and keeps in mind what is there now; false where another owner was faster.</summary>
    private async Task<bool> Save(Document<TState> next, string etag)
    {
        if (await store.Save(AggregateId, next, etag))
        {
            // Dapr does not return the ETag of a save. Redis counts them up by one, so the next is guessed; on another store a wrong guess costs a reload, never a lost write.
            kept = (next, long.TryParse(etag, out var n) ? $"{n + 1}" : "1");
            return true;
        }

        // A write whose answer was lost may have been done all the same: only reading tells.
        kept = null;
        var stored = await Load();
        kept = stored;
        return stored.Document.Version == next.Version
            && JsonElement.DeepEquals(JsonSerializer.SerializeToElement(stored.Document, store.Json), JsonSerializer.SerializeToElement(next, store.Json));
    }

    private async Task Finish(Document<TState> document, double? mark)
    {
        if (await Tell(document) && mark is { } seen)
        {
            await store.Wakes.Settle(WakeMember, seen, document.State.NextWake);
        }
    }

    /// <summary>Projects and publishes the document unless that is done; false if the broker cannot be reached.</summary>
    private async Task<bool> Tell(Document<TState> document)
    {
        if (document.Version > told)
        {
            await Project(document);
            if (!await store.Publish(document.Outbox))
            {
                return false;
            }

            told = Math.Max(told, document.Version);
        }

        return true;
    }
}
