using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using SecondhandTrade.MyPages;

namespace SecondhandTrade.SystemTests;

/// <summary>What a cluster asks a process: whether it has started, lives, and should be sent anything.</summary>
public sealed class Probes
{
    private static readonly string[] WhileStopping = ["/ready", "/alive"];

    public static TheoryData<string> Apps => ["reservation", "gateway"];

    [Theory]
    [MemberData(nameof(Apps))]
    public async Task One_that_runs_is_started_alive_and_ready(string app)
    {
        await using var town = await TestTown.Open();
        foreach (var path in new[] { "/healthz", "/alive", "/ready" })
        {
            Assert.Equal(HttpStatusCode.OK, (await town.Send(HttpMethod.Get, path, app: app)).Code);
        }
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public async Task One_that_is_told_to_stop_is_not_ready_at_once_and_still_alive(string app)
    {
        await using var town = await TestTown.Open();
        var lifetime = town.Service<IHostApplicationLifetime>(app);
        var said = new Dictionary<string, HttpStatusCode>();
        using var http = new HttpClient { BaseAddress = town.Address(app) };

        // Runs while the signal is told around, before the server has closed its door.
        lifetime.ApplicationStopping.Register(() =>
        {
            foreach (var path in WhileStopping)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, path);
                using var answer = http.Send(request);
                said[path] = answer.StatusCode;
            }
        });
        lifetime.StopApplication();
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (said["/ready"], said["/alive"]));
    }

    [Fact]
    public async Task One_whose_store_is_gone_is_alive_and_not_ready_and_says_so_in_time()
    {
        await using var town = await TestTown.Open();
        using var door = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        door.Start();
        await using var alone = ServiceHost.Start<MyPageJson>(town.StandIn.Sidecar("mypage"), $"{door.LocalEndpoint},connectTimeout=500", town.Clock, new Dictionary<string, string>(), new WireFault(), new());
        using var http = new HttpClient { BaseAddress = alone.Address, Timeout = TimeSpan.FromSeconds(5) };
        using var ready = await http.GetAsync("/ready", TestContext.Current.CancellationToken);
        using var alive = await http.GetAsync("/alive", TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (ready.StatusCode, alive.StatusCode));
    }

    [Fact]
    public async Task How_long_stopping_may_take_is_a_setting()
    {
        await using var town = await TestTown.Open(new Dictionary<string, string> { ["shutdownTimeoutSeconds"] = "17" });
        Assert.Equal(TimeSpan.FromSeconds(17), town.Service<IOptions<HostOptions>>("stock").Value.ShutdownTimeout);
    }
}
