namespace SecondhandTrade.Local;

/// <summary>A bindings.cron component: the schedule and the route it calls on the app.</summary>
internal sealed record CronBinding(string Name, string Route, CronSchedule Schedule, bool IsNamedInput)
{
    public static CronBinding Create(ComponentSpec spec, Dictionary<string, string> metadata)
    {
        var route = metadata.GetValueOrDefault("route", "") is { Length: > 0 } own ? own : spec.Name;
        return new CronBinding(
            spec.Name, "/" + route.TrimStart('/'), CronSchedule.Parse(metadata.GetValueOrDefault("schedule", ""), spec.Where), ComponentSet.DirectionsOf(metadata)?.Contains("input") ?? false);
    }
}

/// <summary>Calls one app on the schedule of a cron binding.</summary>
internal sealed partial class CronTrigger(CronBinding binding, AppChannel channel, Resiliency resiliency, WorkTracker tracker, TimeProvider clock, ILogger logger) : IDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stopping = new();
    private ITimer? timer;
    private bool stopped;
    private int calling;

    /// <summary>As in daprd: unless the component names the direction input, an OPTIONS request asks whether the app wants it, and any 2xx or 405 means yes.</summary>
    public async Task<bool> IsWantedAsync(CancellationToken ct)
    {
        if (binding.IsNamedInput)
        {
            return true;
        }

        using var request = new HttpRequestMessage(HttpMethod.Options, new Uri(channel.App, binding.Route));
        using var response = await channel.SendAsync(request, ct);
        return response.IsSuccessStatusCode || (int)response.StatusCode == 405;
    }

    public void Start() => Arm(binding.Schedule.After(Now()));

    public void Dispose()
    {
        lock (gate)
        {
            stopped = true;
            timer?.Dispose();
        }

        EndRetriesIfStopped();
    }

    private void Arm(DateTimeOffset at)
    {
        lock (gate)
        {
            if (!stopped && at < DateTimeOffset.MaxValue)
            {
                timer?.Dispose();
                var wait = at - Now();
                timer = clock.CreateTimer(_ => OnDue(at), null, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnDue(DateTimeOffset at)
    {
        // The next tick does not wait for the app's response.
        Arm(binding.Schedule.After(at));
        _ = CallAppAsync(tracker.Begin(TraceContext.NewSpan(null)));
    }

    private async Task CallAppAsync(Work work)
    {
        using var ends = work;
        try
        {
            // In daprd a policy takes any status but 200 for a failure, and yet every 2xx is fine in the end.
            var status = await resiliency.ForInputBinding(binding.Name).RunAsync(PostAsync, status => status == 200 ? Policy.Success : status, true, work, stopping.Token);
            if (status is < 200 or > 299)
            {
                LogRefused(binding.Name, status);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or BreakerException)
        {
            LogUnreachable(binding.Name, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped between two attempts.
        }
    }

    private async Task<int> PostAsync(CancellationToken ct)
    {
        Interlocked.Increment(ref calling);
        try
        {
            return await SendAsync(ct);
        }
        finally
        {
            Interlocked.Decrement(ref calling);
            EndRetriesIfStopped();
        }
    }

    // A call that the app is answering is not cut off.
    private void EndRetriesIfStopped()
    {
        if (Volatile.Read(ref stopped) && Volatile.Read(ref calling) == 0)
        {
            stopping.Cancel();
        }
    }

    private async Task<int> SendAsync(CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.App, binding.Route)) { Content = new ByteArrayContent([]) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Headers.TryAddWithoutValidation("readTimeUTC", Now().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss K", System.Globalization.CultureInfo.InvariantCulture));
        using var response = await channel.SendAsync(request, ct);
        return (int)response.StatusCode;
    }

    private DateTimeOffset Now() => TimeZoneInfo.ConvertTime(clock.GetUtcNow(), clock.LocalTimeZone);

    [LoggerMessage(LogLevel.Warning, "The app answered {Status} to the binding {Name}")]
    private partial void LogRefused(string name, int status);

    [LoggerMessage(LogLevel.Warning, "The app could not be reached for the binding {Name}: {Why}")]
    private partial void LogUnreachable(string name, string why);
}
