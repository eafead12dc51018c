using System.Text.Json;
using SecondhandTrade.Platform;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace SecondhandTrade.Gateways;

/// <summary>What goes wrong on the way to a context, told as one of the town's problems; what a context says itself passes as it is.</summary>
public static partial class Failures
{
    /// <summary>Turns a sidecar's own failure (plain JSON with an <c>errorCode</c>) into 503; contexts answer errors as <c>application/problem+json</c>.</summary>
    public static async Task OfSidecar(ResponseTransformContext context)
    {
        if (context.ProxyResponse is not { IsSuccessStatusCode: false, Content: { Headers.ContentType.MediaType: "application/json" } body })
        {
            return;
        }

        var (http, said) = (context.HttpContext, await body.ReadAsByteArrayAsync(context.CancellationToken));
        context.SuppressResponseBody = true;
        if (IsSidecars(said))
        {
            await Unavailable(http);
        }
        else
        {
            http.Response.ContentLength = said.Length;
            await http.Response.Body.WriteAsync(said, context.CancellationToken);
        }
    }

    /// <summary>Answers where the proxy itself found nobody, or not in time.</summary>
    public static void UseFailures(this IReverseProxyApplicationBuilder proxy)
    {
        var log = proxy.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Failures));
        proxy.Use((http, next) => OfProxy(http, next, log));
    }

    private static async Task OfProxy(HttpContext http, Func<Task> next, ILogger log)
    {
        await next();
        if (http.Features.Get<IForwarderErrorFeature>() is not { } failure || http.Response.HasStarted || http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        // What is the caller's fault (a body too long, or cut off) keeps its status and gets its words from the status pages.
        if (http.Response.StatusCode >= 500)
        {
            LogUnavailable(log, http.Context(), http.Request.Method, failure.Error, failure.Exception?.GetBaseException().Message);
            await Unavailable(http);
        }
    }

    private static Task Unavailable(HttpContext http)
    {
        http.Response.Clear();
        var context = http.Context();
        return Problems.Problem(503, "context-unavailable", $"{context} cannot be reached at the moment; ask again.", 5, ("context", context)).ExecuteAsync(http);
    }

    [LoggerMessage(LogLevel.Warning, "{Context} could not be reached for a {Method}: {Error} {Why}")]
    private static partial void LogUnavailable(ILogger logger, string context, string method, ForwarderError error, string? why);

    private static bool IsSidecars(byte[] said)
    {
        try
        {
            var json = JsonElement.Parse(said);
            return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("errorCode", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
