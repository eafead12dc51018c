using System.Collections.Concurrent;
using System.Net;

namespace SecondhandTrade.Local;

/// <summary>One virtual daprd: its two ports, its app, its view of the components.</summary>
public sealed class Sidecar : IAsyncDisposable
{
    private readonly Town town;
    private readonly ILogger logger;
    private readonly SemaphoreSlim connecting = new(1);
    private readonly IReadOnlyList<Subscription> declared;
    private List<TopicReader> readers = [];
    private List<CronTicks> ticks = [];
    private (IReadOnlyList<Subscription> Wanted, ActorTypes Types)? said;
    private AppHealth? health;
    private volatile bool ready;

    internal Sidecar(SidecarOptions options, int httpPort, int grpcPort, Town town)
    {
        (Options, HttpPort, GrpcPort, this.town) = (options, httpPort, grpcPort, town);
        logger = town.Logging.CreateLogger($"Sidecar.{options.AppId}");
        Components = ComponentSet.For(AppId, town.Resources, town);
        Resiliency = new Resiliency(ResiliencySpec.Merge(town.Resources.Resiliency.Where(r => Resources.InScope(r.Scopes, AppId)).Select(r => r.Spec)), town.Clock);
        State = new StateApi(Components, Resiliency);
        Publisher = new Publisher(AppId, Components, Resiliency, town.Broker, town.Clock);
        Invocation = new Invocation(town, this);
        ActorApi = new ActorApi(town, this);
        ActorClock = new ActorClock(town, this);
        declared = [.. town.Resources.Subscriptions.Where(s => Resources.InScope(s.Scopes, AppId)).Select(s => s.Subscription)];
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

    internal ActorClock ActorClock { get; }

    internal AppChannel? Channel { get; private set; }

    internal ActorHost? Actors { get; private set; }

    internal IReadOnlyList<Subscription> Subscriptions => [.. readers.Select(r => r.Subscription)];

    internal ConcurrentDictionary<string, string> Extended { get; } = new();

    /// <summary>Takes up an app that listens: reads its actors and subscriptions once, then lets work come to it.</summary>
    public async Task ConnectAppAsync(Uri app, CancellationToken ct = default)
    {
        AppHealth? watch = null;
        await connecting.WaitAsync(ct);
        try
        {
            await LeaveAsync();
            var channel = new AppChannel(app, Options);
            Channel = channel;
            if (Options.Health is { } options)
            {
                channel.IsHealthy = false;
                health = watch = new AppHealth(options, channel, well => ChangeHealthAsync(channel, well), town.Works, town.Clock, logger);
            }
            else
            {
                await TakeUpAsync(channel, ct);
            }
        }
        catch
        {
            await LeaveAsync();
            throw;
        }
        finally
        {
            connecting.Release();
        }

        await (watch?.StartAsync() ?? Task.CompletedTask);
    }

    /// <summary>
    /// Sends nothing new to an app that is to end, and returns when it has answered what it was sent, or after <paramref name="patience"/>: what it
    /// has not answered by then is another's.
    /// </summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        using var over = new CancellationTokenSource(patience, town.Clock);
        AppChannel leaving;
        await connecting.WaitAsync();
        try
        {
            if (Channel is not { } channel)
            {
                return;
            }

            (leaving = channel).IsLeaving = true;
            StopInputs(over.Token);
            Actors?.Leave();
        }
        finally
        {
            connecting.Release();
        }

        while (!over.IsCancellationRequested && Channel == leaving && (leaving.IsBusy || Actors is { IsEmpty: false }))
        {
            await Task.Delay(20);
        }

        await over.CancelAsync();
    }

