using System.Collections.Concurrent;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Runner;
using SecondhandTrade.SystemTests.Sidecars;

namespace SecondhandTrade.SystemTests.Neighbours;

/// <summary>The stand-in as the official JavaScript SDK sees it.</summary>
public sealed class ContractTests(GarnetFixture redis, ITestOutputHelper output)
{
    [Fact, Trait("Feature", "JavaScript SDK")]
    public async Task The_JavaScript_SDK_finds_what_it_asks_of_a_sidecar()
    {
        Node.SkipUnlessInstalled();
        var home = Directory.CreateTempSubdirectory("contract-").FullName;
        string[] resources = [Yaml.StateStore, Yaml.PubSub("    - {name: backOffDuration, value: 50ms}"), "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: secretstore}\nspec: {type: secretstores.local.env, version: v1}"];
        var components = Directory.CreateDirectory(Path.Combine(home, "components")).FullName;
        for (var i = 0; i < resources.Length; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(components, $"{i}.yaml"), resources[i]);
        }

        Environment.SetEnvironmentVariable("CONTRACT_SECRET", "whisper");
        var (id, port) = ($"contract-{Guid.NewGuid():N}"[..16], Ports.Free(1)[0]);
        await using (var standIn = await StandIn.StartAsync(new() { Sidecars = [new(id)], ResourcesPaths = [components], Redis = redis.Address, DataDirectory = Path.Combine(home, "data") }))
        {
            var sidecar = standIn.Sidecar(id);
            using var script = Node.Start("contract.mjs", new Dictionary<string, string>
            {
                ["APP_ID"] = id,
                ["APP_PORT"] = $"{port}",
                ["DAPR_HTTP_PORT"] = $"{sidecar.HttpPort}",
                ["DAPR_GRPC_PORT"] = $"{sidecar.GrpcPort}",
            });
            var lines = new ConcurrentQueue<string>();
            string Said() => string.Join('\n', lines);
            try
            {
                script.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
                script.ErrorDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
                script.BeginOutputReadLine();
                script.BeginErrorReadLine();
                await Eventually.Holds(() => lines.Contains("listening"), () => $"the script to listen:\n{Said()}");
                await sidecar.ConnectAppAsync(new Uri($"http://127.0.0.1:{port}"));
                await script.StandardInput.WriteLineAsync("go");
                await script.StandardInput.FlushAsync();
                await Eventually.Holds(() => script.HasExited, () => $"the script to end:\n{Said()}", TimeSpan.FromSeconds(120));
                script.WaitForExit();
            }
            finally
            {
                script.Kill(entireProcessTree: true);
            }

            output.WriteLine(Said());
            Assert.True(script.ExitCode == 0 && lines.Contains("all is well") && lines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal)) >= 40, $"exit code {script.ExitCode}\n{Said()}");
        }

        Directory.Delete(home, recursive: true);
    }
}
