using System.Net.Sockets;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>Placement and scheduler of the real Dapr, shared by all tests of a run.</summary>
public sealed class ControlPlane : IAsyncDisposable
{
    private readonly List<ToolProcess> processes = [];

    public required int Placement { get; init; }

    public required int Scheduler { get; init; }

    public static async Task<ControlPlane> StartAsync(string home)
    {
        var ports = Ports.Free(9);
        var plane = new ControlPlane { Placement = ports[0], Scheduler = ports[4] };
        plane.processes.Add(ToolProcess.Start(DaprdTarget.Variable("DAPR_PLACEMENT_PATH"),
        [
            $"--port={ports[0]}", "--listen-address=127.0.0.1", $"--healthz-port={ports[1]}", $"--metrics-port={ports[2]}", "--metrics-listen-address=127.0.0.1",
            "--id=dapr-placement-0", $"--initial-cluster=dapr-placement-0=127.0.0.1:{ports[3]}",
        ]));
        plane.processes.Add(ToolProcess.Start(DaprdTarget.Variable("DAPR_SCHEDULER_PATH"),
        [
            $"--port={ports[4]}", "--listen-address=127.0.0.1", $"--healthz-port={ports[5]}", $"--metrics-port={ports[6]}", "--metrics-listen-address=127.0.0.1",
            "--id=dapr-scheduler-server-0", $"--etcd-data-dir={Path.Combine(home, "etcd")}", $"--etcd-client-port={ports[7]}",
            $"--etcd-initial-cluster=dapr-scheduler-server-0=http://localhost:{ports[8]}", $"--override-broadcast-host-port=localhost:{ports[4]}",
            $"--identity-directory-write={Path.Combine(home, "identity")}",
        ]));
        foreach (var port in new[] { ports[0], ports[4] })
        {
            await ToolProcess.UntilAsync(async () =>
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", port);
                return true;
            });
        }

        return plane;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }
    }
}
