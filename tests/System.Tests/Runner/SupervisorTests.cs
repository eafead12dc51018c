using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

public sealed class SupervisorTests
{
    [Fact]
    public async Task Ports_in_use_are_all_named_and_nothing_is_started()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        var taken = ((IPEndPoint)first.LocalEndpoint).Port;
        using var small = new SmallTown();
        using var second = new TcpListener(IPAddress.Any, small.RedisPort);
        second.Start();
        small.With("busy", taken, "touch", small.At("started"));

        using var town = RunningTown.Start(small.Root);

        Assert.Equal(1, await town.Ended());
        Assert.Contains($"{taken} is in use: the app busy", town.Output, StringComparison.Ordinal);
        Assert.Contains($"{small.RedisPort} is in use: Redis", town.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(small.At("started")));
        Assert.False(Directory.Exists(small.At(".town/redis")));
    }

    [Fact]
    public async Task An_app_that_ends_is_started_again_and_the_town_says_why()
    {
        var port = Ports.Free(1)[0];
        using var small = new SmallTown().With("shop", port, PlayedApp.Command(port));
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        var before = await town.Says(@"^shop \| playing as shop in process (\d+)$");

        using var http = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync($"http://127.0.0.1:{port}/crash", TestContext.Current.CancellationToken));

        await town.Says(@"^shop \| ended with exit code 7; it starts again in 1 s\.$");
        await town.Says($@"^shop \| playing as shop in process (?!{before.Groups[1].Value}$)\d+$");
    }

    [Fact, Trait("Feature", "health: of the app")]
    public async Task An_app_that_stops_answering_hears_nothing_until_it_answers_again()
    {
        var ports = Ports.Free(2);
        using var small = new SmallTown().With("shop", ports[0], PlayedApp.Command(ports[0]));
        File.AppendAllText(small.At("dapr.yaml"), $"    daprHTTPPort: {ports[1]}\n    enableAppHealthCheck: true\n    appHealthCheckPath: /alive\n    appHealthProbeInterval: 1\n    appHealthThreshold: 1\n");
        File.WriteAllText(small.At("components/pubsub.yaml"), Sidecars.Yaml.PubSub());
        File.WriteAllText(small.At("components/news.yaml"), "apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: news}\nspec: {pubsubname: pubsub, topic: news, routes: {default: /news}}\n");
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        var app = (await town.Says(@"^shop \| playing as shop in process (\d+)$")).Groups[1].Value;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[1]}"), Timeout = TimeSpan.FromSeconds(1) };

        await Signal("STOP");
        await Eventually.Holds(() => Call().Contains("not in a healthy state", StringComparison.Ordinal), () => "calls to be refused");
        using (await http.PostAsync("/v1.0/publish/pubsub/news", new StringContent("1"), TestContext.Current.CancellationToken))
        {
        }

        await Signal("CONT");

        await town.Says(@"^shop \| POST /news HTTP/1\.1 in process");
        Assert.Equal("", Call());

        string Call()
        {
            try
            {
                using var answer = http.Send(new HttpRequestMessage(HttpMethod.Get, "/v1.0/invoke/shop/method/x"), TestContext.Current.CancellationToken);
                using var text = new StreamReader(answer.Content.ReadAsStream());
                return text.ReadToEnd();
            }
            catch (TaskCanceledException)
            {
                return "no answer: on its way before the app was found ill";
            }
        }

        async Task Signal(string signal)
        {
            using var kill = Process.Start("/bin/kill", [$"-{signal}", app]);
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact, Trait("Feature", "invocation: replicas")]
    public async Task Replicas_share_the_calls_and_while_one_is_dead_the_other_takes_them_all()
    {
        var ports = Ports.Free(2);
        var command = PlayedApp.Command(ports[0]);
        // As an app does that listens where APP_PORT says.
        using var small = new SmallTown().With("shop", ports[0], "sh", "-c", $"exec {string.Join(' ', command[..^1])} $APP_PORT").With("desk", 0, "sleep", "1000");
        File.AppendAllText(small.At("dapr.yaml"), $"    daprHTTPPort: {ports[1]}\n");
        using var town = RunningTown.Start(small.Root, "--replicas", "shop=2");
        await town.Says("The town is open");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ports[1]}") };

        await Call("before", 4);

        await Eventually.Holds(() => By("before").Length == 4, () => $"four calls:\n{town.Output}");
        var both = By("before").GroupBy(process => process).ToList();
        Assert.Equal([2, 2], both.Select(process => process.Count()));

        using (var kill = Process.Start("/bin/kill", ["-KILL", both[0].Key]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await town.Says(@"^shop \| was ended by signal 9; it starts again in 1 s\.$");
        await Call("meanwhile", 4);

        await Eventually.Holds(() => By("meanwhile").Length == 4, () => $"four more calls:\n{town.Output}");
        Assert.All(By("meanwhile"), process => Assert.Equal(both[1].Key, process));

        async Task Call(string path, int times)
        {
            for (var i = 0; i < times; i++)
            {
                using var answer = await http.PostAsync($"/v1.0/invoke/shop/method/{path}", null, TestContext.Current.CancellationToken);
                Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            }
        }

        string[] By(string path) => [.. Regex.Matches(town.Output, $@"^shop \| POST /{path} HTTP/1\.1 in process (\d+)\r?$", RegexOptions.Multiline).Select(said => said.Groups[1].Value)];
    }

    [Fact]
    public void Replicas_of_an_app_that_is_not_there_are_refused()
    {
        var file = new RunFile("/town/dapr.yaml", "town", [], null, [new("shop", "/", ["a"]), new("gateway", "/", ["a"])]);

        Assert.Contains(
            "no app of /town/dapr.yaml is called that; the apps are shop, gateway",
            Assert.Throws<LocalRunnerException>(() => LocalRunner.WithReplicas(file, new Dictionary<string, int> { ["shp"] = 2 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replica_has_ports_of_its_own_and_is_told_them_and_the_apps_own_port_stands_for_all()
    {
        var shop = new RunApp("shop", "/", ["a"]) { Port = 8082, HttpPort = 1, GrpcPort = 2, MetricsPort = 3, Env = new Dictionary<string, string> { ["ASPNETCORE_URLS"] = "http://localhost:8082", ["Other"] = "localhost:18082" } };
        var file = LocalRunner.WithReplicas(new("/town/dapr.yaml", "town", [], null, [shop]), new Dictionary<string, int> { ["shop"] = 3 });
        var apps = file.Apps;

        Assert.Equal("shop", Assert.Single(file.ReplicaPorts, front => front.Key == 8082).Value);
        Assert.Equal((1, 2, 3), (apps[0].HttpPort, apps[0].GrpcPort, apps[0].MetricsPort));
        Assert.DoesNotContain(apps, app => app.Port == 8082);
        Assert.Equal(12, apps.SelectMany(app => new[] { app.Port, app.HttpPort, app.GrpcPort, app.MetricsPort }).Distinct().Count());
        Assert.All(apps, app => Assert.Equal(($"http://localhost:{app.Port}", "localhost:18082"), (app.Env["ASPNETCORE_URLS"], app.Env["Other"])));
    }

    [Fact]
    public void A_free_port_is_given_to_one_only_and_is_none_that_a_connection_could_take()
    {
        var ports = Ports.Free(200).Concat(Ports.Free(200)).ToList();

        Assert.Equal(400, ports.Distinct().Count());
        Assert.All(ports, port => Assert.InRange(port, 1024, 32767));
    }

    [Fact]
    public async Task No_app_outlives_a_runner_that_was_killed()
    {
        var port = Ports.Free(1)[0];
        using var small = new SmallTown()
            .With("shop", port, PlayedApp.Command(port))
            .With("deaf", 0, "sh", "-c", "trap '' TERM; echo process $$; while :; do sleep 1; done");
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        int[] apps =
        [
            int.Parse((await town.Says(@"^shop \| playing as shop in process (\d+)$")).Groups[1].ValueSpan, null),
            int.Parse((await town.Says(@"^deaf \| process (\d+)$")).Groups[1].ValueSpan, null),
        ];
        Assert.All(apps, app => Assert.True(IsAlive(app)));

        town.Signal("KILL");

        await Eventually.Holds(() => !apps.Any(IsAlive), () => "the apps to be gone", within: TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Ctrl_C_asks_the_apps_to_end_before_the_rest_and_ends_with_0()
    {
        using var small = new SmallTown().With("polite", 0, "sh", "-c", "trap 'echo bye; exit 0' TERM; echo process $$; while :; do sleep 0.1; done");
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        var app = int.Parse((await town.Says(@"^polite \| process (\d+)$")).Groups[1].ValueSpan, null);

        town.Signal("INT");

        Assert.Equal(0, await town.Ended());
        Assert.Matches(@"polite \| bye\s+town   \| Closed\.", town.Output);
        Assert.DoesNotContain("starts again", town.Output, StringComparison.Ordinal);
        Assert.False(IsAlive(app));
    }

    [Fact]
    public async Task An_app_passes_over_the_Ctrl_C_that_reaches_the_whole_terminal()
    {
        var port = Ports.Free(1)[0];
        using var small = new SmallTown().With("shop", port, PlayedApp.Command(port));
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        var app = (await town.Says(@"^shop \| playing as shop in process (\d+)$")).Groups[1].Value;

        using (var kill = Process.Start("/bin/kill", ["-INT", app]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        // A process that ended would not answer for long; one that passes over the signal does every time.
        using var http = new HttpClient();
        for (var i = 0; i < 50; i++)
        {
            using var answer = await http.GetAsync($"http://127.0.0.1:{port}/", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        Assert.True(IsAlive(int.Parse(app, null)));
    }

    [Fact]
    public async Task A_second_Ctrl_C_does_not_wait_for_an_app_that_will_not_end()
    {
        using var small = new SmallTown().With("deaf", 0, "sh", "-c", "trap 'echo no' TERM; echo process $$; while :; do sleep 0.1; done");
        using var town = RunningTown.Start(small.Root);
        await town.Says("The town is open");
        var app = int.Parse((await town.Says(@"^deaf \| process (\d+)$")).Groups[1].ValueSpan, null);
        town.Signal("INT");
        await town.Says(@"^deaf \| no$");

        var asked = Stopwatch.StartNew();
        town.Signal("INT");

        Assert.Equal(1, await town.Ended());
        Assert.True(asked.Elapsed < TimeSpan.FromSeconds(5));
        await Eventually.Holds(() => !IsAlive(app), () => "the app to be gone", within: TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Two_runners_do_not_share_their_data()
    {
        using var small = new SmallTown().With("idle", 0, "sleep", "1000");
        using var first = RunningTown.Start(small.Root);
        await first.Says("The town is open");

        using var second = RunningTown.Start(small.Root);

        Assert.Equal(1, await second.Ended());
        Assert.Contains("Another runner uses", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_with_other_things_is_not_taken_for_a_towns_data()
    {
        using var small = new SmallTown().With("idle", 0, "sleep", "1000");

        using var town = RunningTown.Start(small.Root, "--data", small.At("components"), "--clean");

        Assert.Equal(1, await town.Ended());
        Assert.Contains("contains files that do not belong to the runner", town.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(small.At("components/statestore.yaml")));
    }

    [Fact]
    public async Task An_app_that_was_not_built_is_named()
    {
        using var small = new SmallTown().With("idle", 0, "dotnet", "bin/Idle.dll");

        using var town = RunningTown.Start(small.Root);

        Assert.Equal(1, await town.Ended());
        Assert.Contains($"idle: {small.At("idle/bin/Idle.dll")}", town.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 5, 1)]
    [InlineData(1, 5, 2)]
    [InlineData(2, 5, 4)]
    [InlineData(16, 5, 30)]
    [InlineData(30, 59, 30)]
    [InlineData(30, 60, 1)]
    public void The_pause_doubles_up_to_30_s_and_starts_over_once_an_app_ran_a_minute(int before, int ran, int pause) =>
        Assert.Equal(TimeSpan.FromSeconds(pause), Supervisor.RestartDelay(TimeSpan.FromSeconds(before), TimeSpan.FromSeconds(ran)));

    [Fact]
    public void The_environment_is_the_CLIs_and_the_run_files_own_word_is_the_last()
    {
        var environment = Supervisor.EnvironmentOf(new RunApp("shop", "/", ["a"])
        {
            Port = 1,
            HttpPort = 2,
            GrpcPort = 3,
            MetricsPort = 4,
            Env = new Dictionary<string, string> { ["APP_PROTOCOL"] = "mine" },
        }).GroupBy(pair => pair.Key).Select(same => $"{same.Key}={same.Last().Value}").Order(StringComparer.Ordinal);

        Assert.Equal(
            ["APP_CHANNEL_ADDRESS=127.0.0.1", "APP_ID=shop", "APP_PORT=1", "APP_PROTOCOL=mine", "DAPR_GRPC_PORT=3", "DAPR_HTTP_PORT=2", "DAPR_METRICS_PORT=4"],
            environment);
    }

    [Theory]
    [InlineData("--fil", "'--fil' is not an option")]
    [InlineData("--file", "--file needs a value")]
    [InlineData("--redis here", "'here' is not a Redis address")]
    [InlineData("--redis a:1 --clean", "cannot empty another Redis")]
    [InlineData("--check --clean", "--check starts nothing")]
    [InlineData("--check --data d", "--check starts nothing")]
    [InlineData("--check --redis a:1", "--check starts nothing")]
    [InlineData("--check --replicas a=2", "--check starts nothing")]
    [InlineData("--replicas shop", "is not an app and a number from 1 to 8")]
    [InlineData("--replicas shop=0", "is not an app and a number from 1 to 8")]
    [InlineData("--replicas shop=9", "is not an app and a number from 1 to 8")]
    [InlineData("--replicas shop=2 --replicas shop=3", "names shop twice")]
    public void An_option_that_cannot_be_followed_is_refused(string arguments, string said) =>
        Assert.Contains(said, Assert.Throws<LocalRunnerException>(() => RunOptions.Parse(arguments.Split(' '))).Message, StringComparison.Ordinal);

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
