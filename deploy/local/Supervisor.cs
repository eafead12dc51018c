using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Runs every app beside its sidecar, and runs it again when it ends.</summary>
public sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RestartTimeout = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim restarting = new(1);
    private readonly List<ManagedApp> managedApps;
    private uint nextReplica;
    private readonly ConsoleLines console;
    // Health is asked without a proxy: an http_proxy in the environment must not send localhost elsewhere.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>The apps come in the order of their sidecars.</summary>
    public Supervisor(IEnumerable<RunApp> apps, StandIn standIn, ConsoleLines console)
    {
        this.console = console;
        managedApps = [.. apps.Zip(standIn.Sidecars, (app, sidecar) => new ManagedApp(app, sidecar))];
    }

    /// <summary>Done when every app has been open once.</summary>
    public Task AllOpen => Task.WhenAll(managedApps.Select(managed => managed.Opened.Task));

    /// <summary>App and state of those that are not open now.</summary>
    public IEnumerable<(string App, string State)> NotOpen =>
        managedApps.Where(managed => managed.State != ManagedApp.Open).Select(managed => (managed.App.Id, managed.State));

    /// <summary>Every app as it is now.</summary>
    public IEnumerable<AppState> Apps => managedApps.Select(managed => new AppState(managed.App.Id, managed.State, managed.Child?.Id, managed.App.Port, managed.Restarts));

    /// <summary>Keeps all apps running until told to stop, and returns when the last has ended.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(managedApps.Select(managed => KeepRunning(managed, stop)));

    /// <summary>
    /// Restarts an app's processes one after the other: each is sent nothing new, answers what it has, ends, and is back before the next one goes.
    /// Returns how many there were; one that does not come back is a <see cref="LocalRunnerException"/>, and the rest stay as they are.
    /// </summary>
    public async Task<int> RestartAsync(string app, CancellationToken stop)
    {
        await restarting.WaitAsync(stop);
        try
        {
            var replicas = managedApps.Where(managed => managed.App.Id == app).ToList();
            foreach (var managed in replicas)
            {
                managed.State = "draining";
                await managed.Sidecar.DrainAsync(ShutdownTimeout);

                // A stream has no end of its own; what else came by the app's address is answered.
                for (var waited = TimeProvider.System.GetTimestamp(); managed.ActiveRequests > 0 && TimeProvider.System.GetElapsedTime(waited) < ShutdownTimeout;)
                {
                    await Task.Delay(20, stop);
                }

                // In this order: the process that is to end must not pass for the one that is back.
                managed.RestartRequested.TrySetResult();
                var completed = managed.RestartCompleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                try
                {
                    await completed.Task.WaitAsync(RestartTimeout, stop);
                }
                catch (TimeoutException)
                {
                    throw new LocalRunnerException($"{app} did not come back within {RestartTimeout.TotalSeconds} s ({managed.State}); what else there is of it was left as it was. Its output says why.");
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
    public ReplicaLease? AcquireReplica(string app)
    {
        var open = managedApps.Where(managed => managed.App.Id == app && managed.State == ManagedApp.Open).ToList();
        return open.Count == 0 ? null : open[(int)(Interlocked.Increment(ref nextReplica) % (uint)open.Count)].Acquire();
    }

    /// <summary>Ends every app at once.</summary>
    public void Kill() => managedApps.ForEach(managed => managed.Child?.Kill());

    public void Dispose()
    {
        http.Dispose();
        restarting.Dispose();
    }

    /// <summary>How long to wait before an app is started again: 1, 2, 4 … 30 s, and from the start again once it ran a minute.</summary>
    public static TimeSpan RestartDelay(TimeSpan before, TimeSpan ran) =>
        before == TimeSpan.Zero || ran >= TimeSpan.FromMinutes(1)
            ? TimeSpan.FromSeconds(1)
            : TimeSpan.FromSeconds(Math.Min(before.TotalSeconds * 2, 30));

    /// <summary>What the Dapr CLI would set for the app: the sidecar's whereabouts, then the run file's own.</summary>
    public static IEnumerable<KeyValuePair<string, string>> EnvironmentOf(RunApp app)
    {
        var variables = new Dictionary<string, string>
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
            variables["APP_PORT"] = $"{app.Port}";
        }

        return variables.Concat(app.Env);
    }

    private async Task KeepRunning(ManagedApp managed, CancellationToken stop)
    {
        var delay = TimeSpan.Zero;
        while (!stop.IsCancellationRequested)
        {
            managed.State = "starting";
            managed.RestartRequested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var began = TimeProvider.System.GetTimestamp();
            var outcome = await RunOnce(managed, stop);
            await managed.Sidecar.DisconnectAppAsync();
            if (stop.IsCancellationRequested)
            {
                return;
            }

            managed.Restarts++;
            managed.State = outcome;
            if (managed.RestartRequested.Task.IsCompleted)
            {
                delay = TimeSpan.Zero;
                continue;
            }

            managed.RestartCompleted?.TrySetException(new LocalRunnerException($"{managed.App.Id} was started again and {outcome}; what else there is of it was left as it was. Its output says why."));
            delay = RestartDelay(delay, TimeProvider.System.GetElapsedTime(began));
            console.Write(managed.App.Id, $"{outcome}; it starts again in {delay.TotalSeconds} s.");
            await Task.Delay(delay, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Runs the app to its end, and tells how it ended.</summary>
    private async Task<string> RunOnce(ManagedApp managed, CancellationToken stop)
    {
        var app = managed.App;
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
            managed.Child = child;
            var exit = child.WaitAsync();
            var connecting = ConnectWhenReady(managed, ended.Token);
            var stopRequested = new TaskCompletionSource();
            using (stop.Register(stopRequested.SetResult))
            {
                await Task.WhenAny(exit, stopRequested.Task, managed.RestartRequested.Task);
            }

            await ended.CancelAsync();
            await connecting;
            if (stop.IsCancellationRequested || managed.RestartRequested.Task.IsCompleted)
            {
                await child.StopAsync(ShutdownTimeout);
            }

            var code = await exit;
            managed.Child = null;
            return code switch
            {
                126 or 127 => $"ended with exit code {code}, so '{app.Command[0]}' could probably not be started",
                > 128 and < 160 => $"was ended by signal {code - 128}",
                _ => $"ended with exit code {code}",
            };
        }
    }

    /// <summary>Brings app and sidecar together as soon as the app listens, and returns when it is well or has ended.</summary>
    private async Task ConnectWhenReady(ManagedApp managed, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                if (managed.App.Port > 0)
                {
                    managed.State = $"not listening on port {managed.App.Port} yet";
                    var address = managed.Address = await WaitUntilListening(managed.App.Port, ended);
                    managed.State = "meeting its sidecar";
                    await managed.Sidecar.ConnectAppAsync(address, ended);
                    managed.State = "not well yet: /healthz does not answer 2xx";
                    await WaitUntilHealthy(address, ended);
                }

                managed.State = ManagedApp.Open;
                managed.Opened.TrySetResult();
                if (!managed.RestartRequested.Task.IsCompleted)
                {
                    managed.RestartCompleted?.TrySetResult();
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
                console.Write(managed.App.Id, $"does not get on with its sidecar ({e.Message}); trying again.");
                await Task.Delay(TimeSpan.FromSeconds(1), ended).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>The address the app accepts connections on; `http://localhost` may mean either or both.</summary>
    private static async Task<Uri> WaitUntilListening(int port, CancellationToken ended)
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

    private async Task WaitUntilHealthy(Uri address, CancellationToken ended)
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
    private sealed class ManagedApp(RunApp app, Sidecar sidecar)
    {
        public const string Open = "open";

        public RunApp App => app;
        public Sidecar Sidecar => sidecar;
        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Set when this run of the app is to end so that another begins.</summary>
        public volatile TaskCompletionSource RestartRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Set when the app is open again, or has failed to be; null while nobody waits for that.</summary>
        public volatile TaskCompletionSource? RestartCompleted;
        public volatile string State = "starting";
        public volatile int Restarts;
        public volatile ChildProcess? Child;

        /// <summary>Where the app listens, once it does.</summary>
        public volatile Uri? Address;

        private int activeRequests;

        /// <summary>How many requests it is answering that came by the address of all its replicas.</summary>
        public int ActiveRequests => Volatile.Read(ref activeRequests);

        public ReplicaLease Acquire()
        {
            Interlocked.Increment(ref activeRequests);
            return new(Address!, () => Interlocked.Decrement(ref activeRequests));
        }
    }
}

/// <summary>A request's stay with one replica of an app.</summary>
public sealed class ReplicaLease(Uri address, Action release) : IDisposable
{
    public Uri Address => address;

    public void Dispose() => release();
}

/// <summary>An app in the supervisor's care: its state in words, its process while it runs, and how often it was started again.</summary>
public sealed record AppState(string Id, string State, int? Pid, int Port, int Restarts);
