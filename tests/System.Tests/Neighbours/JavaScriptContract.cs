using System.Collections.Concurrent;
using SecondhandTrade.SystemTests.Sidecars;
using SecondhandTrade.SystemTests.Sidecars.Contract;

namespace SecondhandTrade.SystemTests.Neighbours;

public sealed class JavaScriptOnTheStandIn(GarnetFixture redis, ITestOutputHelper output) : JavaScriptContract(new StandInTarget(redis.Address), output);

public sealed class JavaScriptOnTheStandInWithRedis(RedisServerFixture redis, ITestOutputHelper output) : JavaScriptContract(redis.Target, output);

public sealed class JavaScriptOnDaprd(DaprdTarget daprd, ITestOutputHelper output) : JavaScriptContract(daprd, output);

/// <summary>A sidecar as the official JavaScript SDK sees it.</summary>
public abstract class JavaScriptContract(SidecarTarget target, ITestOutputHelper output)
{
    private const string Secrets = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: secretstore}\nspec: {type: secretstores.local.env, version: v1}";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact, Trait("Feature", "JavaScript SDK")]
    public async Task The_JavaScript_SDK_finds_what_it_asks_of_a_sidecar()
    {
        Node.SkipUnlessInstalled();
        Environment.SetEnvironmentVariable("CONTRACT_SECRET", "whisper");
        await using var sidecars = await SidecarUnderTest.StartAsync(
            target, ["js"], [Yaml.StateStore, Yaml.PubSub("    - {name: backOffDuration, value: 50ms}"), Secrets], setting => setting with { ByTheWall = true });
        var (sidecar, port) = (sidecars.Sidecar("js"), sidecars.PortOf("js"));
        using var script = Node.Start("contract.mjs", new Dictionary<string, string>
        {
            ["APP_ID"] = sidecars.Id("js"),
            ["APP_PORT"] = $"{port}",
            ["DAPR_HTTP_PORT"] = $"{sidecar.HttpPort}",
            ["DAPR_GRPC_PORT"] = $"{sidecar.GrpcPort}",
            ["TOPIC_SUFFIX"] = sidecars.Topic(""),
        });
        var lines = new ConcurrentQueue<string>();
        string Said() => string.Join('\n', lines);
        try
        {
            script.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
            script.ErrorDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
            script.BeginOutputReadLine();
            script.BeginErrorReadLine();
            await sidecars.UntilAsync(() => lines.Contains("listening"), Longest, Said);
            await sidecars.ConnectAsync("js", port);
            await script.StandardInput.WriteLineAsync("go");
            await script.StandardInput.FlushAsync();
            await sidecars.UntilAsync(() => script.HasExited, Longest, Said);
            await script.WaitForExitAsync();
        }
        finally
        {
            script.Kill(entireProcessTree: true);
        }

        output.WriteLine(Said());
        Assert.True(script.ExitCode == 0 && lines.Contains("all is well") && lines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal)) >= 40, $"exit code {script.ExitCode}\n{Said()}");
    }
}
