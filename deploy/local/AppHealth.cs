using System.Net;

namespace SecondhandTrade.Local;

/// <summary>Asks an app how it is, again and again; it counts as ill until it first says otherwise.</summary>
internal sealed partial class AppHealth(AppHealthOptions options, AppChannel channel, Func<bool, Task> changed, Works works, TimeProvider clock, ILogger logger) : IDisposable
{
    private int failures = options.Threshold;
    private int looking;
    private ITimer? timer;

    /// <summary>Takes the first look before it returns.</summary>
    public async Task StartAsync()
    {
        using (var work = works.Begin(TraceContext.Next(null)))
        {
            await LookAsync();
        }

        timer = clock.CreateTimer(_ => Tick(), null, options.Interval, options.Interval);
    }

    public void Dispose() => timer?.Dispose();

    private void Tick()
    {
        if (Interlocked.Exchange(ref looking, 1) == 0)
        {
            _ = LookAgainAsync(works.Begin(TraceContext.Next(null)));
        }
    }

    private async Task LookAgainAsync(Work work)
    {
        using var ends = work;
        try
        {
            await LookAsync();
        }
        catch (Exception e) when (e is TownException or HttpRequestException or OperationCanceledException)
        {
            LogNotTaken(e, channel.App);
        }
        finally
        {
            Volatile.Write(ref looking, 0);
        }
    }

    private async Task LookAsync()
    {
        if (await IsWellAsync())
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

    private async Task<bool> IsWellAsync()
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

    [LoggerMessage(LogLevel.Error, "The app at {App} is well, but cannot be taken up")]
    private partial void LogNotTaken(Exception error, Uri app);
}
