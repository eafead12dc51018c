using System.Collections.Concurrent;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>The actor timers of one sidecar: in memory only, dropped when its app disconnects.</summary>
internal sealed class ActorTimers(ActorCallbacks callbacks, WorkTracker tracker, TimeProvider clock) : IDisposable
{
    private readonly ConcurrentDictionary<(string Type, string Id, string Name), RunningTimer> timers = new();

    /// <summary>Starts a timer and replaces one of the same name; throws <see cref="FormatException"/> for invalid times.</summary>
    public void Set(string type, string id, string name, JsonElement body)
    {
        var now = clock.GetUtcNow();
        var (due, period, ttl) = (Reminder.Text(body, "dueTime"), Reminder.Text(body, "period"), Reminder.Text(body, "ttl"));
        var first = due.Length == 0 ? now : ScheduleParser.ParseTime(due, now);
        DateTimeOffset? expires = ttl.Length == 0 ? null : ScheduleParser.ParseTime(ttl, first);
        if (expires <= now)
        {
            throw new FormatException("the ttl of the timer has passed already");
        }

        // Unlike a reminder callback, a timer callback contains the times as they were registered.
        var payload = GoJson.WriteEscapedInOrder([("callback", Reminder.Text(body, "callback")), ("data", Reminder.DataOf(body)), ("dueTime", due), ("period", period)]);
        var running = new RunningTimer(payload, ScheduleParser.ParsePeriod(period), first, expires);
        var key = (type, id, name);
        timers.AddOrUpdate(key, running, (_, old) =>
        {
            old.Dispose();
            return running;
        });
        Arm(key, running);
    }

    public void Delete(string type, string id, string name)
    {
        if (timers.TryRemove((type, id, name), out var running))
        {
            running.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var running in timers.Values)
        {
            running.Dispose();
        }

        timers.Clear();
    }

    private void Arm((string Type, string Id, string Name) key, RunningTimer running)
    {
        var wait = running.Next - clock.GetUtcNow();
        running.Start(clock, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, () => _ = FireAsync(key, running, tracker.Begin(TraceContext.NewSpan(null))));
    }

    private async Task FireAsync((string Type, string Id, string Name) key, RunningTimer running, Work work)
    {
        using var ends = work;
        if (!IsCurrent(key, running))
        {
            return;
        }

        // A failed tick is not retried and does not change the schedule.
        await callbacks.CallAsync(key.Type, key.Id, $"timer/{key.Name}", running.Payload, work, CancellationToken.None);
        if (!IsCurrent(key, running))
        {
            return;
        }

        if (running.AfterTick())
        {
            Arm(key, running);
        }
        else
        {
            Delete(key.Type, key.Id, key.Name);
        }
    }

    private bool IsCurrent((string Type, string Id, string Name) key, RunningTimer running) => timers.TryGetValue(key, out var current) && current == running;

    private sealed class RunningTimer(byte[] payload, ActorPeriod? period, DateTimeOffset first, DateTimeOffset? expires) : IDisposable
    {
        private ITimer? timer;
        private int? left = period?.Times;

        public byte[] Payload => payload;

        public DateTimeOffset Next { get; private set; } = first;

        /// <summary>Advances the schedule; false when that was the last tick.</summary>
        public bool AfterTick()
        {
            if (period is null || left == 1)
            {
                return false;
            }

            left--;
            Next += period.Every;
            return !(expires <= Next);
        }

        public void Start(TimeProvider clock, TimeSpan wait, Action ring)
        {
            timer?.Dispose();
            timer = clock.CreateTimer(_ => ring(), null, wait, Timeout.InfiniteTimeSpan);
        }

        public void Dispose() => timer?.Dispose();
    }
}
