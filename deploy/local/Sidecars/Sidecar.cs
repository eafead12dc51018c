using System.Collections.Concurrent;
using System.Net;

namespace SecondhandTrade.Local;

/// <summary>One emulated daprd: its HTTP and gRPC ports, its app, and the components in its scope.</summary>
public sealed class Sidecar : IAsyncDisposable
{
    private readonly StandInContext shared;
    private readonly ILogger logger;
    private readonly SemaphoreSlim connecting = new(1);
    private readonly IReadOnlyList<Subscription> declared;
    private List<TopicReader> readers = [];
    private List<CronTrigger> cronTriggers = [];
    private (IReadOnlyList<Subscription> Wanted, ActorRuntimeConfig Types)? appConfig;
    private AppHealth? health;
    private volatile bool ready;

    internal Sidecar(SidecarOptions options, int httpPort, int grpcPort, StandInContext shared)
    {
        (Options, HttpPort, GrpcPort, this.shared) = (options, httpPort, grpcPort, shared);
        logger = shared.Logging.CreateLogger($"Sidecar.{options.AppId}");
        Components = ComponentSet.For(AppId, shared.Resources, shared);
        Resiliency = new Resiliency(ResiliencySpec.Merge(shared.Resources.Resiliency.Where(r => Resources.InScope(r.Scopes, AppId)).Select(r => r.Spec)), shared.Clock);
        State = new StateApi(Components, Resiliency);
        Publisher = new Publisher(AppId, Components, Resiliency, shared.Broker, shared.Clock);
        Invocation = new Invocation(shared, this);
        ActorApi = new ActorApi(shared, this);
        ReminderAndTimerApi = new ReminderAndTimerApi(shared, this);
        declared = [.. shared.Resources.Subscriptions.Where(s => Resources.InScope(s.Scopes, AppId)).Select(s => s.Subscription)];
        Check(declared);
        ready = !options.HasApp;
    }

    public string AppId => Options.AppId;

    public int HttpPort { get; }

    public int GrpcPort { get; }

    /// <summary>True once the app is connected and its subscriptions and actors run.</summary>
    public bool IsReady => ready;

    internal SidecarOptions Options { get; }

    internal ComponentSet Components { get; }

    internal Resiliency Resiliency { get; }

    internal StateApi State { get; }

    internal Publisher Publisher { get; }

    internal Invocation Invocation { get; }

    internal ActorApi ActorApi { get; }

    internal ReminderAndTimerApi ReminderAndTimerApi { get; }

    internal AppChannel? Channel { get; private set; }

    internal ActorHost? Actors { get; private set; }

    internal IReadOnlyList<Subscription> Subscriptions => [.. readers.Select(r => r.Subscription)];

    internal ConcurrentDictionary<string, string> ExtendedMetadata { get; } = new();

    /// <summary>Connects an app that listens: reads its actor types and subscriptions once, then starts delivery to it.</summary>
    public async Task ConnectAppAsync(Uri app, CancellationToken ct = default)
    {
        AppHealth? watch = null;
        await connecting.WaitAsync(ct);
        try
        {
            await DisconnectCoreAsync();
            var channel = new AppChannel(app, Options);
            Channel = channel;
            if (Options.Health is { } options)
            {
                channel.IsHealthy = false;
                health = watch = new AppHealth(options, channel, healthy => ChangeHealthAsync(channel, healthy), shared.WorkTracker, shared.Clock, logger);
            }
            else
            {
                await StartAppAsync(channel, ct);
            }
        }
        catch
        {
            await DisconnectCoreAsync();
            throw;
        }
        finally
        {
            connecting.Release();
        }

        await (watch?.StartAsync() ?? Task.CompletedTask);
    }

    /// <summary>
    /// Stops sending new work to an app that is about to stop, and returns when its requests in flight are answered, or after
    /// <paramref name="timeout"/>; messages it has not answered by then are redelivered to another replica.
    /// </summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        using var deadline = new CancellationTokenSource(timeout, shared.Clock);
        AppChannel draining;
        await connecting.WaitAsync();
        try
        {
            if (Channel is not { } channel)
            {
                return;
            }

            (draining = channel).IsDraining = true;
            StopInputs(deadline.Token);
            Actors?.Drain();
        }
        finally
        {
            connecting.Release();
        }

        while (!deadline.IsCancellationRequested && Channel == draining && (draining.IsBusy || Actors is { IsEmpty: false }))
        {
            await Task.Delay(20);
        }

