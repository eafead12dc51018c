using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>A message as it came to an app.</summary>
public sealed record Heard(string Path, string Body, IHeaderDictionary Headers)
{
    public JsonElement Event => JsonElement.Parse(Body);

    public string? Data => Event.GetProperty("data").GetString();
}

/// <summary>An app that subscribes without the SDK and writes down what comes.</summary>
internal static class Hearing
{
    /// <summary>Starts it; a message is written down once <paramref name="answer"/> is through, and <paramref name="more"/> goes into its subscription.</summary>
    public static async Task<ConcurrentQueue<Heard>> Start(
        SidecarUnderTest town, string app, Func<Heard, HttpContext, Task>? answer = null, string topic = "t", string more = "", string pubsub = "pubsub", int replica = 0)
    {
        var heard = new ConcurrentQueue<Heard>();
        await town.RunAsync(app, a =>
        {
            a.MapGet("/dapr/subscribe", () => Results.Text($$"""[{"topic":"{{town.Topic(topic)}}",{{more}}"pubsubname":"{{pubsub}}","route":"/in"}]"""));
            a.MapPost("/in", async context =>
            {
                var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
                var message = new Heard(context.Request.Path, body, new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase)));
                await (answer?.Invoke(message, context) ?? Task.CompletedTask);
                heard.Enqueue(message);
            });
        }, replica: replica);
        return heard;
    }
}
