using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>One real daprd for each app of a test, on loopback ports of its own.</summary>
internal sealed class DaprdRun(Setting setting, ControlPlane control) : TargetRun
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly List<(string Id, int[] Ports, ToolProcess? Process)> sidecars = [];

    public override TimeProvider Clock => TimeProvider.System;

    public override SidecarAddress Sidecar(int index) => new(sidecars[index].Ports[0], sidecars[index].Ports[1]);

    /// <summary>Sidecars know the port of their app from the start; the app comes to it later.</summary>
    public async Task StartAsync()
    {
        foreach (var id in setting.Apps)
        {
            sidecars.Add((id, Ports.Free(5), null));
        }

        for (var i = 0; i < sidecars.Count; i++)
        {
            await LaunchAsync(i);
        }
    }

    public override int AppPort(int index) => sidecars[index].Ports[4];

    public override Task ConnectAsync(int index, Uri app, bool ready) => ready ? HealthyAsync(index, "healthz") : Task.CompletedTask;

    public override async Task ForgetAsync(int index)
    {
        await EndAsync(index);
        await LaunchAsync(index);
    }

    public override async Task RestartAsync()
    {
        for (var i = 0; i < sidecars.Count; i++)
        {
            await ForgetAsync(i);
        }
    }

    // daprd's time is the machine's.
    public override Task PassAsync(TimeSpan step, Func<bool> enough, bool held) => enough() ? Task.CompletedTask : Task.Delay(Look);

    public override async ValueTask DisposeAsync()
    {
        for (var i = 0; i < sidecars.Count; i++)
        {
            await EndAsync(i);
        }
    }

    private async Task LaunchAsync(int index)
    {
        var (id, ports, _) = sidecars[index];
        List<string> flags =
        [
            $"--app-id={id}", $"--app-port={ports[4]}", "--app-protocol=http", $"--dapr-http-port={ports[0]}", $"--dapr-grpc-port={ports[1]}", $"--dapr-internal-grpc-port={ports[2]}",
            "--dapr-internal-grpc-listen-address=127.0.0.1", "--dapr-listen-addresses=127.0.0.1", $"--metrics-port={ports[3]}", "--metrics-listen-address=127.0.0.1",
            $"--resources-path={setting.ResourcesPath}", $"--placement-host-address=127.0.0.1:{control.Placement}", $"--scheduler-host-address=127.0.0.1:{control.Scheduler}",
            "--mode=standalone", "--enable-mtls=false", "--log-level=info",
        ];
        if (setting.ConfigFile is { } config)
        {
            flags.Add($"--config={config}");
        }

        if (setting.MaxConcurrency is { } most)
        {
            flags.Add($"--app-max-concurrency={most}");
        }

        if (setting.ReadBufferSize is { } bytes)
        {
            flags.Add($"--read-buffer-size={bytes}");
        }

        if (setting.HealthEverySeconds is { } seconds)
        {
            flags.AddRange(["--enable-app-health-check", $"--app-health-probe-interval={seconds}", "--app-health-probe-timeout=500", "--app-health-threshold=3"]);
        }

        sidecars[index] = (id, ports, ToolProcess.Start(DaprdTarget.Variable("DAPRD_PATH"), flags, new Dictionary<string, string?>
        {
            ["DAPR_HOST_IP"] = "127.0.0.1",
            ["DAPR_API_TOKEN"] = setting.ApiToken,
            ["APP_API_TOKEN"] = setting.AppApiToken,
        }));
        await HealthyAsync(index, "healthz/outbound");
    }

    private async Task HealthyAsync(int index, string path)
    {
        using var http = new HttpClient { BaseAddress = Sidecar(index).Http };
        await ToolProcess.UntilAsync(async () =>
        {
            using var answer = await http.GetAsync($"/v1.0/{path}");
            return answer.IsSuccessStatusCode;
        });
    }

    private async Task EndAsync(int index)
    {
        var (id, ports, process) = sidecars[index];
        if (process is not null)
        {
            await process.DisposeAsync();
            sidecars[index] = (id, ports, null);
        }
    }
}
