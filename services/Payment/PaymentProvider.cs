using System.Globalization;
using System.Text.Json.Serialization;
using StackExchange.Redis;

namespace SecondhandTrade.Payments;

/// <summary>The provider could not be asked, or its answer was lost: nothing is known of the money.</summary>
public sealed class ProviderException(string message) : Exception(message);

/// <summary>The outside world: every call carries the key under which the provider does a thing once, however often it is asked.</summary>
public interface IPaymentProvider
{
    /// <summary>Authorises the amount in won; <see cref="ProviderWord.Unknown"/> where the provider has taken the request and will decide later.</summary>
    Task<ProviderWord> Authorise(string key, string userId, long amount, CancellationToken stop);

    /// <summary>The outcome of an authorisation; if the provider never received it, its key is invalidated, so that a delayed request cannot succeed.</summary>
    Task<ProviderWord> Find(string key, CancellationToken stop);

    Task<ProviderWord> Capture(string key, CancellationToken stop);

    Task<ProviderWord> Void(string key, CancellationToken stop);

    Task<ProviderWord> Refund(string key, CancellationToken stop);

    Task<ProviderWord> Release(string key, CancellationToken stop);

    /// <summary>What became of everything the provider was ever asked, by key: <c>authorised</c>, <c>captured</c>, <c>released</c>, <c>refunded</c>, <c>voided</c>, <c>declined</c>.</summary>
    Task<IReadOnlyDictionary<string, string>> Records(CancellationToken stop);
}

/// <summary>How the simulated provider behaves.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SimulatorMode>))]
public enum SimulatorMode
{
    [JsonStringEnumMemberName("ok")] Ok,
    [JsonStringEnumMemberName("slow")] Slow,
    [JsonStringEnumMemberName("fail")] Fail,
    [JsonStringEnumMemberName("decline")] Decline,
    [JsonStringEnumMemberName("lose-answer")] LoseAnswer,
    [JsonStringEnumMemberName("late")] Late,
}

/// <summary>A provider for towns without a bank: keeps its books in Redis, as a real one keeps its own, whatever happens to the payment service.</summary>
public sealed class SimulatedProvider(IConnectionMultiplexer redis, TimeProvider clock) : IPaymentProvider
{
    private static readonly RedisKey ModeKey = "provider:mode";
    private static readonly RedisKey KeysKey = "provider:keys";
    private static readonly TimeSpan SlowAnswer = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LateDecision = TimeSpan.FromSeconds(20);

    private IDatabase Redis => redis.GetDatabase();

    public Task SetMode(SimulatorMode mode) => Redis.StringSetAsync(ModeKey, mode.ToString());

    public async Task<SimulatorMode> Mode() => Enum.TryParse<SimulatorMode>(await Redis.StringGetAsync(ModeKey), out var mode) ? mode : SimulatorMode.Ok;

    public async Task<ProviderWord> Authorise(string key, string userId, long amount, CancellationToken stop)
    {
        var mode = await Begin(stop);
        var status = mode switch
        {
            SimulatorMode.Decline => "declined",
            SimulatorMode.Late => $"late:{(clock.GetUtcNow() + LateDecision).ToUnixTimeMilliseconds()}",
            _ => "authorised",
        };
        await Redis.HashSetAsync(Key(key), "amount", amount, When.NotExists);
        await Redis.HashSetAsync(Key(key), "status", status, When.NotExists);
        await Redis.SetAddAsync(KeysKey, key);
        return End(mode, Word(await Status(key)));
    }

    public async Task<ProviderWord> Find(string key, CancellationToken stop)
    {
        var mode = await Begin(stop);
        await Redis.HashSetAsync(Key(key), "status", "voided", When.NotExists);
        return mode == SimulatorMode.LoseAnswer ? throw Lost() : Word(await Status(key));
    }

    public Task<ProviderWord> Capture(string key, CancellationToken stop) => Move(key, "captured", ["authorised"], stop);

    public async Task<ProviderWord> Void(string key, CancellationToken stop)
    {
        var mode = await Begin(stop);
        await Change(key, status => status is "captured" or "released" or "refunded" ? null : "voided");
        return End(mode, ProviderWord.Approved);
    }

    public async Task<ProviderWord> Refund(string key, CancellationToken stop)
    {
        // Voided if nothing was captured, in one step with finding that out: a capture may be on its way.
        var mode = await Begin(stop);
        return End(mode, await Change(key, status => status == "captured" ? "refunded" : status is "refunded" or "released" ? null : "voided") switch
        {
            "refunded" => ProviderWord.Approved,
            "voided" => ProviderWord.Voided,
            _ => ProviderWord.Declined,
        });
    }

    public Task<ProviderWord> Release(string key, CancellationToken stop) => Move(key, "released", ["captured"], stop);

    public async Task<IReadOnlyDictionary<string, string>> Records(CancellationToken stop)
    {
        var records = new Dictionary<string, string>();
        foreach (var key in await Redis.SetMembersAsync(KeysKey))
        {
            records[key!] = await Status(key!) ?? "";
        }

        return records;
    }

    private static RedisKey Key(string key) => $"provider:{key}";

    private static ProviderException Lost() => new("The simulated provider's answer was lost on the way.");

    private static ProviderWord End(SimulatorMode mode, ProviderWord word) => mode == SimulatorMode.LoseAnswer ? throw Lost() : word;

    private static ProviderWord Word(string? status) => status switch
    {
        "authorised" or "captured" or "released" or "refunded" => ProviderWord.Approved,
        "declined" => ProviderWord.Declined,
        "voided" => ProviderWord.NeverCame,
        _ => ProviderWord.Unknown,
    };

    private async Task<ProviderWord> Move(string key, string to, IReadOnlyCollection<string> from, CancellationToken stop)
    {
        var mode = await Begin(stop);
        var status = await Change(key, status => status is not null && from.Contains(status) ? to : null);
        return End(mode, status == to ? ProviderWord.Approved : ProviderWord.Declined);
    }

    // One step, as at a real provider; a change of null leaves it as it is. Answers with what is so then.
    private async Task<string?> Change(string key, Func<string?, string?> change)
    {
        while (true)
        {
            var kept = await Redis.HashGetAsync(Key(key), "status");
            var status = await Status(key);
            if (change(status) is not { } next)
            {
                return status;
            }

            var write = Redis.CreateTransaction();
            write.AddCondition(kept.IsNull ? Condition.HashNotExists(Key(key), "status") : Condition.HashEqual(Key(key), "status", kept));
            _ = write.HashSetAsync(Key(key), "status", next);
            if (await write.ExecuteAsync())
            {
                return next;
            }
        }
    }

    private async Task<string?> Status(string key)
    {
        var status = (string?)await Redis.HashGetAsync(Key(key), "status");
        return status is not null && status.StartsWith("late:", StringComparison.Ordinal)
            && clock.GetUtcNow().ToUnixTimeMilliseconds() >= long.Parse(status[5..], CultureInfo.InvariantCulture) ? "authorised" : status;
    }

    private async Task<SimulatorMode> Begin(CancellationToken stop)
    {
        var mode = await Mode();
        if (mode == SimulatorMode.Slow)
        {
            await Task.Delay(SlowAnswer, clock, stop);
        }

        return mode == SimulatorMode.Fail ? throw new ProviderException("The simulated provider is out of order.") : mode;
    }
}