        await deadline.CancelAsync();
    }

    /// <summary>Disconnects an app that has stopped or is about to: its messages stay in the broker, its actors are dropped, calls to it fail.</summary>
    public async Task DisconnectAppAsync()
    {
        await connecting.WaitAsync();
        try
        {
            await DisconnectCoreAsync();
        }
        finally
        {
            connecting.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await DisconnectAppAsync();
        connecting.Dispose();
        foreach (var output in Components.Outputs.Values)
        {
            output.Dispose();
        }

    }

    private async Task ChangeHealthAsync(AppChannel channel, bool healthy)
    {
        await connecting.WaitAsync();
        try
        {
            if (Channel == channel && !channel.IsDraining)
            {
                channel.IsHealthy = healthy;
                await (healthy ? StartAppAsync(channel, CancellationToken.None) : StopAppAsync());
            }
        }
        finally
        {
            connecting.Release();
        }
    }

    private async Task StartAppAsync(AppChannel channel, CancellationToken ct)
    {
        // Read once per connection, as daprd does; not again after the app was unhealthy.
        var (wanted, types) = appConfig ??= await ReadAppConfigAsync(channel, ct);
        var triggers = new List<CronTrigger>();
        foreach (var trigger in Components.Inputs.Select(b => new CronTrigger(b, channel, Resiliency, shared.WorkTracker, shared.Clock, logger)))
        {
            if (await trigger.IsWantedAsync(ct))
            {
                triggers.Add(trigger);
            }
        }

        readers =
        [
            .. wanted.Where(s => Components.PubSubs[s.PubSub].Scopes.MaySubscribe(s.Topic))
                .Select(s => new TopicReader(AppId, channel, Components.PubSubs[s.PubSub], s, Resiliency, Publisher, shared.Clock, logger)),
        ];
        Actors = new ActorHost(channel, types, new ActorTimers(shared.Callbacks, shared.WorkTracker, shared.Clock), Resiliency, shared.WorkTracker, shared.Clock, logger);
        ready = true;
        readers.ForEach(Join);
        cronTriggers = triggers;
        cronTriggers.ForEach(t => t.Start());
        shared.Rebalance();
    }

    private async Task<(IReadOnlyList<Subscription> Wanted, ActorRuntimeConfig Types)> ReadAppConfigAsync(AppChannel channel, CancellationToken ct)
    {
        var (configured, config) = await channel.GetAsync("/dapr/config", AppId, ct);
        var (subscribed, subscriptions) = await channel.GetAsync("/dapr/subscribe", AppId, ct);
        var wanted = declared.Concat(subscribed == HttpStatusCode.OK ? Subscription.ReadAll(subscriptions, AppId) : []).ToArray();
        Check(wanted);

        var types = configured == HttpStatusCode.OK ? ActorRuntimeConfig.Read(config, AppId) : ActorRuntimeConfig.None;
        return types.Types.Count > 0 && Components.ActorStore is null
            ? throw new LocalRunnerException($"{AppId} has actors ({string.Join(", ", types.Types)}) but no state store for them; set actorStateStore to \"true\" on one.")
            : (wanted, types);
    }

    private void Join(TopicReader reader)
    {
        if (reader.PubSub.Bus is { } bus)
        {
            bus.Join(reader);
        }
        else
        {
            shared.Groups.Join(reader);
        }
    }

    /// <summary>Stops message delivery and cron triggers; a delivery in flight is cancelled when <paramref name="deadline"/> is.</summary>
    private void StopInputs(CancellationToken deadline)
    {
        foreach (var reader in readers)
        {
            reader.PubSub.Bus?.Leave(reader);
            shared.Groups.Leave(reader, deadline);
        }

        readers = [];
        cronTriggers.ForEach(t => t.Dispose());
        cronTriggers = [];
    }

    private async Task StopAppAsync()
    {
        StopInputs(new CancellationToken(canceled: true));
        if (Actors is { } actors)
        {
            Actors = null;
            await actors.DisposeAsync();
        }
    }

    private async Task DisconnectCoreAsync()
    {
        ready = !Options.HasApp;
        health?.Dispose();
        (health, appConfig) = (null, null);
        await StopAppAsync();
        if (Channel is { } channel)
        {
            Channel = null;
            await channel.DisposeAsync();
        }
    }

    private void Check(IReadOnlyList<Subscription> subscriptions)
    {
        if (Subscription.Problems(subscriptions, AppId, Components.PubSubs.ContainsKey).FirstOrDefault() is { } problem)
        {
            throw new LocalRunnerException(problem);
        }
    }
}
