namespace SecondhandTrade.Local;

/// <summary>A bindings.cron component: the schedule and the route it calls on the app.</summary>
internal sealed record CronBinding(string Name, string Route, CronSchedule Schedule)
{
    public static CronBinding Create(ComponentSpec spec, Dictionary<string, string> metadata)
    {
        var route = metadata.GetValueOrDefault("route", "") is { Length: > 0 } own ? own : spec.Name;
        return new CronBinding(spec.Name, "/" + route.TrimStart('/'), CronSchedule.Parse(metadata.GetValueOrDefault("schedule", ""), spec.Where));
    }
}

/// <summary>Calls one app on the schedule of a cron binding.</summary>
internal sealed partial class CronTrigger(CronBinding binding, AppChannel channel, WorkTracker tracker, TimeProvider clock, ILogger logger) : IDisposable
{
    private readonly Lock gate = new();
    private ITimer? timer;
    private bool stopped;

    /// <summary>As in daprd, an OPTIONS request asks whether the app wants the binding: any 2xx or 405 means yes.</summary>
    public async Task<bool> IsWantedAsync(CancellationToken ct)
    {
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
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.App, binding.Route)) { Content = new ByteArrayContent([]) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            request.Headers.TryAddWithoutValidation("readTimeUTC", Now().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss K", System.Globalization.CultureInfo.InvariantCulture));
            using var response = await channel.SendAsync(request, CancellationToken.None);
            if (!response.IsSuccessStatusCode)
            {
                LogRefused(binding.Name, (int)response.StatusCode);
            }
        }
        catch (HttpRequestException e)
        {
            LogUnreachable(binding.Name, e.Message);
        }
    }

    private DateTimeOffset Now() => TimeZoneInfo.ConvertTime(clock.GetUtcNow(), clock.LocalTimeZone);

    [LoggerMessage(LogLevel.Warning, "The app answered {Status} to the binding {Name}")]
    private partial void LogRefused(string name, int status);

    [LoggerMessage(LogLevel.Warning, "The app could not be reached for the binding {Name}: {Why}")]
    private partial void LogUnreachable(string name, string why);
}
