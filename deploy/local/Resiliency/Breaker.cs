namespace SecondhandTrade.Local;

/// <summary>A circuit breaker that counts like sony/gobreaker, which daprd uses.</summary>
internal sealed class Breaker(BreakerSpec spec, TimeProvider clock)
{
    private readonly Lock gate = new();
    private State state;
    private long generation;
    private DateTimeOffset expires = ExpiryOf(spec.Interval, clock);
    private double requests;
    private double totalSuccesses;
    private double totalFailures;
    private double consecutiveSuccesses;
    private double consecutiveFailures;

    private enum State
    {
        Closed,
        HalfOpen,
        Open,
    }

    /// <summary>The current state: closed, half-open or open.</summary>
    public string CurrentState
    {
        get
        {
            lock (gate)
            {
                Refresh();
                return state switch { State.Closed => "closed", State.Open => "open", _ => "half-open" };
            }
        }
    }

    /// <summary>Admits a call or throws <see cref="BreakerException"/>; pass the returned generation to <see cref="Leave"/>.</summary>
    public long Enter()
    {
        lock (gate)
        {
            Refresh();
            if (state == State.Open)
            {
                throw new BreakerException("circuit breaker is open");
            }

            if (state == State.HalfOpen && requests >= spec.MaxRequests)
            {
                throw new BreakerException("too many requests");
            }

            requests++;
            return generation;
        }
    }

    public void Leave(long entered, bool succeeded)
    {
        lock (gate)
        {
            Refresh();
            // A call that started in an earlier generation does not count in the current one.
            if (entered != generation)
            {
                return;
            }

            if (succeeded)
            {
                totalSuccesses++;
                consecutiveSuccesses++;
                consecutiveFailures = 0;
                if (state == State.HalfOpen && consecutiveSuccesses >= spec.MaxRequests)
                {
                    TransitionTo(State.Closed);
                }

                return;
            }

            totalFailures++;
            consecutiveFailures++;
            consecutiveSuccesses = 0;
            if (state == State.HalfOpen || spec.Trip.IsTrue(Counter))
            {
                TransitionTo(State.Open);
            }
        }
    }

    private object Counter(string[] path) => path[0] switch
    {
        "requests" => requests,
        "totalSuccesses" => totalSuccesses,
        "totalFailures" => totalFailures,
        "consecutiveSuccesses" => consecutiveSuccesses,
        _ => consecutiveFailures,
    };

    private void Refresh()
    {
        if (clock.GetUtcNow() < expires)
        {
            return;
        }

        TransitionTo(state == State.Open ? State.HalfOpen : state);
    }

    private void TransitionTo(State next)
    {
        state = next;
        generation++;
        requests = totalSuccesses = totalFailures = consecutiveSuccesses = consecutiveFailures = 0;
        expires = next switch
        {
            State.Open => clock.GetUtcNow() + spec.Timeout,
            State.Closed => ExpiryOf(spec.Interval, clock),
            _ => DateTimeOffset.MaxValue,
        };
    }

    private static DateTimeOffset ExpiryOf(TimeSpan interval, TimeProvider clock) =>
        interval > TimeSpan.Zero ? clock.GetUtcNow() + interval : DateTimeOffset.MaxValue;
}

/// <summary>The circuit breaker rejected the call.</summary>
internal sealed class BreakerException(string message) : Exception(message);
