using System.Text.Json;
using SecondhandTrade.Platform;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace SecondhandTrade.Gateways;

/// <summary>What goes wrong on the way to a context, told as one of the town's problems; what a context says itself passes as it is.</summary>
public static partial class ProxyErrors
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
        var log = proxy.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ProxyErrors));
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
        return Tell(http, 503, "context-unavailable", $"{context} cannot be reached at the moment; ask again.", 5, ("context", context));
    }

    /// <summary>Answers with a problem, or a browser that asked for a page with a page of a few words in both languages.</summary>
    public static Task Tell(HttpContext http, int status, string code, string detail, int? retryAfter = null, params (string Name, object? Value)[] more)
    {
        if (!Routes.IsPage(http) || !http.Request.GetTypedHeaders().Accept.Any(accepted => accepted.MediaType == "text/html"))
        {
            return Problems.Problem(status, code, detail, retryAfter, more).ExecuteAsync(http);
        }

        var (korean, english) = status switch
        {
            404 => ("찾으시는 것이 없습니다.", "There is nothing here."),
            413 => ("보낸 내용이 너무 큽니다.", "What you sent is too large."),
            _ => ("지금 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.", "The town cannot be reached right now. Please try again in a moment."),
        };
        if (retryAfter is { } seconds)
        {
            http.Response.Headers.RetryAfter = $"{seconds}";
        }

        (http.Response.StatusCode, http.Response.ContentType) = (status, "text/html; charset=utf-8");
        return http.Response.WriteAsync($"""
            <!doctype html>
            <html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>동네장터</title></head>
            <body><main><h1>{korean}</h1><p lang="en">{english}</p><p><a href="/">동네로 돌아가기 · <span lang="en">Back to the town</span></a></p></main></body></html>

            """);
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
