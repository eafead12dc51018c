namespace SecondhandTrade.Local;

/// <summary>The resiliency policy around a call, as in daprd: retry( circuit breaker( timeout( call ) ) ).</summary>
internal sealed record Policy(RetrySpec? Retry, TimeSpan Timeout, Breaker? Breaker, TimeProvider Clock)
{
    private static readonly TimeSpan LongestExponential = TimeSpan.FromMinutes(15);

    public static readonly Policy None = new(null, TimeSpan.Zero, null, TimeProvider.System);

    /// <summary>The code of a successful call, and of a failure without a status code.</summary>
    public const int Success = -2;
    public const int NoCode = -1;

    /// <summary>
    /// Runs the call; <paramref name="codeOf"/> returns the code of a result. The result or exception of the last attempt is returned or thrown:
    /// <see cref="TimeoutException"/> for the timeout of this policy, <see cref="BreakerException"/> for its circuit breaker.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> call, Func<T, int> codeOf, bool mayRetry, Work work, CancellationToken ct)
    {
        var began = Retry is { Exponential: true } ? Clock.GetUtcNow() : default;
        var interval = TimeSpan.FromMilliseconds(500);
        for (var tried = 1; ; tried++)
        {
            T? result = default;
            Exception? error = null;
            var code = NoCode;
            try
            {
                result = await AttemptAsync(call, codeOf, ct);
                code = codeOf(result);
                if (code == Success)
                {
                    return result;
                }
            }
            catch (Exception e) when (e is BreakerException or PermanentException)
            {
                throw;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                error = e;
                code = (e as StatusCodeException)?.StatusCode ?? NoCode;
            }

            var again = mayRetry && Retry is not null && (Retry.MaxRetries < 0 || tried <= Retry.MaxRetries) && Retry.Covers(code);
            var pause = Retry?.Duration ?? TimeSpan.Zero;
            if (again && Retry!.Exponential)
            {
                pause = TimeSpan.FromTicks((long)(interval.Ticks * (0.5 + Random.Shared.NextDouble())));
                interval = interval * 1.5 < Retry.MaxInterval ? interval * 1.5 : Retry.MaxInterval;
                again = Clock.GetUtcNow() + pause - began <= LongestExponential;
            }

            if (!again)
            {
                if (error is not null)
                {
                    System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error);
                }

                return result!;
            }

            (result as IDisposable)?.Dispose();
            await work.WaitAsync(pause, Clock, ct);
        }
    }

    private async Task<T> AttemptAsync<T>(Func<CancellationToken, Task<T>> call, Func<T, int> codeOf, CancellationToken ct)
    {
        if (Breaker is null)
        {
            return await WithTimeoutAsync(call, ct);
        }

        var entered = Breaker.Enter();
        var succeeded = false;
        try
        {
            var result = await WithTimeoutAsync(call, ct);
            succeeded = codeOf(result) == Success;
            return result;
        }
        finally
        {
            Breaker.Leave(entered, succeeded);
        }
    }

    public async Task<T> WithTimeoutAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        if (Timeout <= TimeSpan.Zero)
        {
            return await call(ct);
        }

        using var timer = new CancellationTokenSource(Timeout, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timer.Token);
        try
        {
            return await call(either.Token);
        }
        catch (Exception) when (timer.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new TimeoutException("context deadline exceeded");
        }
    }
}

/// <summary>A failure that no policy retries, although it counts in the circuit breaker.</summary>
internal sealed class PermanentException(string message) : Exception(message);

/// <summary>A failure with an HTTP or gRPC status code, which a retry policy may match.</summary>
internal class StatusCodeException(int statusCode, string message) : Exception(message)
{
    public int StatusCode { get; } = statusCode;
}
