using System.Globalization;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>The state.redis component: a hash with data and version per key, including the edge cases of daprd's.</summary>
internal sealed class RedisState : StateStore
{
    // A failed change does not roll back the others, just like the MULTI of scripts in daprd.
    private const string Apply = """
        local failed = {}
        for i = 1, #KEYS do
          local at = (i - 1) * 5
          local kind, etag, first, data, ttl = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
          local version = redis.pcall('HGET', KEYS[i], 'version')
          local foreign = type(version) == 'table'
          if kind == 'delete' then
            if not version or foreign or version == '' or version == etag or etag == '0' then
              redis.call('DEL', KEYS[i])
            else
              failed[#failed + 1] = i
            end
          else
            if foreign then
              redis.call('DEL', KEYS[i])
              version = false
            end
            local marked = redis.call('HGET', KEYS[i], 'first-write')
            if not version or version == '' or version == etag or (etag == '0' and not marked) then
              redis.call('HSET', KEYS[i], 'data', data)
              if first == '1' then
                redis.call('HSET', KEYS[i], 'first-write', '0')
              end
              redis.call('HINCRBY', KEYS[i], 'version', 1)
              if ttl ~= '' then
                if tonumber(ttl) > 0 then
                  redis.call('EXPIRE', KEYS[i], ttl)
                else
                  redis.call('PERSIST', KEYS[i])
                end
              end
            else
              failed[#failed + 1] = i
            end
          end
        end
        return failed
        """;

    private static readonly RedisValue[] Columns = ["data", "version"];

    private readonly Lazy<IDatabase> database;
    private readonly int? defaultTtl;

    private RedisState(string name, Lazy<IDatabase> database, string prefix, int? defaultTtl, bool forActors) : base(name, prefix, forActors) =>
        (this.database, this.defaultTtl) = (database, defaultTtl);

    /// <summary>The Redis connection is resolved on first use, because --check creates components without one.</summary>
    public static RedisState Create(ComponentSpec spec, Dictionary<string, string> metadata, string appId, StandInContext shared)
    {
        if (metadata.GetValueOrDefault("enableTLS") == "true" || metadata.GetValueOrDefault("failover") == "true" || metadata.GetValueOrDefault("redisType", "node") is not ("node" or ""))
        {
            throw new LocalRunnerException($"{spec.Where}: TLS, failover and cluster are not supported locally; remove enableTLS, failover and redisType.");
        }

        var number = Number("redisDB") ?? -1;
        return new RedisState(
            spec.Name,
            new Lazy<IDatabase>(() => shared.Redis.GetDatabase(number)),
            PrefixOf(spec, metadata, appId),
            Number("ttlInSeconds"),
            IsForActors(metadata));

        int? Number(string name) =>
            metadata.GetValueOrDefault(name, "") is not { Length: > 0 } text ? null
            : int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number
            : throw new LocalRunnerException($"{spec.Where}, {name}: '{text}' is not a whole number.");
    }

    public override async Task<(byte[]? Data, string Etag)> GetAsync(string key)
    {
        try
        {
            var found = await database.Value.HashGetAsync(key, Columns);
            return found[0].IsNull ? (null, "") : ((byte[]?)found[0], found[1].ToString());
        }
        catch (RedisServerException e) when (e.Message.StartsWith("WRONGTYPE", StringComparison.Ordinal))
        {
            return ((byte[]?)await database.Value.StringGetAsync(key), "");
        }
    }

    public override async Task<(StateOutcome Outcome, string Why)> ChangeAsync(StateChange change)
    {
        var hasEtag = change.Etag is { Length: > 0 };
        try
        {
            return await ApplyAsync([change], single: true) switch
            {
                (StateOutcome.EtagInvalid, var why) => (StateOutcome.EtagInvalid, why),
                (StateOutcome.Failed, var why) => (hasEtag || change.Value is null ? StateOutcome.EtagMismatch : StateOutcome.Failed, why),
                var done => done,
            };
        }
        catch (RedisException e) when (hasEtag || change.Value is null)
        {
            // daprd reports even a lost connection as an ETag mismatch; reloading is the right reaction to both.
            return (StateOutcome.EtagMismatch, e.Message);
        }
    }

    public override Task<(StateOutcome Outcome, string Why)> TransactAsync(IReadOnlyList<StateChange> changes) => ApplyAsync(changes, single: false);

    private async Task<(StateOutcome Outcome, string Why)> ApplyAsync(IReadOnlyList<StateChange> changes, bool single)
    {
        if (changes.Count == 0)
        {
            return (StateOutcome.Done, "");
        }

        var keys = new RedisKey[changes.Count];
        var arguments = new RedisValue[changes.Count * 5];
        for (var i = 0; i < changes.Count; i++)
        {
            var change = changes[i];
            var etag = change.Etag is not { Length: > 0 } || change is { LastWrite: true, Value: not null } ? "0" : change.Etag;
            if (change.Value is not null && !int.TryParse(etag, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            {
                return (StateOutcome.EtagInvalid, $"invalid etag value: {etag}");
            }

            keys[i] = change.Key;
            arguments[i * 5] = change.Value is null ? "delete" : "set";
            arguments[(i * 5) + 1] = etag;
            arguments[(i * 5) + 2] = single && change.FirstWrite ? "1" : "0";
            arguments[(i * 5) + 3] = change.Value ?? [];
            arguments[(i * 5) + 4] = (change.Ttl ?? defaultTtl)?.ToString(CultureInfo.InvariantCulture) ?? "";
        }

        var failed = (RedisResult[]?)await database.Value.ScriptEvaluateAsync(Apply, keys, arguments) ?? [];
        return failed.Length == 0
            ? (StateOutcome.Done, "")
            : (StateOutcome.Failed, $"possible etag mismatch: failed to change key {string.Join(", ", failed.Select(f => keys[(int)f - 1]))}");
    }
}
