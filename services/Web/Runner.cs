using System.Text.Json;

namespace SecondhandTrade.Web;

/// <summary>What the local runner sees of the town.</summary>
public sealed record Map(
    IReadOnlyList<MapApp> Apps, IReadOnlyList<MapSidecar> Sidecars, IReadOnlyList<MapBreaker> Breakers, IReadOnlyList<MapReader> Consumers, IReadOnlyList<MapTrace> Traces, IReadOnlyList<MapMetric> Metrics)
{
    /// <summary>The sum of a metric over an app's series, and for a histogram how many values it is the sum of.</summary>
    public (double Value, ulong Count) Of(string app, string metric)
    {
        var series = Metrics.Where(m => m.Service == app && m.Name == metric).ToList();
        return (series.Sum(m => m.Value), series.Aggregate(0UL, (sum, m) => sum + (m.Count ?? 0)));
    }
}

/// <summary>One process of an app; its state is <c>open</c>, or what is in the way of that.</summary>
public sealed record MapApp(string Id, string State, int? Pid, int Port, int Restarts);

/// <summary>A sidecar and whether its app is connected.</summary>
public sealed record MapSidecar(string App, int HttpPort, bool Ready);

/// <summary>A circuit breaker: closed, half-open or open.</summary>
public sealed record MapBreaker(string App, string About, string State);

/// <summary>How far an app is behind on a topic, in messages, and how many of it read.</summary>
public sealed record MapReader(string Group, string Topic, long Lag, int Members);

/// <summary>A trace as a whole.</summary>
public sealed record MapTrace(string TraceId, string Name, string Service, DateTimeOffset At, double Milliseconds, int Spans, IReadOnlyList<string> Services, bool Failed);

/// <summary>The last value of one series.</summary>
public sealed record MapMetric(string Service, string Name, double Value, ulong? Count);

/// <summary>One step of a trace.</summary>
public sealed record MapSpan(string SpanId, string? ParentId, string Service, string Name, string Kind, DateTimeOffset At, double Milliseconds, string? Error, IReadOnlyDictionary<string, string> Attributes);

/// <summary>The local runner of a town on one machine; where there is none, that is no failure.</summary>
public sealed class Runner(HttpClient http)
{
    public Uri Address => http.BaseAddress!;

    public Task<Map?> Map() => Get<Map>("/town");

    /// <summary>The steps of a trace in the order they began; null for one that is not known any more.</summary>
    public Task<IReadOnlyList<MapSpan>?> Trace(string id) => Get<IReadOnlyList<MapSpan>>($"/town/traces/{Uri.EscapeDataString(id)}");

    public static void Add(IServiceCollection services, IConfiguration configuration) => services.AddHttpClient<Runner>(
        client => (client.BaseAddress, client.Timeout) = (new Uri(configuration["Town:Address"] ?? "http://localhost:8090"), TimeSpan.FromSeconds(2)));

    private async Task<T?> Get<T>(string path)
        where T : class
    {
        try
        {
            return await http.GetFromJsonAsync<T>(new Uri(path, UriKind.Relative));
        }
        catch (Exception absent) when (absent is HttpRequestException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }
}
