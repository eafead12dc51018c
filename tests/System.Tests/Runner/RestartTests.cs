using System.Net;
using System.Text.RegularExpressions;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>The command that restarts a town, as whoever types it sees it.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly int[] ports = Ports.Free(2);
    private readonly SmallTown small;

    public RestartTests()
    {
        small = new SmallTown().With("shop", ports[0], "sh", "./run");
        Build($"exec {string.Join(' ', PlayedApp.Command(ports[0])[..^1])} $APP_PORT");
    }

    public void Dispose() => small.Dispose();

    [Fact]
    public async Task Each_process_is_replaced_in_its_turn_by_what_was_built_meanwhile()
    {
        using var town = RunningTown.Start(small.Root, "--replicas", "shop=2", "--town-port", $"{ports[1]}");
        await town.Says("The town is open");
        Build($"echo built anew; exec {string.Join(' ', PlayedApp.Command(ports[0])[..^1])} $APP_PORT");

        using var restart = Restart();

        Assert.Equal(0, await restart.Ended());
        await restart.Says("^shop: restarted, all 2 replicas$");
        Assert.Matches(@"(?s)built anew.*playing as shop.*built anew.*playing as shop", town.Output);
        Assert.Equal(4, Processes(town).Distinct().Count());
        Assert.DoesNotContain("starts again", town.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_does_not_come_back_stops_the_restart_and_the_other_stays()
    {
        using var town = RunningTown.Start(small.Root, "--replicas", "shop=2", "--town-port", $"{ports[1]}");
        await town.Says("The town is open");
        Build("exit 3");

        using var restart = Restart("shop");

        Assert.Equal(1, await restart.Ended());
        await restart.Says("^shop was started again and ended with exit code 3; its other replicas were not restarted");
        Assert.Equal(2, Processes(town).Length);
        using var http = new HttpClient();
        var state = await http.GetStringAsync($"http://localhost:{ports[1]}/town", TestContext.Current.CancellationToken);
        Assert.Single(Regex.Matches(state, "\"state\":\"open\",\"pid\":(\\d+)"), open => Processes(town).Contains(open.Groups[1].Value));
    }

    [Fact]
    public async Task One_without_another_is_said_to_have_been_away()
    {
        using var town = RunningTown.Start(small.Root, "--town-port", $"{ports[1]}");
        await town.Says("The town is open");

        using var restart = Restart("shop");

        Assert.Equal(0, await restart.Ended());
        await restart.Says(@"^shop: restarted, a single replica, unavailable for up to \d+\.\d s$");
    }

    [Fact]
    public async Task What_is_not_there_is_named_and_nothing_is_restarted()
    {
        using (var nowhere = Restart())
        {
            Assert.Equal(1, await nowhere.Ended());
            await nowhere.Says($"^No local runner answers on port {ports[1]}; start one");
        }

        using var town = RunningTown.Start(small.Root, "--town-port", $"{ports[1]}");
        await town.Says("The town is open");
        using var restart = Restart("shp");

        Assert.Equal(1, await restart.Ended());
        await restart.Says("^No app is called shp, so nothing was restarted; the apps are shop\\.");
        Assert.Single(Processes(town));
    }

    [Fact]
    public async Task A_page_that_someone_looks_at_cannot_restart_anything()
    {
        using var town = RunningTown.Start(small.Root, "--town-port", $"{ports[1]}");
        await town.Says("The town is open");
        using var http = new HttpClient();

        using var form = await http.PostAsync($"http://localhost:{ports[1]}/town/restart/shop", new FormUrlEncodedContent([]), TestContext.Current.CancellationToken);
        using var preflight = await http.SendAsync(
            new(HttpMethod.Options, $"http://localhost:{ports[1]}/town/restart/shop") { Headers = { { "Origin", "http://elsewhere" }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", RunnerApi.RequiredHeader } } },
            TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, form.StatusCode);
        Assert.False(preflight.IsSuccessStatusCode);
        Assert.Single(Processes(town));
    }

    // What stands for a build: another file in the old one's place.
    private void Build(string script)
    {
        File.WriteAllText(small.At("shop/next"), script);
        File.Move(small.At("shop/next"), small.At("shop/run"), overwrite: true);
    }

    private RunningTown Restart(params string[] app) => RunningTown.Start(small.Root, ["restart", .. app, "--town-port", $"{ports[1]}"]);

    private static string[] Processes(RunningTown town) => [.. Regex.Matches(town.Output, @"^shop \| playing as shop in process (\d+)\r?$", RegexOptions.Multiline).Select(said => said.Groups[1].Value)];
}
