using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace SecondhandTrade.Local;

/// <summary>The restart command: asks the runner on this machine for a rolling restart of its apps.</summary>
public static class Restart
{
    /// <summary>Restarts one app, or all in the order of the run file; throws <see cref="LocalRunnerException"/> when there is no runner or no such app, or when an app does not become healthy again.</summary>
    public static async Task RunAsync(string? app, int townPort, Action<string> say)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{townPort}"), Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Add(RunnerApi.RequiredHeader, "restart");
        try
        {
            var town = JsonNode.Parse(await http.GetStringAsync(new Uri("/town", UriKind.Relative)))!;
            foreach (var id in app is null ? town["apps"]!.AsArray().Select(a => $"{a!["id"]}").Distinct() : [app])
            {
                var asked = Stopwatch.StartNew();
                using var answer = await http.PostAsync(new Uri($"/town/restart/{Uri.EscapeDataString(id)}", UriKind.Relative), null);
                var said = await answer.Content.ReadAsStringAsync();
                say(answer.IsSuccessStatusCode ? $"{id}: restarted, {(said == "1" ? string.Create(CultureInfo.InvariantCulture, $"a single replica, unavailable for up to {asked.Elapsed.TotalSeconds:0.0} s") : $"all {said} replicas")}" : throw new LocalRunnerException(said));
            }
        }
        catch (HttpRequestException)
        {
            throw new LocalRunnerException($"No local runner answers on port {townPort}; start one with `dotnet run --project deploy/local`, or pass its port with --town-port.");
        }
    }
}
