using System.Text.Json;
using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

/// <summary>Keeps the rows; effect and memory of what was heard are one row, written in one step.</summary>
public sealed class MyPages(ReadModel lists, ProjectionLag lag, ServiceIdentity service)
{
    public const string Kind = "mypages";

    public async Task Hear(string topic, Heard e)
    {
        var changed = false;
        await lists.Change<MyPageRow>(Kind, e.ReservationId, old =>
        {
            var before = old?.View ?? new MyPageRow(e.ReservationId);
            var after = before.Hear(e);
            changed = !ReferenceEquals(after, before);
            return changed ? Row(after, (old?.Version ?? 0) + 1) : null;
        });
        if (changed)
        {
            lag.Applied(topic, e.At);
        }
    }

    /// <summary>Folds each row anew from its events beside the one that is shown, and puts it in place where the two differ.</summary>
    public async Task<Rebuilt> Rebuild()
    {
        var ids = new HashSet<string>();
        for (var page = 0; ; page++)
        {
            var (views, _) = await lists.Query<MyPageRow>(Kind, new($"{page}", "100", "oldest"));
            if (views.Count == 0)
            {
                break;
            }

            ids.UnionWith(views.Select(v => v.ReservationId));
        }

        var changed = new List<string>();
        foreach (var id in ids)
        {
            var differs = false;
            await lists.Change<MyPageRow>(Kind, id, old =>
            {
                var shadow = Row(MyPageRow.Fold(id, old!.View.Events), old.Version + 1);
                differs = !Same(shadow, old);
                return differs ? shadow : null;
            });
            if (differs)
            {
                changed.Add(id);
            }
        }

        return new(ids.Count, changed.Count, changed);
    }

    private static Row<MyPageRow> Row(MyPageRow row, long version)
    {
        string[] facets = [$"userid={row.UserId}", $"party={row.UserId}", $"productid={row.ProductId}", $"status={row.Status}"];
        return new(
            row.ReservationId, version, row.Since.ToUnixTimeMilliseconds(),
            row.SellerId is { } seller ? [.. facets, $"sellerid={seller}", $"party={seller}"] : facets, row);
    }

    private bool Same(Row<MyPageRow> one, Row<MyPageRow> other) =>
        one.At == other.At && one.Facets.SequenceEqual(other.Facets)
        && JsonSerializer.SerializeToUtf8Bytes(one.View, service.Json).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(other.View, service.Json));
}
