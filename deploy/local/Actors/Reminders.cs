using System.Collections.Concurrent;
using System.Text.Json;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>Stands in for the Dapr Scheduler: stores reminders in Redis and fires them at least once.</summary>
internal sealed partial class Reminders(IDatabase redis, ActorCallbacks callbacks, WorkTracker tracker, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private const int MaxRetries = 3;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ReminderKey, Job> jobs = new();

    // Serializes changes to memory and Redis; otherwise an overwritten reminder could reappear.
    private readonly SemaphoreSlim writing = new(1);
    private volatile bool stopped;

    public async Task LoadAsync(IEnumerable<string> appIds)
    {
        foreach (var appId in appIds.Distinct())
        {
            foreach (var entry in await redis.HashGetAllAsync(RedisKeyOf(appId)))
            {
                var reminder = JsonSerializer.Deserialize(entry.Value.ToString(), ReminderJson.Default.Reminder)!;
                var key = new ReminderKey(appId, reminder.Type, reminder.Id, reminder.Name);
                Arm(key, jobs[key] = new Job(reminder));
            }
        }
    }

    public Reminder? Get(ReminderKey key) => jobs.TryGetValue(key, out var job) && !job.Reminder.IsOver(clock.GetUtcNow()) ? job.Reminder : null;

    /// <summary>False when a reminder of that name exists and <paramref name="overwrite"/> is false.</summary>
    public async Task<bool> SetAsync(ReminderKey key, Reminder reminder, bool overwrite)
    {
        await writing.WaitAsync();
        try
        {
            if (!overwrite && Get(key) is not null)
            {
                return false;
            }

            await StoreAsync(key, reminder);
            Replace(key, new Job(reminder));
            return true;
        }
        finally
        {
            writing.Release();
        }
    }

    public async Task DeleteAsync(ReminderKey key)
    {
        await writing.WaitAsync();
        try
        {
            await redis.HashDeleteAsync(RedisKeyOf(key.AppId), key.Field);
            Replace(key, null);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Called when an app connects: fires the due reminders that found no host.</summary>
    public void Wake()
    {
        foreach (var (key, job) in jobs)
        {
            if (job.Unstage())
            {
                OnDue(key, job);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        stopped = true;
        await writing.WaitAsync();
        foreach (var job in jobs.Values)
        {
            job.Dispose();
        }

        jobs.Clear();
        writing.Dispose();
    }

    private void Replace(ReminderKey key, Job? next)
    {
        jobs.TryRemove(key, out var old);
        old?.Dispose();
        if (next is not null)
        {
            Arm(key, jobs[key] = next);
        }
    }

    private void Arm(ReminderKey key, Job job)
    {
        var wait = job.Reminder.Next - clock.GetUtcNow();
        job.Start(clock, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, () => OnDue(key, job));
    }

    private void OnDue(ReminderKey key, Job job)
    {
        // Registered as work synchronously within the timer callback; otherwise the stand-in would look idle to a test.
        var work = tracker.Begin(TraceContext.NewSpan(null));
        _ = FireAsync(key, job, work);
    }

    private async Task FireAsync(ReminderKey key, Job job, Work work)
    {
        using var ends = work;
        try
        {
            for (var tried = 0; IsCurrent(key, job) && !job.Reminder.IsOver(clock.GetUtcNow()); tried++)
            {
                var fired = await callbacks.CallAsync(job.Reminder.Type, job.Reminder.Id, $"remind/{job.Reminder.Name}", job.Reminder.ToCallback(), work, CancellationToken.None);
                if (fired is null)
                {
                    job.Stage();
                    if (!callbacks.HasHost(key.Type, key.Id) || !job.Unstage())
                    {
                        return;
                    }

                    continue;
                }

                if (fired.Value)
                {
                    break;
                }

                if (tried == MaxRetries)
                {
                    LogDropped(key.Type, key.Id, key.Name);
                    break;
                }

                await work.WaitAsync(RetryDelay, clock, CancellationToken.None);
            }

            await AfterTickAsync(key, job);
        }
        catch (Exception e) when (e is RedisException or ObjectDisposedException)
        {
            LogNotStored(e, key.Type, key.Id, key.Name);
        }
    }

    private async Task AfterTickAsync(ReminderKey key, Job job)
    {
        if (stopped)
        {
            return;
        }

        await writing.WaitAsync();
        try
        {
            if (!IsCurrent(key, job))
            {
                return;
            }

            var next = job.Reminder.IsOver(clock.GetUtcNow()) ? null : job.Reminder.AfterTick();
            if (next is null)
            {
                await redis.HashDeleteAsync(RedisKeyOf(key.AppId), key.Field);
                Replace(key, null);
                return;
            }

            await StoreAsync(key, next);
            job.Reminder = next;
            Arm(key, job);
        }
        finally
        {
            writing.Release();
        }
    }

    private bool IsCurrent(ReminderKey key, Job job) => !stopped && jobs.TryGetValue(key, out var current) && current == job;

    private Task<bool> StoreAsync(ReminderKey key, Reminder reminder) =>
        redis.HashSetAsync(RedisKeyOf(key.AppId), key.Field, JsonSerializer.SerializeToUtf8Bytes(reminder, ReminderJson.Default.Reminder));

    private static string RedisKeyOf(string appId) => $"dapr-reminders||{appId}";

    [LoggerMessage(LogLevel.Warning, "The reminder {Name} of {Type} {Id} failed after all retries; this tick is dropped")]
    private partial void LogDropped(string type, string id, string name);

    [LoggerMessage(LogLevel.Warning, "The reminder {Name} of {Type} {Id} could not be updated in Redis and will fire again")]
    private partial void LogNotStored(Exception error, string type, string id, string name);

    private sealed class Job(Reminder reminder) : IDisposable
    {
        private ITimer? timer;
        private int staged;

        public Reminder Reminder { get; set; } = reminder;

        public void Start(TimeProvider clock, TimeSpan wait, Action ring)
        {
            timer?.Dispose();
            timer = clock.CreateTimer(_ => ring(), null, wait, Timeout.InfiniteTimeSpan);
        }

        public void Stage() => Volatile.Write(ref staged, 1);

        public bool Unstage() => Interlocked.Exchange(ref staged, 0) == 1;

        public void Dispose() => timer?.Dispose();
    }
}
