using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>The repository's own run file and components, moved to free ports and a directory of their own, run by the real runner as real processes.</summary>
public sealed partial class WholeTown : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("whole-town-").FullName;
    private readonly Dictionary<string, int> moved = [];
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { Timeout = TimeSpan.FromSeconds(40) };
    private RunningTown? runner;

    private readonly int townPort = Ports.Free(1)[0];

    /// <summary>Further apps are written as entries of the run file, two spaces in; another command than the app's own is a YAML list, by the app's id; settings are for every app.</summary>
    public WholeTown(string moreApps = "", Func<string, string>? command = null, params IEnumerable<(string Name, string Value)> settings)
    {
        var root = TestTown.Root;
        var run = File.ReadAllText(Path.Combine(root, "dapr.yaml"));
        var ports = PortNumber().Matches(run).Select(m => m.Value).Distinct().ToList();
        foreach (var (port, free) in ports.Zip(Ports.Free(ports.Count)))
        {
            moved[port] = free;
        }

        run = PortNumber().Replace(run, m => moved[m.Value].ToString(CultureInfo.InvariantCulture));
        run = command is null ? run : Command().Replace(run, m => $"command: {command(m.Groups["service"].Value.ToLowerInvariant())}");
        run = run.Replace("./services/", $"{root}/services/", StringComparison.Ordinal);
        settings = settings.Concat([("Notification__Address", $"http://localhost:{moved["8085"]}"), ("Web__Address", $"http://localhost:{moved["8089"]}"), ("Town__Address", $"http://localhost:{townPort}")]);
        run = run.Replace("    ASPNETCORE_ENVIRONMENT", string.Concat(settings.Select(s => $"    {s.Name}: '{s.Value}'\n")) + "    ASPNETCORE_ENVIRONMENT", StringComparison.Ordinal);
        File.WriteAllText(At("dapr.yaml"), run.TrimEnd() + "\n" + moreApps);
        Directory.CreateDirectory(At("components"));
        foreach (var file in Directory.GetFiles(Path.Combine(root, "components")))
        {
            File.WriteAllText(At($"components/{Path.GetFileName(file)}"), File.ReadAllText(file).Replace("localhost:6379", $"localhost:{moved["6379"]}", StringComparison.Ordinal));
        }
    }

    /// <summary>The apps of the repository's run file, each with the port it has there.</summary>
    public static IReadOnlyDictionary<string, string> Apps { get; } = RunFile.Load(Path.Combine(TestTown.Root, "dapr.yaml")).Apps.ToDictionary(app => app.Id, app => $"{app.Port}");

    public string Output => runner?.Output ?? "";

    public int Port(string seedPort) => moved[seedPort];

    public int TownPort => townPort;

    public async Task Open(params IEnumerable<string> options)
    {
        runner = RunningTown.Start(folder, ["--data", At("data"), "--town-port", $"{townPort}", .. options]);
        try
        {
            await Eventually.Holds(() => runner.Output.Contains("The town is open", StringComparison.Ordinal), () => $"the town to open. {LastWaiting(runner.Output)}\n{runner.Output}", TimeSpan.FromMinutes(5));
        }
        catch
        {
            // A test that never began is not disposed of: nobody else would end these processes.
            runner.Dispose();
            runner = null;
            throw;
        }
    }

    /// <summary>Closes the town as Ctrl-C does, and returns the runner's exit code.</summary>
    public async Task<int> Close()
    {
        runner!.Signal("INT");
        return await runner.Ended();
    }

    /// <summary>SIGKILL to the runner, and with it to the broker, Redis and every sidecar; the services go with it.</summary>
    public async Task Kill()
    {
        runner!.Kill();
        await runner.Ended();
        runner.Dispose();
        await Eventually.Holds(() => Processes().Count == 0, () => "the services to be gone");
    }

    /// <summary>SIGKILL to one process of a service; the runner starts it again.</summary>
    public void KillService(string assembly) => Processes().First(p => p.Arguments.StartsWith("dotnet ", StringComparison.Ordinal) && p.Arguments.Contains($"SecondhandTrade.{assembly}.dll", StringComparison.Ordinal)).Process.Kill();

    /// <summary>Asks the gateway; null where there was no answer in time.</summary>
    public async Task<Answer?> Ask(HttpMethod method, string path, object? body = null, string port = "8088")
    {
        try
        {
            using var request = new HttpRequestMessage(method, $"http://localhost:{moved[port]}{path}");
            if (body is not null)
            {
                request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");
            }

            var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return new(response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, response);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>What the runner tells of the town, or a service of itself: a path on its own port.</summary>
    public Task<string> Told(string path, int? port = null) => http.GetStringAsync($"http://localhost:{port ?? townPort}{path}");

    public void Dispose()
    {
        runner?.Dispose();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // What a log that keeps only the first line of a failure needs most.
    private static string LastWaiting(string output) => output.Split('\n').LastOrDefault(line => line.Contains("Still waiting", StringComparison.Ordinal)) ?? "The runner did not even say what it waits for.";

    private string At(string path) => Path.Combine(folder, path);

    // Our own only: those that were told this town's Redis.
    private List<(Process Process, string Arguments)> Processes() => [.. Process.GetProcesses().Select(p => (p, Arguments(p.Id)))
        .Where(p => p.Item2.Contains("SecondhandTrade.", StringComparison.Ordinal) && Environment(p.p.Id).Contains($":{moved["6379"]}", StringComparison.Ordinal))];

    private static string Arguments(int id) => Read($"/proc/{id}/cmdline");

    private static string Environment(int id) => Read($"/proc/{id}/environ");

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file).Replace('\0', ' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    [GeneratedRegex(@"(?<=\D)(80[0-9]{2}|35[0-9]{2}|45[0-9]{2}|6379)(?=\D|$)")]
    private static partial Regex PortNumber();

    [GeneratedRegex(@"command: \[dotnet, bin/Debug/net10.0/SecondhandTrade\.(?<service>\w+)\.dll\]")]
    private static partial Regex Command();
}
