using System.Text;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class BrokerLogTests(GarnetFixture redis)
{
    [Fact]
    public async Task A_line_a_killed_process_left_half_written_is_cut_off_and_what_was_acknowledged_stays()
    {
        var data = Directory.CreateTempSubdirectory("log").FullName;
        await using (var before = await StartAsync(data))
        {
            before.Broker.Append("t", "one"u8.ToArray(), new Dictionary<string, string>());
        }

        var file = Directory.GetFiles(Path.Combine(data, "topics", "t"), "0.jsonl").Single();
        await File.AppendAllTextAsync(file, """{"offset":1,"time":"2030-""");
        await using (var after = await StartAsync(data))
        {
            after.Broker.Append("t", "two"u8.ToArray(), new Dictionary<string, string>());
            Assert.Equal(["0 one", "1 two"], after.Broker.Read("t").Select(message => $"{message.Offset} {Encoding.UTF8.GetString(message.Value!)}"));
        }

        Directory.Delete(data, recursive: true);
    }

    private Task<StandIn> StartAsync(string data) => StandIn.StartAsync(new StandInOptions
    {
        Sidecars = [new SidecarOptions("a")],
        ResourcesPaths = [],
        Redis = redis.Address,
        DataDirectory = data,
        Partitions = 1,
    });
}
