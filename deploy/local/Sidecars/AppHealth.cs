using System.Net;

namespace SecondhandTrade.Local;

/// <summary>Probes an app's health endpoint at an interval; the app counts as unhealthy until the first successful probe.</summary>
internal sealed partial class AppHealth(AppHealthOptions options, AppChannel channel, Func<bool, Task> changed, WorkTracker tracker, TimeProvider clock, ILogger logger) : IDisposable
{
    private int failures = options.Threshold;
    private int probing;
    private ITimer? timer;

    /// <summary>Runs the first probe before it returns.</summary>
    public async Task StartAsync()
    {
        using (var work = tracker.Begin(TraceContext.NewSpan(null)))
        {
            await ProbeAsync();
        }

        timer = clock.CreateTimer(_ => Tick(), null, options.Interval, options.Interval);
    }

    public void Dispose() => timer?.Dispose();

    private void Tick()
    {
        if (Interlocked.Exchange(ref probing, 1) == 0)
        {
            _ = ProbeOnTickAsync(tracker.Begin(TraceContext.NewSpan(null)));
        }
    }

    private async Task ProbeOnTickAsync(Work work)
    {
        using var ends = work;
        try
        {
            await ProbeAsync();
        }
        catch (Exception e) when (e is LocalRunnerException or HttpRequestException or OperationCanceledException)
        {
            LogNotStarted(e, channel.App);
        }
        finally
        {
            Volatile.Write(ref probing, 0);
        }
    }

    private async Task ProbeAsync()
    {
        if (await IsHealthyAsync())
        {
            if (Interlocked.Exchange(ref failures, 0) >= options.Threshold)
            {
                await changed(true);
            }
        }
        else if (Interlocked.Increment(ref failures) == options.Threshold)
        {
            await changed(false);
        }
    }

    private async Task<bool> IsHealthyAsync()
    {
        using var limit = new CancellationTokenSource(options.Timeout, clock);
        try
        {
            return await channel.ProbeAsync(options.Path, limit.Token) is >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Error, "The app at {App} is healthy, but could not be connected")]
    private partial void LogNotStarted(Exception error, Uri app);
}
