using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using SecondhandTrade.Platform;
using StackExchange.Redis;

namespace SecondhandTrade.Notifications;

/// <summary>
/// Each person's notices in the order they came, numbered from 1, for those who listen. The numbers are in Redis and outlive a connection;
/// Redis' pub/sub only says "look", so a message that it loses costs a heartbeat's time and nothing else.
/// </summary>
public sealed class NoticeStream(IConnectionMultiplexer redis, ReadModel lists, TownService service, TimeProvider clock, IHostApplicationLifetime life)
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

    private IDatabase Redis => redis.GetDatabase();

    /// <summary>Gives the notice the addressee's next number, unless it has one, and wakes those who listen.</summary>
    public async Task Add(string userId, string noticeId)
    {
        await Redis.ScriptEvaluateAsync(AddScript, [Ids(userId), Last(userId)], [noticeId, Kept]);
        await redis.GetSubscriber().PublishAsync(Bell(userId), noticeId);
    }

    /// <summary>Writes server-sent events until the reader leaves or the service stops: all after the given number, or from now on.</summary>
    public async Task Write(HttpContext http, string userId, long? after)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
        var stop = either.Token;
        var rung = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void Ring(RedisChannel channel, RedisValue noticeId) => rung.Writer.TryWrite(true);

        // Listening begins before the look at what is there, so that nothing can fall between the two.
        await redis.GetSubscriber().SubscribeAsync(Bell(userId), Ring);
        try
        {
            var seen = after ?? (long)await Redis.StringGetAsync(Last(userId));
            http.Response.ContentType = "text/event-stream; charset=utf-8";
            http.Response.Headers.CacheControl = "no-store";
            http.Response.Headers["X-Accel-Buffering"] = "no";

            // An id without data is no event, but a browser that is cut off now comes back with it.
            await Send(http, $"retry: 2000\nid: {seen}\n\n", stop);
            while (true)
            {
                while (await Redis.SortedSetRangeByScoreWithScoresAsync(Ids(userId), seen, exclude: Exclude.Start, take: 100) is { Length: > 0 } next)
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
            await redis.GetSubscriber().UnsubscribeAsync(Bell(userId), Ring);
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
}
