using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Runs every app beside its sidecar, and runs it again when it ends.</summary>
public sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly List<Charge> charges;
    private readonly ConsoleLines console;
    // Health is asked without a proxy: an http_proxy in the environment must not send localhost elsewhere.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    public Supervisor(IEnumerable<RunApp> apps, StandIn standIn, ConsoleLines console)
    {
        this.console = console;
        charges = [.. apps.Select(app => new Charge(app, standIn.Sidecar(app.Id)))];
    }

    /// <summary>Done when every app has been open once.</summary>
    public Task AllOpen => Task.WhenAll(charges.Select(charge => charge.Opened.Task));

    /// <summary>App and state of those that are not open now.</summary>
    public IEnumerable<(string App, string State)> NotOpen =>
        charges.Where(charge => charge.State != Charge.Open).Select(charge => (charge.App.Id, charge.State));

    /// <summary>Keeps all apps running until told to stop, and returns when the last has ended.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(charges.Select(charge => KeepRunning(charge, stop)));

    /// <summary>Ends every app at once.</summary>
    public void Kill() => charges.ForEach(charge => charge.Child?.Kill());

    public void Dispose() => http.Dispose();

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
            ["APP_PROTOCOL"] = app.Protocol,
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
            var began = TimeProvider.System.GetTimestamp();
            var how = await RunOnce(charge, stop);
            await charge.Sidecar.DisconnectAppAsync();
            if (stop.IsCancellationRequested)
            {
                return;
            }

            pause = Pause(pause, TimeProvider.System.GetElapsedTime(began));
            charge.State = how;
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
                await Task.WhenAny(exit, asked.Task);
            }

            await ended.CancelAsync();
            await opening;
            if (stop.IsCancellationRequested)
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
                    var address = await Listening(charge.App.Port, ended);
                    charge.State = "meeting its sidecar";
                    await charge.Sidecar.ConnectAppAsync(address, ended);
                    charge.State = "not well yet: /healthz does not answer 2xx";
                    await Well(charge.App, address, ended);
                }

                charge.State = Charge.Open;
                charge.Opened.TrySetResult();
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

    private async Task Well(RunApp app, Uri address, CancellationToken ended)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/healthz"));
                if (app.Protocol == "h2c")
                {
                    request.Version = HttpVersion.Version20;
                    request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
                }

                using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ended);
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
        public volatile string State = "starting";
        public volatile ChildProcess? Child;
    }
}
