using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>One row of a list: what is shown, the version it shows, its place in time (Unix milliseconds), and by which facets it is found.</summary>
public sealed record Row<T>(string Id, long Version, long At, IReadOnlyList<string> Facets, T View);

/// <summary>
/// Lists in Redis, fed by those who own the truth: a hash per row and a sorted set per facet (<c>userid=abc</c>), written together
/// and only by a newer version.
/// </summary>
public sealed class ReadModel(IConnectionMultiplexer redis, ServiceIdentity service)
{
    private IDatabase Redis => redis.GetDatabase();

    /// <summary>The row as it stands, or null.</summary>
    public async Task<Row<T>?> Find<T>(string kind, string id)
    {
        var kept = await Redis.HashGetAllAsync(Key(kind, $"row:{id}"));
        return kept.Length == 0 ? null : Row<T>(id, kept.ToDictionary(e => e.Name.ToString(), e => e.Value));
    }

    /// <summary>Replaces the row unless what is there is as new.</summary>
    public Task Put<T>(string kind, Row<T> row) => Change<T>(kind, row.Id, old => old is null || old.Version < row.Version ? row : null);

    /// <summary>Reads, changes and writes a row as one step; a change that returns null leaves it as it is.</summary>
    public async Task Change<T>(string kind, string id, Func<Row<T>?, Row<T>?> change)
    {
        var key = Key(kind, $"row:{id}");
        while (true)
        {
            var mark = await Redis.HashGetAsync(key, "mark");
            var before = await Find<T>(kind, id);
            if (change(before) is not { } after)
            {
                return;
            }

            var write = Redis.CreateTransaction();
            write.AddCondition(mark.IsNull ? Condition.KeyNotExists(key) : Condition.HashEqual(key, "mark", mark));
            foreach (var facet in before?.Facets.Except(after.Facets) ?? [])
            {
                _ = write.SortedSetRemoveAsync(Key(kind, $"by:{facet}"), id);
            }

            foreach (var facet in after.Facets.Append("all"))
            {
                _ = write.SortedSetAddAsync(Key(kind, $"by:{facet}"), id, after.At);
            }

            _ = write.HashSetAsync(key,
            [
                new("mark", Guid.NewGuid().ToString("N")), new("version", after.Version), new("at", after.At), new("facets", string.Join('\n', after.Facets)),
                new("view", JsonSerializer.SerializeToUtf8Bytes(after.View, service.Json)),
            ]);
            if (await write.ExecuteAsync())
            {
                return;
            }
        }
    }

    /// <summary>How many rows have the facet.</summary>
    public long Count(string kind, string facet) => Redis.SortedSetLength(Key(kind, $"by:{facet}"));

    /// <summary>The page of rows that have all the facets, and how many there are in all.</summary>
    public Task<(IReadOnlyList<T> Views, long Total)> Query<T>(string kind, Paging paging, params IEnumerable<string?> facets) => Query<T>(kind, paging, null, facets);

    /// <summary>The same of those rows that the filter lets pass; reads every row that has the facets.</summary>
    public async Task<(IReadOnlyList<T> Views, long Total)> Query<T>(string kind, Paging paging, Func<T, bool>? filter, params IEnumerable<string?> facets)
    {
        if (filter is not null)
        {
            var (all, _) = await Query<T>(kind, new("0", $"{int.MaxValue}", paging.Sort), null, facets);
            var passed = all.Where(filter).ToList();
            return ([.. passed.Skip(paging.First).Take(paging.Length)], passed.Count);
        }

        var keys = facets.Where(f => f is not null).DefaultIfEmpty("all").Select(f => Key(kind, $"by:{f}")).ToArray();
        var order = paging.NewestFirst ? Order.Descending : Order.Ascending;
        RedisValue[] ids;
        long total;
        if (keys is [var one])
        {
            total = await Redis.SortedSetLengthAsync(one);
            ids = await Redis.SortedSetRangeByRankAsync(one, paging.First, paging.First + (long)paging.Length - 1, order);
        }
        else
        {
            var all = await Redis.SortedSetCombineWithScoresAsync(SetOperation.Intersect, keys, aggregate: Aggregate.Max);
            total = all.Length;
            ids = [.. (paging.NewestFirst ? all.OrderByDescending(e => e.Score) : all.OrderBy(e => e.Score)).Skip(paging.First).Take(paging.Length).Select(e => e.Element)];
        }

        var rows = await Task.WhenAll(ids.Select(id => Find<T>(kind, id!)));
        return ([.. rows.OfType<Row<T>>().Select(r => r.View)], total);
    }

