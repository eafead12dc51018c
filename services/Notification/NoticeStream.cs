using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using SecondhandTrade.Platform;
using StackExchange.Redis;

namespace SecondhandTrade.Notifications;

/// <summary>
/// Each person's notices in the order they came, numbered from 1, for those who listen. The numbers are in Redis and outlive a connection;
/// Redis' pub/sub only says "look", so a message that it loses costs a heartbeat's time and nothing else. A product's bell is no more than that: "look again".
/// </summary>
public sealed class NoticeStream(IConnectionMultiplexer redis, ReadModel lists, ServiceIdentity service, TimeProvider clock, IHostApplicationLifetime life)
{
    private const int Kept = 1000;

    // One step, so that a notice told twice keeps its number and no two notices share one.
    private static readonly string AddScript = """
        if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
        redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), ARGV[1])
        redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
        return 1
        """;

    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    // What a timer can count, and longer than anyone reads.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private IDatabase Redis => redis.GetDatabase();

    /// <summary>Gives the notice the addressee's next number, unless it has one, and wakes those who listen.</summary>
    public async Task Add(string userId, string noticeId)
    {
        await Redis.ScriptEvaluateAsync(AddScript, [Ids(userId), Last(userId)], [noticeId, Kept]);
        await redis.GetSubscriber().PublishAsync(Bell(userId), noticeId);
    }

    /// <summary>Wakes those who look at the product: something about it has changed, for whomever.</summary>
    public Task Ring(string productId) => redis.GetSubscriber().PublishAsync(ProductBell(productId), "");

    /// <summary>
    /// Writes server-sent events until the reader leaves, the token's life is over or the service stops: the person's notices after the given
    /// number, or from now on, and <c>event: product</c>, without an id, for each of the products that has changed. Who only looks at products has no name.
    /// </summary>
    public async Task Write(HttpContext http, string? userId, long? after, IReadOnlyList<string> products, TimeSpan? lifeOfToken)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromTicks(Math.Clamp((lifeOfToken ?? Longest).Ticks, 0, Longest.Ticks)), clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping, over.Token);
        var stop = either.Token;
        var rung = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var changed = new ConcurrentDictionary<string, bool>();
        var bells = products.ToDictionary(ProductBell);
        if (userId is not null)
        {
            bells[Bell(userId)] = "";
        }

        void Rang(RedisChannel channel, RedisValue said)
        {
            if (bells[channel] is { Length: > 0 } product)
            {
                changed[product] = true;
            }

            rung.Writer.TryWrite(true);
        }

        // Listening begins before the look at what is there, so that nothing can fall between the two.
        await Task.WhenAll(bells.Keys.Select(bell => redis.GetSubscriber().SubscribeAsync(bell, Rang)));
        try
        {
            // A number that was never given, from another town or a store that was emptied, would be waited for in vain.
            var last = userId is null ? 0 : (long)await Redis.StringGetAsync(Last(userId));
            var seen = Math.Min(after ?? last, last);
            http.Response.ContentType = "text/event-stream; charset=utf-8";
            http.Response.Headers.CacheControl = "no-store";
            http.Response.Headers["X-Accel-Buffering"] = "no";

            // An id without data is no event, but a browser that is cut off now comes back with it.
            await Send(http, $"retry: 2000\nid: {seen}\n\n", stop);
            while (true)
            {
                while (userId is not null && await Redis.SortedSetRangeByScoreWithScoresAsync(Ids(userId), seen, exclude: Exclude.Start, take: 100) is { Length: > 0 } next)
                {
                    foreach (var entry in next)
                    {
                        seen = (long)entry.Score;
                        if (await lists.Find<NoticeResource>(NoticeResource.Kind, entry.Element!) is { } row)
                        {
                            await Send(http, $"id: {seen}\ndata: {JsonSerializer.Serialize(row.View, service.Json)}\n\n", stop);
                        }
                    }
                }

                foreach (var product in changed.Keys)
                {
                    changed.TryRemove(product, out _);
                    await Send(http, $"event: product\ndata: {product}\n\n", stop);
                }

                if (!await Rung(rung.Reader, stop))
                {
                    await Send(http, ": still here\n\n", stop);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end that every stream has.
        }
        finally
        {
            await Task.WhenAll(bells.Keys.Select(bell => redis.GetSubscriber().UnsubscribeAsync(bell, Rang)));
        }
    }

    /// <summary>True when there is something to look at, false when a heartbeat is due.</summary>
    private async Task<bool> Rung(ChannelReader<bool> bell, CancellationToken stop)
    {
        using var beat = new CancellationTokenSource(Heartbeat, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, beat.Token);
        try
        {
            return await bell.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task Send(HttpContext http, string text, CancellationToken stop)
    {
        await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), stop);
        await http.Response.Body.FlushAsync(stop);
    }

    // The braces keep both keys of a person in one slot of a clustered Redis, where the script needs them.
    private static RedisKey Ids(string userId) => $"{{notices:{userId}}}:ids";

    private static RedisKey Last(string userId) => $"{{notices:{userId}}}:last";

    private static RedisChannel Bell(string userId) => RedisChannel.Literal($"notices:{userId}");

    private static RedisChannel ProductBell(string productId) => RedisChannel.Literal($"product:{productId}");
}
