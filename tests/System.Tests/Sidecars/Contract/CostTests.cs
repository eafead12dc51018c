using System.Diagnostics;
using System.Globalization;
using System.Net.NetworkInformation;
using Microsoft.AspNetCore.Builder;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>What a sidecar in between costs; everything is compared with something of the same run, as the machine is not always itself.</summary>
public sealed class CostTests(GarnetFixture redis)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "cost: invocation")]
    public async Task A_call_through_two_sidecars_costs_at_most_a_millisecond_and_a_half_more_than_a_direct_one()
    {
        await using var town = await SidecarUnderTest.StartAsync(new StandInTarget(redis.Address), ["a", "b"]);
        var app = await town.RunAsync("b", a => a.MapGet("/x", () => "hello"));
        using var http = new HttpClient();
        var direct = new Uri(app.Urls.First() + "/x");
        var through = new Uri(town.Sidecar("a").Http, $"/v1.0/invoke/{town.Id("b")}/method/x");

        // A round that another process disturbs says nothing about the sidecar: the middle one of several does.
        var added = new List<double>();
        for (var round = 0; round < 7; round++)
        {
            var (plain, far) = (new List<double>(), new List<double>());
            for (var i = 0; i < 300; i++)
            {
                plain.Add(await TimeOf(http, direct));
                far.Add(await TimeOf(http, through));
            }

            added.Add(Median(far) - Median(plain));
        }

        TestContext.Current.SendDiagnosticMessage("added p50 of each round: {0} ms", string.Join(", ", added.Select(ms => ms.ToString("F3", CultureInfo.InvariantCulture))));
        Assert.InRange(Median(added), 0, 1.5);
    }

    [Fact, Trait("Feature", "cost: actors")]
    public async Task Ten_thousand_actor_calls_leave_neither_memory_nor_connections_behind()
    {
        await using var town = await SidecarUnderTest.StartAsync(new StandInTarget(redis.Address), ["host"]);
        var asked = 0;
        var app = await town.RunAsync("host", app =>
        {
            app.MapGet("/dapr/config", () => """{"entities":["T"]}""");
            app.MapPut("/actors/{**rest}", () => Interlocked.Increment(ref asked));
        });
        using var http = town.Http("host");
        await Calls(2_000);
        int[] ports = [town.Sidecar("host").HttpPort, new Uri(app.Urls.First()).Port];
        var connections = Connections(ports);
        var grown = new List<long>();
        for (var (batch, before) = (0, Memory()); batch < 5; batch++)
        {
            await Calls(2_000);
            var after = Memory();
            grown.Add(after - before);
            before = after;
        }

        var opened = Connections(ports) - connections;
        TestContext.Current.SendDiagnosticMessage("memory grew by {0} bytes, connections by {1}", string.Join(", ", grown), opened);
        Assert.Equal(12_000, asked);

        // What each call left behind would be in every batch; what the machinery takes once is in one of them.
        grown.Sort();
        Assert.True(grown[2] < 2_000 * 50, $"memory grew by {string.Join(", ", grown)} bytes");
        Assert.True(opened <= 8, $"{opened} more connections are open");

        async Task Calls(int count)
        {
            for (var i = 0; i < count; i += 8)
            {
                await Task.WhenAll(Enumerable.Range(i, 8).Select(async n =>
                {
                    using var answer = await http.PutAsync($"/v1.0/actors/T/{n % 40}/method/m", null, Ct);
                    answer.EnsureSuccessStatusCode();
                }));
            }
        }

        long Memory()
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            return GC.GetTotalMemory(forceFullCollection: true);
        }
    }

    // Only those of the sidecar and its app: the machine has other things to do.
    private static int Connections(params int[] ports) =>
        IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections().Count(c => c.State == TcpState.Established && ports.Contains(c.LocalEndPoint.Port));

    private static async Task<double> TimeOf(HttpClient http, Uri address)
    {
        var began = Stopwatch.GetTimestamp();
        Assert.Equal("hello", await http.GetStringAsync(address, Ct));
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static double Median(List<double> all)
    {
        all.Sort();
        return all[all.Count / 2];
    }
}