    private Row<T> Row<T>(string id, Dictionary<string, RedisValue> kept) => new(
        id, (long)kept["version"], (long)kept["at"], kept["facets"].ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries),
        JsonSerializer.Deserialize<T>(((ReadOnlyMemory<byte>)kept["view"]).Span, service.Json)!);

    // The braces keep a row and its facets in one slot of a clustered Redis, where the transaction needs them.
    private RedisKey Key(string kind, string rest) => $"{{{service.Context}:{kind}}}:{rest}";
}

/// <summary>Which part of a list is asked for: <c>page</c> from 0, <c>size</c> up to 100, <c>sort</c> newest (default) or oldest.</summary>
public sealed record Paging(string? Page, string? Size, string? Sort)
{
    /// <summary>The place of the first row, from 0.</summary>
    [JsonIgnore]
    public int First => Number * Length;

    [JsonIgnore]
    internal bool NewestFirst => Sort != "oldest";

    /// <summary>How many rows at most.</summary>
    [JsonIgnore]
    public int Length => int.TryParse(Size, out var size) ? size : 20;

    internal int Number => int.TryParse(Page, out var page) ? page : 0;

    public Check Check() => new Check()
        .That(Page is null || (int.TryParse(Page, out var page) && page is >= 0 and <= 100_000), "page", "page must be a whole number from 0.")
        .That(Size is null || (int.TryParse(Size, out var size) && size is >= 1 and <= 100), "size", "size must be a whole number from 1 to 100.")
        .That(Sort is null or "newest" or "oldest", "sort", "sort must be newest or oldest.");
}

/// <summary>A place one may go from here.</summary>
public sealed record Link(string Href, string? Method = null);

/// <summary>Which part of a list this is.</summary>
public sealed record PageInfo(int Size, int Number, long TotalElements);

/// <summary>A list in HAL: <c>_embedded</c> holds the resources under their kind's name.</summary>
public sealed record HalList<T>(
    [property: JsonPropertyName("_embedded")] Dictionary<string, IReadOnlyList<T>> Embedded,
    PageInfo Page,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links);

/// <summary>Answers as <c>application/hal+json</c> with ETags.</summary>
public static class Hal
{
    internal const string Media = "application/hal+json";

    private const string Type = $"{Media}; charset=utf-8";

    /// <summary>
    /// The resource under its ETag, or 304 where the caller has it already. The tag is the version and a digest of what is shown of it: two who may
    /// see different parts of one version have different tags.
    /// </summary>
    public static IResult Ok<T>(HttpContext http, T resource, string etag, int status = 200, string? location = null)
    {
        var shown = JsonSerializer.SerializeToUtf8Bytes(resource, http.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions);
        var quoted = $"\"{etag}-{Convert.ToHexStringLower(SHA256.HashData(shown))[..16]}\"";
        http.Response.Headers.ETag = quoted;
        Keep(http);
        if (location is not null)
        {
            http.Response.Headers.Location = location;
        }

        return HttpMethods.IsGet(http.Request.Method) && http.Request.Headers.IfNoneMatch.Any(tag => tag!.Contains(quoted, StringComparison.Ordinal))
            ? TypedResults.StatusCode(304)
            : TypedResults.Text(shown, Type, status);
    }

    /// <summary>A page of a list.</summary>
    public static IResult List<T>(HttpContext http, string kind, IReadOnlyList<T> views, long total, Paging paging)
    {
        Keep(http);
        return TypedResults.Json(
            new HalList<T>(new() { [kind] = views }, new(paging.Length, paging.Number, total), new() { ["self"] = new(http.Request.Path + http.Request.QueryString) }), contentType: Type);
    }

    // By whoever asked, and not without asking again: what one may see depends on who one is.
    private static void Keep(HttpContext http) => (http.Response.Headers.CacheControl, http.Response.Headers.Vary) = ("private, no-cache", "Accept, Authorization");

    /// <summary>412 where the caller acts on another version than the one that is, else null.</summary>
    public static IResult? Stale(HttpContext http, string etag) =>
        http.Request.Headers.IfMatch is { Count: > 0 } wanted && !wanted.Any(tag => tag == "*" || tag!.Contains($"\"{etag}-", StringComparison.Ordinal))
            ? Problems.Refused(Refusal.VersionChanged(etag))
            : null;

    /// <summary>Whether the caller acts on one version only: the decision is to be refused if it has changed by then.</summary>
    public static bool NamesVersion(HttpContext http) => http.Request.Headers.IfMatch is { Count: > 0 } wanted && !wanted.Contains("*");
}