    /// <summary>Lets go of an app that is gone or about to go: its messages wait, its actors are forgotten, calls to it fail.</summary>
    public async Task DisconnectAppAsync()
    {
        await connecting.WaitAsync();
        try
        {
            await LeaveAsync();
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

    private async Task ChangeHealthAsync(AppChannel channel, bool well)
    {
        await connecting.WaitAsync();
        try
        {
            if (Channel == channel && !channel.IsLeaving)
            {
                channel.IsHealthy = well;
                await (well ? TakeUpAsync(channel, CancellationToken.None) : LayDownAsync());
            }
        }
        finally
        {
            connecting.Release();
        }
    }

    private async Task TakeUpAsync(AppChannel channel, CancellationToken ct)
    {
        // Asked once in the life of a sidecar; an app that was ill meanwhile is not asked again.
        var (wanted, types) = said ??= await AskAsync(channel, ct);
        var inputs = new List<CronTicks>();
        foreach (var input in Components.Inputs.Select(b => new CronTicks(b, channel, town.Works, town.Clock, logger)))
        {
            if (await input.IsWantedAsync(ct))
            {
                inputs.Add(input);
            }
        }

        readers =
        [
            .. wanted.Where(s => Components.PubSubs[s.PubSub].Scopes.MaySubscribe(s.Topic))
                .Select(s => new TopicReader(AppId, channel, Components.PubSubs[s.PubSub], s, Resiliency, Publisher, town.Clock, logger)),
        ];
        Actors = new ActorHost(channel, types, new ActorTimers(town.Callbacks, town.Works, town.Clock), Resiliency, town.Works, town.Clock, logger);
        ready = true;
        readers.ForEach(Join);
        ticks = inputs;
        ticks.ForEach(t => t.Start());
        town.Rebalance();
    }

    private async Task<(IReadOnlyList<Subscription> Wanted, ActorTypes Types)> AskAsync(AppChannel channel, CancellationToken ct)
    {
        var (configured, config) = await channel.GetAsync("/dapr/config", AppId, ct);
        var (subscribed, subscriptions) = await channel.GetAsync("/dapr/subscribe", AppId, ct);
        var wanted = declared.Concat(subscribed == HttpStatusCode.OK ? Subscription.ReadAll(subscriptions, AppId) : []).ToArray();
        Check(wanted);

        var types = configured == HttpStatusCode.OK ? ActorTypes.Read(config, AppId) : ActorTypes.None;
        return types.Types.Count > 0 && Components.ActorStore is null
            ? throw new TownException($"{AppId} has actors ({string.Join(", ", types.Types)}) but no state store for them; set actorStateStore to \"true\" on one.")
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
            town.Groups.Join(reader);
        }
    }

    /// <summary>Lets no message or tick come to the app any more; one that is being handed over is taken back once it is <paramref name="over"/>.</summary>
    private void StopInputs(CancellationToken over)
    {
        foreach (var reader in readers)
        {
            reader.PubSub.Bus?.Leave(reader);
            town.Groups.Leave(reader, over);
        }

        readers = [];
        ticks.ForEach(t => t.Dispose());
        ticks = [];
    }

    private async Task LayDownAsync()
    {
        StopInputs(new CancellationToken(canceled: true));
        if (Actors is { } actors)
        {
            Actors = null;
            await actors.DisposeAsync();
        }
    }

    private async Task LeaveAsync()
    {
        ready = !Options.HasApp;
        health?.Dispose();
        (health, said) = (null, null);
        await LayDownAsync();
        if (Channel is { } channel)
        {
            Channel = null;
            await channel.DisposeAsync();
        }
    }

    private void Check(IReadOnlyList<Subscription> wanted)
    {
        foreach (var subscription in wanted)
        {
            if (!Components.PubSubs.ContainsKey(subscription.PubSub))
            {
                throw new TownException($"{subscription.Where}: {AppId} has no pubsub component '{subscription.PubSub}'; correct the name or the component's scopes.");
            }
        }

        // The Kafka component has one handler per topic: the second would silently replace the first.
        foreach (var twice in wanted.GroupBy(s => (s.PubSub, s.Topic)).Where(g => g.Count() > 1))
        {
            throw new TownException($"{twice.Last().Where}: {AppId} already subscribes to '{twice.Key.Topic}' in {twice.First().Where}; one app reads a topic once, so merge the two.");
        }
    }
}
