namespace SecondhandTrade.Local;

/// <summary>One supervised app process with its sidecar.</summary>
internal sealed class ManagedApp(RunApp app, Sidecar sidecar)
{
    public const string Open = "open";

    public RunApp App => app;
    public Sidecar Sidecar => sidecar;
    public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when the current process is to be stopped and replaced.</summary>
    public volatile TaskCompletionSource RestartRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when the app is open again after a requested restart, or has failed to start; null while no restart waits for it.</summary>
    public volatile TaskCompletionSource? RestartCompleted;
    public volatile string State = "starting";
    public volatile int Restarts;
    public volatile ChildProcess? Child;

    /// <summary>The address the app listens on; null before it does.</summary>
    public volatile Uri? Address;

    private int activeRequests;

    /// <summary>Requests in flight through the replica proxy.</summary>
    public int ActiveRequests => Volatile.Read(ref activeRequests);

    public ReplicaLease Acquire()
    {
        Interlocked.Increment(ref activeRequests);
        return new(Address!, () => Interlocked.Decrement(ref activeRequests));
    }
}

/// <summary>Holds one replica of an app for the duration of a request.</summary>
public sealed class ReplicaLease(Uri address, Action release) : IDisposable
{
    public Uri Address => address;

    public void Dispose() => release();
}

/// <summary>A supervised app: its state in words, its process id while it runs, and how often it was restarted.</summary>
public sealed record AppState(string Id, string State, int? Pid, int Port, int Restarts);
