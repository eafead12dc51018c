using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace SecondhandTrade.Local;

/// <summary>Asks the town that runs on this machine to restart its apps one by one.</summary>
public static class Restart
{
    /// <summary>Restarts one app, or all in the order of the run file; no town, no such app, or one that does not come back is a <see cref="LocalRunnerException"/>.</summary>
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
                say(answer.IsSuccessStatusCode ? $"{id}: restarted{(said == "1" ? string.Create(CultureInfo.InvariantCulture, $"; there is one of it, which was away for up to {asked.Elapsed.TotalSeconds:0.0} s") : $", all {said}")}" : throw new LocalRunnerException(said));
            }
        }
        catch (HttpRequestException)
        {
            throw new LocalRunnerException($"No town answers on port {townPort}; start one with `dotnet run --project deploy/local`, or name its port with --town-port.");
        }
    }
}
