using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Sidecars;

namespace SecondhandTrade.SystemTests.Runner;

public sealed class BrokerKillTests(GarnetFixture redis)
{
    private const int Keys = 12;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_event_acknowledged_before_the_runner_was_killed_in_the_middle_of_writing_is_there_once_and_in_order()
    {
        using var small = new SmallTown().With("idle", 0, "sh", "-c", "echo sidecar $DAPR_HTTP_PORT; exec sleep 1000");
        await File.WriteAllTextAsync(small.At("components/pubsub.yaml"), Yaml.PubSub(), Ct);
        var acknowledged = new ConcurrentQueue<(string Key, int Number)>();
        var next = new int[Keys];
        for (var round = 1; round <= 3; round++)
        {
            using var town = RunningTown.Start(small.Root);
            await town.Says("The town is open");
            var port = (await town.Says(@"^idle \| sidecar (\d+)$")).Groups[1].Value;
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            var writing = Task.WhenAll(Enumerable.Range(0, Keys).Select(key => Task.Run(() => WriteUntilItIsGone(http, key))));
            var wanted = acknowledged.Count + 500;
            await Eventually.Holds(() => acknowledged.Count > wanted, () => $"events to be written:\n{town.Output}");
            town.Kill();
            await writing;
        }

        await using var standIn = await StandIn.StartAsync(
            new() { Sidecars = [new("reader")], ResourcesPaths = [], Redis = redis.Address, DataDirectory = small.At(".town/sidecars") }, Ct);
        var kept = standIn.Broker.Read("t").Select(message => (Key: message.Key!, Number: JsonElement.Parse(message.Value!).GetProperty("data").GetInt32())).ToList();

        Assert.Empty(acknowledged.Except(kept));
        Assert.All(kept.GroupBy(k => k.Key), key => Assert.Equal(key.Select(k => k.Number).Distinct().Order(), key.Select(k => k.Number)));

        // One event after the other for its key; what was under way at the kill may be there or not, and its number is used up.
        async Task WriteUntilItIsGone(HttpClient http, int key)
        {
            var name = key.ToString(CultureInfo.InvariantCulture);
            try
            {
                while (true)
                {
                    var number = next[key]++;
                    using var content = new StringContent($"{number}", null, "application/json");
                    using var answer = await http.PostAsync($"/v1.0/publish/pubsub/t?metadata.partitionKey={name}", content, Ct);
                    if (answer.IsSuccessStatusCode)
                    {
                        acknowledged.Enqueue((name, number));
                    }
                }
            }
            catch (HttpRequestException)
            {
                // The runner is gone.
            }
        }
    }
}
