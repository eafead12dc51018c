using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>What the sidecar asked of an app, byte for byte.</summary>
public sealed record Asked(string Verb, string Path, string Body, IReadOnlyDictionary<string, string> Headers, DateTimeOffset At);

/// <summary>An app that hosts actors without the SDK: it writes down what it is asked and answers as the test says.</summary>
public sealed class ScriptedActors(Func<DateTimeOffset> now)
{
    private readonly ConcurrentQueue<Asked> asked = new();

    public Asked[] Calls => [.. asked];

    /// <summary>How a call is answered; null = 200 with nothing in it.</summary>
    public Func<Asked, HttpContext, Task>? Answer { get; set; }

    /// <summary>The answer to GET /dapr/config.</summary>
    public string Config { get; init; } = """{"entities":["T"]}""";

    public int ConfigReads { get; private set; }

    public bool IsWell { get; set; } = true;

    public Asked[] To(string start) => [.. asked.Where(a => a.Path.StartsWith(start, StringComparison.Ordinal))];

    public string Paths() => string.Join(", ", asked.Select(a => $"{a.Verb} {a.Path}"));

    public void Map(WebApplication app)
    {
        app.MapGet("/dapr/config", () =>
        {
            ConfigReads++;
            return Results.Text(Config, "application/json");
        });
        app.MapGet("/dapr/subscribe", () => Results.NotFound());
        app.MapGet("/healthz", () => IsWell ? Results.Ok() : Results.StatusCode(500));
        app.Map("/actors/{**rest}", async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var call = new Asked(
                context.Request.Method, context.Request.Path, await reader.ReadToEndAsync(),
                context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), now());
            asked.Enqueue(call);
            await (Answer?.Invoke(call, context) ?? Task.CompletedTask);
        });
    }
}
