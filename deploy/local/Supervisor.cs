using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Runs every app beside its sidecar, and runs it again when it ends.</summary>
public sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Comeback = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim restarting = new(1);
    private readonly List<Charge> charges;
    private uint turns;
    private readonly ConsoleLines console;
    // Health is asked without a proxy: an http_proxy in the environment must not send localhost elsewhere.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>The apps come in the order of their sidecars.</summary>
    public Supervisor(IEnumerable<RunApp> apps, StandIn standIn, ConsoleLines console)
    {
        this.console = console;
        charges = [.. apps.Zip(standIn.Sidecars, (app, sidecar) => new Charge(app, sidecar))];
    }

    /// <summary>Done when every app has been open once.</summary>
    public Task AllOpen => Task.WhenAll(charges.Select(charge => charge.Opened.Task));

    /// <summary>App and state of those that are not open now.</summary>
    public IEnumerable<(string App, string State)> NotOpen =>
        charges.Where(charge => charge.State != Charge.Open).Select(charge => (charge.App.Id, charge.State));

    /// <summary>Every app as it is now.</summary>
    public IEnumerable<AppState> Apps => charges.Select(charge => new AppState(charge.App.Id, charge.State, charge.Child?.Id, charge.App.Port, charge.Restarts));

    /// <summary>Keeps all apps running until told to stop, and returns when the last has ended.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(charges.Select(charge => KeepRunning(charge, stop)));

    /// <summary>
    /// Restarts an app's processes one after the other: each is sent nothing new, answers what it has, ends, and is back before the next one goes.
    /// Returns how many there were; one that does not come back is a <see cref="TownException"/>, and the rest stay as they are.
    /// </summary>
    public async Task<int> RestartAsync(string app, CancellationToken stop)
    {
        await restarting.WaitAsync(stop);
        try
        {
            var replicas = charges.Where(charge => charge.App.Id == app).ToList();
            foreach (var charge in replicas)
            {
                charge.State = "draining";
                await charge.Sidecar.DrainAsync(Patience);

                // A stream has no end of its own; what else came by the app's address is answered.
                for (var waited = TimeProvider.System.GetTimestamp(); charge.Turns > 0 && TimeProvider.System.GetElapsedTime(waited) < Patience;)
                {
                    await Task.Delay(20, stop);
                }

                // In this order: the process that is to end must not pass for the one that is back.
                charge.EndAsked.TrySetResult();
                var back = charge.Back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                try
                {
                    await back.Task.WaitAsync(Comeback, stop);
                }
                catch (TimeoutException)
                {
                    throw new TownException($"{app} did not come back within {Comeback.TotalSeconds} s ({charge.State}); what else there is of it was left as it was. Its output says why.");
                }
            }

            return replicas.Count;
        }
        finally
        {
            restarting.Release();
        }
    }

    /// <summary>The next open replica of an app, which is not restarted before the turn is given back; null while there is none.</summary>
    public Turn? Turn(string app)
    {
        var open = charges.Where(charge => charge.App.Id == app && charge.State == Charge.Open).ToList();
        return open.Count == 0 ? null : open[(int)(Interlocked.Increment(ref turns) % (uint)open.Count)].Take();
    }

    /// <summary>Ends every app at once.</summary>
    public void Kill() => charges.ForEach(charge => charge.Child?.Kill());

    public void Dispose()
    {
        http.Dispose();
        restarting.Dispose();
    }

    /// <summary>How long to wait before an app is started again: 1, 2, 4 … 30 s, and from the start again once it ran a minute.</summary>
    public static TimeSpan Pause(TimeSpan before, TimeSpan ran) =>
        before == TimeSpan.Zero || ran >= TimeSpan.FromMinutes(1)
            ? TimeSpan.FromSeconds(1)
            : TimeSpan.FromSeconds(Math.Min(before.TotalSeconds * 2, 30));

    /// <summary>What the Dapr CLI would set for the app: the sidecar's whereabouts, then the run file's own.</summary>
    public static IEnumerable<KeyValuePair<string, string>> EnvironmentOf(RunApp app)
    {
        var given = new Dictionary<string, string>
        {
            ["APP_ID"] = app.Id,
            ["APP_CHANNEL_ADDRESS"] = app.ChannelAddress,
            ["APP_PROTOCOL"] = "http",
            ["DAPR_HTTP_PORT"] = $"{app.HttpPort}",
            ["DAPR_GRPC_PORT"] = $"{app.GrpcPort}",
            ["DAPR_METRICS_PORT"] = $"{app.MetricsPort}",
        };
        if (app.Port > 0)
        {
            given["APP_PORT"] = $"{app.Port}";
        }

        return given.Concat(app.Env);
    }

    private async Task KeepRunning(Charge charge, CancellationToken stop)
    {
        var pause = TimeSpan.Zero;
        while (!stop.IsCancellationRequested)
        {
            charge.State = "starting";
            charge.EndAsked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var began = TimeProvider.System.GetTimestamp();
            var how = await RunOnce(charge, stop);
            await charge.Sidecar.DisconnectAppAsync();
            if (stop.IsCancellationRequested)
            {
                return;
            }

            charge.Restarts++;
            charge.State = how;
            if (charge.EndAsked.Task.IsCompleted)
            {
                pause = TimeSpan.Zero;
                continue;
            }

            charge.Back?.TrySetException(new TownException($"{charge.App.Id} was started again and {how}; what else there is of it was left as it was. Its output says why."));
            pause = Pause(pause, TimeProvider.System.GetElapsedTime(began));
            console.Write(charge.App.Id, $"{how}; it starts again in {pause.TotalSeconds} s.");
            await Task.Delay(pause, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Runs the app to its end, and tells how it ended.</summary>
    private async Task<string> RunOnce(Charge charge, CancellationToken stop)
    {
        var app = charge.App;
        ChildProcess child;
        try
        {
            child = ChildProcess.Start(app.Command, app.Directory, EnvironmentOf(app), line => console.Write(app.Id, line));
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"did not start ({e.Message})";
        }

        using (child)
        using (var ended = CancellationTokenSource.CreateLinkedTokenSource(stop))
        {
            charge.Child = child;
            var exit = child.WaitAsync();
            var opening = Open(charge, ended.Token);
            var asked = new TaskCompletionSource();
            using (stop.Register(asked.SetResult))
            {
                await Task.WhenAny(exit, asked.Task, charge.EndAsked.Task);
            }

            await ended.CancelAsync();
            await opening;
            if (stop.IsCancellationRequested || charge.EndAsked.Task.IsCompleted)
            {
                await child.StopAsync(Patience);
            }

            var code = await exit;
            charge.Child = null;
            return code switch
            {
                126 or 127 => $"ended with exit code {code}, so '{app.Command[0]}' could probably not be started",
                > 128 and < 160 => $"was ended by signal {code - 128}",
                _ => $"ended with exit code {code}",
            };
        }
    }

    /// <summary>Brings app and sidecar together as soon as the app listens, and returns when it is well or has ended.</summary>
    private async Task Open(Charge charge, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                if (charge.App.Port > 0)
                {
                    charge.State = $"not listening on port {charge.App.Port} yet";
                    var address = charge.Address = await Listening(charge.App.Port, ended);
                    charge.State = "meeting its sidecar";
                    await charge.Sidecar.ConnectAppAsync(address, ended);
                    charge.State = "not well yet: /healthz does not answer 2xx";
                    await Well(address, ended);
                }

                charge.State = Charge.Open;
                charge.Opened.TrySetResult();
                if (!charge.EndAsked.Task.IsCompleted)
                {
                    charge.Back?.TrySetResult();
                }

                return;
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it is, the app still runs: to ask again is all that can help, and to say so.
                console.Write(charge.App.Id, $"does not get on with its sidecar ({e.Message}); trying again.");
                await Task.Delay(TimeSpan.FromSeconds(1), ended).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>The address the app accepts connections on; `http://localhost` may mean either or both.</summary>
    private static async Task<Uri> Listening(int port, CancellationToken ended)
    {
        while (true)
        {
            foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
            {
                try
                {
                    using var probe = new TcpClient(address.AddressFamily);
                    await probe.ConnectAsync(address, port, ended);
                    return new UriBuilder("http", address.ToString(), port).Uri;
                }
                catch (SocketException)
                {
                    // Not there, or not yet.
                }
            }

            await Task.Delay(100, ended);
        }
    }

    private async Task Well(Uri address, CancellationToken ended)
    {
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(address, "/healthz"), HttpCompletionOption.ResponseHeadersRead, ended);
                // An app without the page has nothing to say about its health, and listens.
                if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotFound)
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ended.IsCancellationRequested)
            {
                // Not ready to talk yet.
            }

            await Task.Delay(200, ended);
        }
    }

    /// <summary>One app in the supervisor's care.</summary>
    private sealed class Charge(RunApp app, Sidecar sidecar)
    {
        public const string Open = "open";

        public RunApp App => app;
        public Sidecar Sidecar => sidecar;
        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Set when this run of the app is to end so that another begins.</summary>
        public volatile TaskCompletionSource EndAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Set when the app is open again, or has failed to be; null while nobody waits for that.</summary>
        public volatile TaskCompletionSource? Back;
        public volatile string State = "starting";
        public volatile int Restarts;
        public volatile ChildProcess? Child;

        /// <summary>Where the app listens, once it does.</summary>
        public volatile Uri? Address;

        private int taken;

        /// <summary>How many requests it is answering that came by the address of all its replicas.</summary>
        public int Turns => Volatile.Read(ref taken);

        public Turn Take()
        {
            Interlocked.Increment(ref taken);
            return new(Address!, () => Interlocked.Decrement(ref taken));
        }
    }
}

/// <summary>A request's stay with one replica of an app.</summary>
public sealed class Turn(Uri address, Action end) : IDisposable
{
    public Uri Address => address;

    public void Dispose() => end();
}

/// <summary>An app in the supervisor's care: its state in words, its process while it runs, and how often it was started again.</summary>
public sealed record AppState(string Id, string State, int? Pid, int Port, int Restarts);
