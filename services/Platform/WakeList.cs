using System.Diagnostics;
using System.Threading.Channels;
using Dapr.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>
/// A schedule of work that is due without a request: one Redis sorted set per context, member <c>kind/id</c>, score the due time in Unix
/// milliseconds. Only timeliness depends on it: deadlines are stored in the documents and applied on every access.
/// </summary>
public sealed class WakeList(IConnectionMultiplexer redis, ServiceIdentity service, TimeProvider clock)
{
    // Compare-and-set on the score: only the holder of the current mark may settle an entry, since another host may have scheduled it anew.
    private static readonly string SettleScript = """
        local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
        if score and tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
        if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1]) else redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) end
        return 1
        """;

    private readonly RedisKey key = $"wake:{service.Context}";

    // Beside the list and not in it: a trace that is lost delays nobody.
    private readonly RedisKey traces = $"wake:{service.Context}:traces";
    private readonly Channel<bool> nudges = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private IDatabase Redis => redis.GetDatabase();

    /// <summary>Puts the member on the list; called before the save that leaves it work to do. Returns the entry's mark, for <see cref="Settle"/>.</summary>
    public async Task<double> Put(string member, DateTimeOffset due)
    {
        var mark = Mark(due);
        if (Activity.Current is { Recorded: true, Id: { } trace })
        {
            Redis.HashSet(traces, member, trace, flags: CommandFlags.FireAndForget);
        }

        await Redis.SortedSetAddAsync(key, member, mark);
        Nudge(due);
        return mark;
    }

    /// <summary>Moves the member to its next due time, or takes it off, unless someone has put it anew since the mark.</summary>
    public async Task Settle(string member, double mark, DateTimeOffset? next)
    {
        if ((int)await Redis.ScriptEvaluateAsync(SettleScript, [key], [member, mark, next is { } due ? Mark(due) : RedisValue.EmptyString]) == 1 && next is null)
        {
            Redis.HashDelete(traces, member, CommandFlags.FireAndForget);
        }

        Nudge(next);
    }

    /// <summary>Leases up to <paramref name="count"/> members that are due: they come again after the lease unless settled.</summary>
    public async Task<IReadOnlyList<Lease>> Lease(int count, TimeSpan lease)
    {
        var now = clock.GetUtcNow();
        var due = await Redis.SortedSetRangeByScoreAsync(key, stop: now.ToUnixTimeMilliseconds() + 1, take: count);
        var leased = new List<Lease>();
        foreach (var member in due)
        {
            var until = Mark(now + lease);
            if (await Redis.SortedSetScoreAsync(key, member) is { } mark && mark <= now.ToUnixTimeMilliseconds() + 1
                && (int)await Redis.ScriptEvaluateAsync(SettleScript, [key], [member, mark, until]) == 1)
            {
                leased.Add(new(member!, until, now - DateTimeOffset.FromUnixTimeMilliseconds((long)mark), await Redis.HashGetAsync(traces, member)));
            }
        }

        return leased;
    }

    /// <summary>How many are due now.</summary>
    public Task<long> Waiting() => Redis.SortedSetLengthAsync(key, max: clock.GetUtcNow().ToUnixTimeMilliseconds() + 1);

    /// <summary>The same, for who cannot wait.</summary>
    internal long Due() => Redis.SortedSetLength(key, max: clock.GetUtcNow().ToUnixTimeMilliseconds() + 1);

    internal Task<bool> Nudged(CancellationToken stop) => nudges.Reader.ReadAsync(stop).AsTask();

    // A fraction of a millisecond of its own tells two entries with the same due time apart.
    private static double Mark(DateTimeOffset due) => due.ToUnixTimeMilliseconds() + Random.Shared.Next(1, 1000) / 1024d;

    private void Nudge(DateTimeOffset? due)
    {
        if (due <= clock.GetUtcNow())
        {
            nudges.Writer.TryWrite(true);
        }
    }
}

/// <summary>A member that is due: the mark to settle it by, how late it is, and the trace of who left it work.</summary>
public sealed record Lease(string Member, double Mark, TimeSpan Late, string? Trace);

/// <summary>What a context does when one of its members is due: it is given the id (the text after the slash) and the mark of the lease, to settle it by.</summary>
public sealed record WakeHandler(string Kind, Func<string, double, Task> Wake);

/// <summary>Leases what is due and wakes it; remote work (payment, provider) is done here, outside any actor's turn.</summary>
public sealed partial class WakeWorker(WakeList wakes, IEnumerable<WakeHandler> handlers, DaprClient dapr, TimeProvider clock, ILogger<WakeWorker> log)
    : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeaseFor = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Func<string, double, Task>> byKind = handlers.ToDictionary(h => h.Kind, h => h.Wake);
    private readonly SemaphoreSlim slots = new(32);
    private int busy;
    private volatile bool warm;

    /// <summary>Whether something is being woken at this moment.</summary>
    public bool IsBusy => Volatile.Read(ref busy) > 0;

    /// <summary>Healthy once the sidecar has this app and the first, slow walk along the usual paths is done.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(warm ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("warming up"));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await WarmUp(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref busy);
            try
            {
                while (await wakes.Lease(64, LeaseFor) is { Count: > 0 } due)
                {
                    foreach (var lease in due)
                    {
                        await slots.WaitAsync(stoppingToken);
                        Interlocked.Increment(ref busy);
                        _ = Wake(lease, stoppingToken);
                    }
                }
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                // Everything is caught: an exception that leaves a BackgroundService stops the host.
                LogNoList(failure);
            }
            finally
            {
                Interlocked.Decrement(ref busy);
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(wakes.Nudged(either.Token), Task.Delay(Look, clock, either.Token));
            await either.CancelAsync();
        }
    }

    // First calls are slow (JIT, connections), slower than a buyer is made to wait for payment. So each handler is run once for an id that does not exist.
    private async Task WarmUp(CancellationToken stop)
    {
        while (!await dapr.CheckHealthAsync(stop))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
        }

        foreach (var kind in byKind.Keys)
        {
            Interlocked.Increment(ref busy);
            await slots.WaitAsync(stop);
            await Wake(new($"{kind}/warm-up", 0, TimeSpan.Zero, null), stop);
        }

        warm = true;
    }

    private async Task Wake(Lease lease, CancellationToken stop)
    {
        var member = lease.Member;
        var slash = member.IndexOf('/', StringComparison.Ordinal);
        using var span = Telemetry.Continue($"wake {member[..slash]}", lease.Trace);
        using var scope = log.BeginScope(new Dictionary<string, object> { ["woken"] = member });
        Telemetry.Woken(member[..slash], lease.Late);
        try
        {
            await byKind[member[..slash]](member[(slash + 1)..], lease.Mark);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // Not lost: the lease runs out and the member comes again. One that fails must not keep the others asleep.
            LogAgain(member, failure);
        }
        finally
        {
            Interlocked.Decrement(ref busy);
            slots.Release();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Member} could not be woken; it is tried again when its lease ends")]
    private partial void LogAgain(string member, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The wake list cannot be read; deadlines are still applied whenever a document is accessed")]
    private partial void LogNoList(Exception failure);
}
