using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>A thousand people listen for their notices, through the gateway, while the service that tells them dies and comes back.</summary>
public sealed class Streams(ITestOutputHelper output)
{
    private const int Listeners = 1000;

    [Fact]
    public async Task Each_of_a_thousand_gets_each_notice_once_and_in_order_across_a_restart_for_little_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What memory a process has is read from /proc.");
        using var town = new WholeTown();
        await town.Open();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan, BaseAddress = new($"http://localhost:{town.Port("8088")}") };
        using var over = new CancellationTokenSource();

        // Every tenth is away for as long as it takes to tell them all; the others come back as soon as browsers do.
        var told = new TaskCompletionSource();
        var ever = Enumerable.Range(0, Listeners).Select(n => new Listener(http, $"u{n}", n % 10 == 0 ? told.Task : Task.CompletedTask)).ToList();
        var kept = ever.ToDictionary(listener => listener.UserId, _ => new List<string>());

        // What a stream takes is the slope between two crowds that are there at the same time: what memory the service takes once is in both.
        var listening = new List<Task>();
        var few = await Opened(Listeners / 4);
        var all = await Opened(Listeners);
        var (notification, gateway) = ((all.Notification - few.Notification) / (Listeners * 3 / 4), (all.Gateway - few.Gateway) / (Listeners * 3 / 4));
        output.WriteLine($"A stream takes {notification / 1024} KB of the notification service, {gateway / 1024} KB of the gateway.");

        await Tell(town, kept, "before");
        town.KillService("Notification");
        await Eventually.HoldsAsync(async () => await town.Ask(HttpMethod.Get, "/notices?userid=u0") is { Code: HttpStatusCode.OK }, () => $"the service to be back:\n{town.Output}", TimeSpan.FromMinutes(1));

        await Tell(town, kept, "after");
        told.SetResult();
        await Heard();

        // What is told once more comes before what is told after it.
        await Tell(town, kept, "last");
        await Heard();
        await over.CancelAsync();
        await Task.WhenAll(listening);
        Assert.All(ever, listener => Assert.Equal(kept[listener.UserId], listener.Notices));
        Assert.InRange(notification, 1, 50 * 1024);

        async Task<(long Notification, long Gateway)> Opened(int count)
        {
            listening.AddRange(ever.Take(count).Skip(listening.Count).Select(listener => listener.Listen(over.Token)));
            await Eventually.Holds(() => ever.Take(count).All(listener => listener.IsOpen), () => $"{ever.Take(count).Count(l => !l.IsOpen)} streams to open", TimeSpan.FromMinutes(2));
            return await Resident(town);
        }

        Task Heard() => Eventually.Holds(
            () => ever.All(listener => listener.Notices.Contains(kept[listener.UserId][^1])), () => $"{ever.Count(l => !l.Notices.Contains(kept[l.UserId][^1]))} to hear of it all:\n{town.Output}", TimeSpan.FromMinutes(2));
    }

    // One notice for each.
    private static Task Tell(WholeTown town, Dictionary<string, List<string>> kept, string when) => Parallel.ForEachAsync(kept, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (one, _) =>
    {
        var id = $"{one.Key}-{when}";
        var answer = await town.Ask(HttpMethod.Post, "/notices", new { id, productid = "100", userid = one.Key, productname = "애플워치", status = "예약완료" });
        Assert.Equal(HttpStatusCode.Created, answer?.Code);
        one.Value.Add(id);
    });

    private static async Task<(long Notification, long Gateway)> Resident(WholeTown town)
    {
        var apps = JsonNode.Parse(await town.Told("/town"))!["apps"]!.AsArray();
        long Of(string app)
        {
            using var process = Process.GetProcessById((int)apps.Single(a => $"{a!["id"]}" == app)!["pid"]!);
            return process.WorkingSet64;
        }

        return (Of("notification"), Of("gateway"));
    }

    /// <summary>What a browser's EventSource does: comes back with the last id after a pause, and when it is near a net again.</summary>
    private sealed class Listener(HttpClient http, string userId, Task near)
    {
        private string last = "";

        public string UserId => userId;

        public ConcurrentQueue<string> Notices { get; } = [];

        public volatile bool IsOpen;

        public async Task Listen(CancellationToken over)
        {
            while (!over.IsCancellationRequested)
            {
                try
                {
                    await Once(over);
                }
                catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
                {
                    // The stream was cut: by the end of the service or of the test.
                }

                IsOpen = false;
                await Task.WhenAny(Task.WhenAll(Task.Delay(TimeSpan.FromSeconds(2), over), near), Task.Delay(Timeout.Infinite, over));
            }
        }

        private async Task Once(CancellationToken over)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/notices/stream?userid={userId}");
            if (last.Length > 0)
            {
                request.Headers.Add("Last-Event-ID", last);
            }

            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, over);
            response.EnsureSuccessStatusCode();
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(over));
            while (await lines.ReadLineAsync(over) is { } line)
            {
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                {
                    (last, IsOpen) = (line[4..], true);
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    Notices.Enqueue($"{JsonNode.Parse(line[6..])!["id"]}");
                }
            }
        }
    }
}
