using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace SecondhandTrade.Local;

/// <summary>An actor's response, byte for byte.</summary>
internal sealed record ActorReply(IReadOnlyList<KeyValuePair<string, string[]>> Headers, byte[] Body)
{
    /// <summary>A typed actor that threw answers 200 and reports the failure in a header.</summary>
    public bool IsFailure => Headers.Any(h => h.Key.Equals("X-DaprErrorResponseHeader", StringComparison.OrdinalIgnoreCase));
}

/// <summary>The actors hosted by one app, for as long as the app is connected.</summary>
internal sealed partial class ActorHost(AppChannel channel, ActorRuntimeConfig types, ActorTimers timers, Resiliency resiliency, WorkTracker tracker, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private const string ReentrancyHeader = "Dapr-Reentrancy-Id";

    private readonly ConcurrentDictionary<(string Type, string Id), Actor> actors = new();
    private volatile bool draining;

    public IReadOnlyList<string> Types => types.Types;

    public ActorTimers Timers => timers;

    /// <summary>Whether actors of that type may be activated here.</summary>
    public bool Hosts(string type) => types.Settings.ContainsKey(type) && !draining;

    /// <summary>Whether the actor is still active here although the host is draining; until it is deactivated, it must not be activated elsewhere.</summary>
    public bool IsDraining(string type, string id) => draining && IsActive(type, id);

    public bool IsEmpty => actors.IsEmpty;

    public bool IsActive(string type, string id) => actors.ContainsKey((type, id));

    /// <summary>Reminder and timer callbacks get the timeout of their actor type, but neither its retries nor its circuit breaker.</summary>
    public Policy CallbackPolicy(string type, string id) => resiliency.ForActor(type, id) with { Retry = null, Breaker = null };

    public int Count(string type) => actors.Keys.Count(a => a.Type == type);

    /// <summary>Null when the actor was deactivated while the call was queued: the caller must look up the host again, which may have changed.</summary>
    public async Task<ActorReply?> CallAsync(
        string type, string id, string path, byte[] body, Action<HttpRequestMessage> headers, string? reentrancyId, Policy policy, string traceParent, Work work, CancellationToken ct)
    {
        var (idle, reentrant) = types.Settings[type];
        var chain = reentrant ? reentrancyId ?? Guid.NewGuid().ToString() : null;
        if (!actors.TryGetValue((type, id), out var actor) && !draining)
        {
            actor = actors.GetOrAdd((type, id), key => new Actor(key.Type, key.Id));
        }

        if (actor is null || !await actor.Lock.EnterAsync(chain, work, ct))
        {
            return null;
        }

        try
        {
            ct.ThrowIfCancellationRequested();
            actor.Touch(idle, clock, DeactivateWhenIdle);
            return await policy.WithTimeoutAsync(c => InvokeMethodAsync(type, id, path, body, headers, chain, traceParent, c), ct);
        }
        finally
        {
            actor.Lock.Exit();
            if (draining)
            {
                // The actor may have been activated after Drain listed the active ones.
                _ = DeactivateAsync(actor, () => true);
            }
        }
    }

    /// <summary>Activates no new actors; those active finish their queued calls and are then deactivated, one by one.</summary>
    public void Drain()
    {
        draining = true;
        timers.Dispose();
        Release((_, _) => false);
    }

    /// <summary>Deactivates the actors that another app hosts from now on.</summary>
    public void Release(Func<string, string, bool> isStillHosted)
    {
        foreach (var (key, actor) in actors.Where(a => !isStillHosted(a.Key.Type, a.Key.Id)))
        {
            _ = DeactivateAsync(actor, () => true);
        }
    }

    public ValueTask DisposeAsync()
    {
        timers.Dispose();
        foreach (var actor in actors.Values)
        {
            actor.Lock.Close();
            actor.StopTimer();
        }

        actors.Clear();
        return ValueTask.CompletedTask;
    }

    private async Task<ActorReply> InvokeMethodAsync(
        string type, string id, string path, byte[] body, Action<HttpRequestMessage> headers, string? chain, string traceParent, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, GoPath.At(channel.App, $"actors/{type}/{id}/method/{path}"));
        request.Content = new ByteArrayContent(body);
        headers(request);
        request.Headers.TryAddWithoutValidation(TraceContext.Parent, TraceContext.NewSpan(traceParent));
        if (chain is not null)
        {
            request.Headers.Remove(ReentrancyHeader);
            request.Headers.Add(ReentrancyHeader, chain);
        }

        using var response = await channel.SendAsync(request, ct);
        var answer = await response.Content.ReadAsByteArrayAsync(ct);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => new ActorReply(response.Keep(), answer),
            // Not a StatusCodeException: in daprd the failures of actors have no code, so the `matching` of a retry policy does not apply to them.
            HttpStatusCode.NotFound => throw new HttpRequestException($"actor method not found: {path}", null, HttpStatusCode.NotFound),
            var status => throw new HttpRequestException($"error from actor service: ({(int)status}) {Encoding.UTF8.GetString(answer)}", null, status),
        };
    }

    private void DeactivateWhenIdle(Actor actor, long turnCount) => _ = DeactivateAsync(actor, () => actor.TurnCount == turnCount);

    private async Task DeactivateAsync(Actor actor, Func<bool> isStillDue)
    {
        using var work = tracker.Begin(TraceContext.NewSpan(null));
        try
        {
            if (!isStillDue() || !await actor.Lock.EnterAsync(null, work, CancellationToken.None))
            {
                return;
            }

            try
            {
                if (!isStillDue())
                {
                    return;
                }

                try
                {
                    using var request = new HttpRequestMessage(HttpMethod.Delete, GoPath.At(channel.App, $"actors/{actor.Type}/{actor.Id}"));
                    using var response = await channel.SendAsync(request, CancellationToken.None);
                    if (response.StatusCode != HttpStatusCode.OK)
                    {
                        LogDeactivationRefused(actor.Type, actor.Id, (int)response.StatusCode);
                    }
                }
                finally
                {
                    // Whatever the app answered, the actor is inactive for the sidecar.
                    actors.TryRemove(KeyValuePair.Create((actor.Type, actor.Id), actor));
                    actor.Lock.Close();
                    actor.StopTimer();
                }
            }
            finally
            {
                actor.Lock.Exit();
            }
        }
        catch (HttpRequestException e)
        {
            LogDeactivationFailed(actor.Type, actor.Id, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Actor {Type} {Id} was deactivated, but its app answered {Status}")]
    private partial void LogDeactivationRefused(string type, string id, int status);

    [LoggerMessage(LogLevel.Warning, "Actor {Type} {Id} could not be deactivated: {Why}")]
    private partial void LogDeactivationFailed(string type, string id, string why);

    private sealed class Actor(string type, string id)
    {
        private ITimer? timer;
        private long turnCount;

        public string Type { get; } = type;

        public string Id { get; } = id;

        public ActorLock Lock { get; } = new();

        public long TurnCount => Interlocked.Read(ref turnCount);

        /// <summary>Restarts the idle timer; idle time counts from the start of a turn.</summary>
        public void Touch(TimeSpan idle, TimeProvider clock, Action<Actor, long> whenIdle)
        {
            Interlocked.Increment(ref turnCount);
            timer ??= clock.CreateTimer(_ => whenIdle(this, TurnCount), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            timer.Change(idle, Timeout.InfiniteTimeSpan);
        }

        public void StopTimer() => timer?.Dispose();
    }
}
