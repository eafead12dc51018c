using System.Diagnostics;
using System.Text.Json;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

/// <summary>
/// Keeps notices and sees that they are told: document, list, stream, topic. Each step bears being repeated and the last one marks the
/// document, so whoever comes next, the event again or the wake list, completes what a crash cut short.
/// </summary>
public sealed class NoticeService(AggregateStore store, ReadModel lists, NoticeStream stream)
{
    public const string WakeKind = nameof(Notice);

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);

    public Task<Notice?> Find(string id) => store.Read<Notice>(Notice.Key(id));

    /// <summary>Keeps the notice and tells of it; returns what is kept under its id, which is another if the id was taken.</summary>
    public async Task<Notice> Keep(Notice notice)
    {
        if (await Find(notice.Id) is { Told: true } done)
        {
            return done;
        }

        // On the list before the document is there: a crash in between wakes for nothing, the other order would forget.
        var mark = await store.Wakes.Put($"{WakeKind}/{notice.Id}", store.Clock.GetUtcNow() + Again);
        var kept = (await store.Change<Notice>(Notice.Key(notice.Id), known => known ?? notice))!;
        return await Tell(kept, mark);
    }

    /// <summary>Marks the notice read; null for an unknown id.</summary>
    public async Task<Notice?> Read(string id)
    {
        var read = await store.Change<Notice>(Notice.Key(id), known => known?.Read(store.Clock.GetUtcNow()));
        if (read is not null)
        {
            await lists.Put(NoticeResource.Kind, NoticeResource.Row(read));
        }

        return read;
    }

    public async Task Wake(string id, double mark)
    {
        if (await Find(id) is { } kept)
        {
            await Tell(kept, mark);
        }
        else
        {
            await store.Wakes.Settle($"{WakeKind}/{id}", mark, null);
        }
    }

    private async Task<Notice> Tell(Notice notice, double mark)
    {
        if (!notice.Told)
        {
            await lists.Put(NoticeResource.Kind, NoticeResource.Row(notice));
            await stream.Add(notice.UserId, notice.Id);

            // The event is out before the mark is in: a crash in between publishes it again under the same CloudEvent id, which is
            // what readers tell repetitions by. The other order could lose it.
            if (!await store.Publish([Outgoing(notice)]))
            {
                return notice;
            }

            notice = (await store.Change<Notice>(Notice.Key(notice.Id), known => known! with { Told = true }))!;
        }

        await store.Wakes.Settle($"{WakeKind}/{notice.Id}", mark, null);
        return notice;
    }

    private OutboxEvent Outgoing(Notice notice)
    {
        var created = notice.Created(store.Source(notice.Id));
        return new(
            $"{created.Source}:1.1", created.EventType, created.ProductId, created.Id, created.Order, created.CorrelationId, null, Activity.Current?.Id,
            JsonSerializer.SerializeToElement(created, store.Json.GetTypeInfo(typeof(NoticeCreated))));
    }
}
