using StackExchange.Redis;

namespace SecondhandTrade.MyPages;

/// <summary>How far behind my page is, per topic, in a Redis hash that all replicas write. A gauge: an entry that is lost changes no row.</summary>
public sealed class ProjectionLag(IConnectionMultiplexer redis, TimeProvider clock)
{
    private const string Key = "mypage:lag";

    public static readonly IReadOnlyList<string> Topics = ["reservations", "trades", "payments", "stock"];

    public void Applied(string topic, DateTimeOffset at)
    {
        var behind = Math.Max(0, (long)(clock.GetUtcNow() - at).TotalMilliseconds);
        var board = redis.GetDatabase();
        board.HashIncrement(Key, $"{topic}:applied", flags: CommandFlags.FireAndForget);
        board.HashSet(Key, [new($"{topic}:at", at.ToUnixTimeMilliseconds()), new($"{topic}:behind", behind)], CommandFlags.FireAndForget);
    }

    public async Task<IReadOnlyList<TopicLag>> Read()
    {
        var kept = (await redis.GetDatabase().HashGetAllAsync(Key)).ToDictionary(e => e.Name.ToString(), e => (long)e.Value);
        return
        [
            .. Topics.Select(topic => new TopicLag(
                topic, kept.GetValueOrDefault($"{topic}:applied"),
                kept.TryGetValue($"{topic}:at", out var at) ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
                kept.TryGetValue($"{topic}:behind", out var behind) ? behind : null)),
        ];
    }
}
