using System.Collections.Concurrent;

namespace SecondhandTrade.Local;

/// <summary>Everything the town is busy with, so that a test can tell "done" from "waiting for the clock".</summary>
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

    /// <summary>True when somebody waits for the clock and everybody else is only waiting for them.</summary>
    public bool IsWaitingForClock()
    {
        var all = open.Keys.ToArray();
        var stuck = all.Where(w => w.State == WorkState.OnClock).Select(w => w.TraceId).ToHashSet();
        // A call that led to the one on the clock carries the same trace: it cannot go on before the inner one does.
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
        // The delay first: who sees the state turns the clock, and the delay must be there to feel it.
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
