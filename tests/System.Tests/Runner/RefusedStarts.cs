using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>A town that cannot be as it is written says so in one sentence, and leaves nothing behind.</summary>
public sealed class RefusedStarts : IDisposable
{
    private readonly SmallTown small = new();

    public RefusedStarts() => small.With("shop", 0, "sh", "-c", $"touch {small.At("started")}; sleep 1000");

    public void Dispose() => small.Dispose();

    [Fact]
    public async Task An_unknown_key_in_the_run_file()
    {
        File.AppendAllText(small.At("dapr.yaml"), "    apPort: 80\n");

        await IsRefused(@"^\S+/dapr\.yaml:\d+: 'apPort' is not a key of a run file; did you mean|^\S+/dapr\.yaml:\d+: 'apPort' is not a key of a run file; remove or correct it\.$");
    }

    [Fact]
    public async Task A_component_of_a_type_the_runner_does_not_have()
    {
        File.WriteAllText(small.At("components/other.yaml"), "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: other}\nspec: {type: state.mongodb, version: v1}\n");

        await IsRefused(@"^\S+/other\.yaml, spec\.type: 'state\.mongodb' is not supported locally; use one of .*\.$");
    }

    [Fact]
    public async Task A_run_file_that_is_not_there() => await IsRefused(@"^There is no run file \S+/nowhere\.yaml; pass another one with --file\.$", "--file", "nowhere.yaml");

    [Fact]
    public async Task A_resources_path_that_is_not_there()
    {
        Directory.Delete(small.At("components"), recursive: true);

        await IsRefused(@"^\S+/dapr\.yaml:\d+: 'resourcesPaths: \./components' does not exist; it was looked for at \S+/components\.$");
    }

    [Fact]
    public async Task A_port_that_another_listens_on()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;
        File.AppendAllText(small.At("dapr.yaml"), $"    daprHTTPPort: {taken}\n");

        await IsRefused($@"^Nothing was started, because these ports are not available:\s+{taken} is in use: the HTTP port of shop's sidecar\s+Stop what listens there .*\.$");
    }

    private async Task IsRefused(string sentence, params string[] arguments)
    {
        using var town = RunningTown.Start(small.Root, arguments);

        Assert.Equal(1, await town.Ended());
        Assert.Matches(sentence, town.Output.Trim());
        Assert.False(File.Exists(small.At("started")), "the app was started");
        using var redis = new TcpListener(IPAddress.Loopback, small.RedisPort);
        redis.Start();
    }
}
