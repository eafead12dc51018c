namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>Knows how many requests of a test are on their way: before the sidecar has seen one, it looks at rest.</summary>
internal sealed class Counted : DelegatingHandler
{
    private readonly StrongCount count;

    public Counted(StrongCount count) : base(new SocketsHttpHandler()) => this.count = count;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        count.Begin();
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            count.End();
        }
    }
}

/// <summary>A number two threads may change.</summary>
public sealed class StrongCount
{
    private int value;

    public bool None => Volatile.Read(ref value) == 0;

    public void Begin() => Interlocked.Increment(ref value);

    public void End() => Interlocked.Decrement(ref value);
}
