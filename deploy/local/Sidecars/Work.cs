using System.Collections.Concurrent;

namespace SecondhandTrade.Local;

/// <summary>Tracks all calls and deliveries in flight, so that a test can tell "idle" from "waiting for the clock".</summary>
internal sealed class WorkTracker
{
    private readonly ConcurrentDictionary<Work, byte> open = new();
    private long begun;

    public long Begun => Interlocked.Read(ref begun);

    public bool IsIdle => open.IsEmpty;

    public int Queued => open.Keys.Count(w => w.State == WorkState.Queued);

    public Work Begin(string traceParent)
    {
        Interlocked.Increment(ref begun);
        var work = new Work(this, TraceContext.TraceId(traceParent));
        open[work] = 0;
        return work;
    }

    public void End(Work work) => open.TryRemove(work, out _);

    /// <summary>True when at least one call waits for a timer, and every other call waits for one of those or for an actor.</summary>
    public bool IsWaitingForClock()
    {
        var all = open.Keys.ToArray();
        var stuck = all.Where(w => w.State == WorkState.OnClock).Select(w => w.TraceId).ToHashSet();
        // An outer call has the same trace id as the inner call that waits for the timer, and cannot finish before it.
        return stuck.Count > 0 && all.All(w => w.State != WorkState.Running || stuck.Contains(w.TraceId));
    }
}

internal enum WorkState
{
    Running,
    Queued,
    OnClock,
}

/// <summary>One call or delivery in flight.</summary>
internal sealed class Work(WorkTracker tracker, string traceId) : IDisposable
{
    private volatile WorkState state;

    public string TraceId { get; } = traceId;

    public WorkState State => state;

    public async Task WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken ct)
    {
        // Start the delay before setting the state: a test that sees the state advances the clock, and the timer must exist by then.
        var delay = Task.Delay(time, clock, ct);
        state = WorkState.OnClock;
        try
        {
            await delay;
        }
        finally
        {
            state = WorkState.Running;
        }
    }

    public async Task QueueAsync(Task turn)
    {
        state = WorkState.Queued;
        try
        {
            await turn;
        }
        finally
        {
            state = WorkState.Running;
        }
    }

    public void Dispose() => tracker.End(this);
}
