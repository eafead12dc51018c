using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Starts every app next to its sidecar, and restarts it when it exits.</summary>
public sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RestartTimeout = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim restarting = new(1);
    private readonly List<ManagedApp> managedApps;
    private uint nextReplica;
    private readonly ConsoleLines console;
    // Health checks bypass any http_proxy in the environment, which must not be used for localhost.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary><paramref name="apps"/> are in the same order as the sidecars of <paramref name="standIn"/>.</summary>
    public Supervisor(IEnumerable<RunApp> apps, StandIn standIn, ConsoleLines console)
    {
        this.console = console;
        managedApps = [.. apps.Zip(standIn.Sidecars, (app, sidecar) => new ManagedApp(app, sidecar))];
    }

    /// <summary>Completes when every app has been healthy at least once.</summary>
    public Task AllOpen => Task.WhenAll(managedApps.Select(managed => managed.Opened.Task));

    /// <summary>Id and state of the apps that are not open now.</summary>
    public IEnumerable<(string App, string State)> NotOpen =>
        managedApps.Where(managed => managed.State != ManagedApp.Open).Select(managed => (managed.App.Id, managed.State));

    /// <summary>The current state of every app.</summary>
    public IEnumerable<AppState> Apps => managedApps.Select(managed => new AppState(managed.App.Id, managed.State, managed.Child?.Id, managed.App.Port, managed.Restarts));

    /// <summary>Keeps all apps running until <paramref name="stop"/> is cancelled, and returns when the last one has exited.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(managedApps.Select(managed => KeepRunning(managed, stop)));

    /// <summary>
    /// Rolling restart of an app's replicas: each one is drained, stopped, and healthy again before the next one is restarted.
    /// Returns the number of replicas; throws <see cref="LocalRunnerException"/> when one does not become healthy again, and leaves the others running.
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

                // Requests through the replica proxy get an answer first; endless streams are cut off by the timeout.
                for (var waited = TimeProvider.System.GetTimestamp(); managed.ActiveRequests > 0 && TimeProvider.System.GetElapsedTime(waited) < ShutdownTimeout;)
                {
                    await Task.Delay(20, stop);
                }

                // Request the restart first, so that the old process cannot complete the new task.
                managed.RestartRequested.TrySetResult();
                var completed = managed.RestartCompleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                try
                {
                    await completed.Task.WaitAsync(RestartTimeout, stop);
                }
                catch (TimeoutException)
                {
                    throw new LocalRunnerException($"{app} was not healthy again within {RestartTimeout.TotalSeconds} s ({managed.State}); its other replicas were not restarted. See its output for the reason.");
                }
            }

            return replicas.Count;
        }
        finally
        {
            restarting.Release();
        }
    }

    /// <summary>Round-robin over the open replicas of an app; a restart waits until the lease is disposed. Null when no replica is open.</summary>
    public ReplicaLease? AcquireReplica(string app)
    {
        var open = managedApps.Where(managed => managed.App.Id == app && managed.State == ManagedApp.Open).ToList();
        return open.Count == 0 ? null : open[(int)(Interlocked.Increment(ref nextReplica) % (uint)open.Count)].Acquire();
    }

    /// <summary>Kills every app process immediately.</summary>
    public void Kill() => managedApps.ForEach(managed => managed.Child?.Kill());

    public void Dispose()
    {
        http.Dispose();
        restarting.Dispose();
    }

    /// <summary>Back-off before an app is restarted: 1, 2, 4 … 30 s; back to 1 s once it ran for a minute.</summary>
    public static TimeSpan RestartDelay(TimeSpan before, TimeSpan ran) =>
        before == TimeSpan.Zero || ran >= TimeSpan.FromMinutes(1)
            ? TimeSpan.FromSeconds(1)
            : TimeSpan.FromSeconds(Math.Min(before.TotalSeconds * 2, 30));

    /// <summary>The variables the Dapr CLI sets for an app, then those of the run file, which override them.</summary>
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

            managed.RestartCompleted?.TrySetException(new LocalRunnerException($"{managed.App.Id} was started again and {outcome}; its other replicas were not restarted. See its output for the reason."));
            delay = RestartDelay(delay, TimeProvider.System.GetElapsedTime(began));
            console.Write(managed.App.Id, $"{outcome}; it starts again in {delay.TotalSeconds} s.");
            await Task.Delay(delay, stop).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Runs the app until it exits, and returns a description of how it exited.</summary>
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

    /// <summary>Connects the sidecar as soon as the app listens, and returns when the app is healthy or has exited.</summary>
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
                    managed.State = "connecting to its sidecar";
                    await managed.Sidecar.ConnectAppAsync(address, ended);
                    managed.State = "not healthy yet: /healthz does not answer 2xx";
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
                // Any failure here is retried for as long as the app process runs.
                console.Write(managed.App.Id, $"could not be connected to its sidecar ({e.Message}); retrying in 1 s.");
                await Task.Delay(TimeSpan.FromSeconds(1), ended).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }

    /// <summary>The loopback address on which the app accepts connections; for `http://localhost` this may be IPv4, IPv6 or both.</summary>
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
                    // Not listening on this address yet.
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
                // An app without a health endpoint counts as healthy because it listens.
                if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotFound)
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ended.IsCancellationRequested)
            {
                // Not ready yet.
            }

            await Task.Delay(200, ended);
        }
    }
}
