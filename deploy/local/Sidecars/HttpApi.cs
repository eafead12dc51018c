using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;

namespace SecondhandTrade.Local;

/// <summary>The HTTP API of every sidecar: routes each path to its handler.</summary>
internal sealed partial class HttpApi(StandInContext shared, ILogger<HttpApi> logger)
{
    /// <summary>What Go's HTTP server reads beyond its MaxHeaderBytes.</summary>
    public const int HeaderSlack = 4 << 10;

    public async Task HandleAsync(HttpContext context, Sidecar sidecar)
    {
        if (HeaderBytes(context) > sidecar.Options.ReadBufferSize + HeaderSlack)
        {
            context.Response.StatusCode = 431;
            context.Response.Headers.Connection = "close";
            return;
        }

        var raw = ApiCall.RawPath(context);
        if (GoPath.Decode(raw) is null)
        {
            context.Response.StatusCode = 400;
            return;
        }

        string[] path = [.. GoPath.Segments(raw)];
        if (await AnsweredHealthAsync(context, sidecar, path))
        {
            return;
        }

        var traceParent = TraceContext.NewSpan(context.Request.Headers.TraceParent);
        using var work = shared.WorkTracker.Begin(traceParent);
        try
        {
            if (sidecar.Options.ApiToken is { } token && context.Request.Headers["dapr-api-token"] != token)
            {
                context.Response.StatusCode = 401;
                return;
            }

            await RouteAsync(new ApiCall(context, sidecar, path, work, traceParent));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected.
        }
        catch (BadHttpRequestException e)
        {
            await ApiCall.FailAsync(context, ApiError.Malformed(e.Message));
        }
        catch (ApiError e)
        {
            await ApiCall.FailAsync(context, e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogBug(e, context.Request.Method, string.Join('/', path));
            await ApiCall.FailAsync(context, new ApiError(500, StatusCode.Internal, "ERR_INTERNAL", e.Message));
        }
    }

    private static Task RouteAsync(ApiCall call)
    {
        return call.Path switch
        {
            ["v1.0", "invoke", ..] => InvokeRoutes.InvokeAsync(call),
            ["v1.0" or "v1.0-alpha1", "publish", "bulk", _, _, ..] => PublishRoutes.PublishManyAsync(call),
            ["v1.0", "publish", _, _, ..] => PublishRoutes.PublishAsync(call),
            ["v1.0", "state", ..] => StateRoutes.HandleAsync(call),
            ["v1.0", "actors", _, _, ..] => ActorRoutes.HandleAsync(call),
            ["v1.0", "bindings", _] => BindingRoutes.HandleAsync(call),
            ["v1.0", "secrets", _, "bulk"] => AllSecretsAsync(call),
            ["v1.0", "secrets", _, _] => SecretAsync(call),
            ["v1.0", "metadata"] when call.Verb == "GET" => MetadataRoutes.GetAsync(call),
            ["v1.0", "metadata", _] when call.Verb == "PUT" => MetadataRoutes.PutAsync(call),
            ["v1.0" or "v1.0-alpha1" or "v1.0-alpha2" or "v1.0-beta1", ..] => throw ApiError.Unsupported($"{call.Verb} /{string.Join('/', call.Path)}"),
            _ => InvokeRoutes.InvokeAsync(call),
        };
    }

    /// <summary>The size of the request line and the headers, with their separators and line ends.</summary>
    private static int HeaderBytes(HttpContext context) =>
        context.Request.Method.Length + (context.Features.Get<IHttpRequestFeature>()?.RawTarget.Length ?? 0) + " HTTP/1.1\r\n\r\n".Length + 1
        + context.Request.Headers.Sum(header => header.Value.Sum(value => header.Key.Length + Encoding.UTF8.GetByteCount(value ?? "") + ": \r\n".Length));

    private static async Task<bool> AnsweredHealthAsync(HttpContext context, Sidecar sidecar, string[] path)
    {
        switch (path)
        {
            case ["v1.0", "healthz", "outbound"]:
                context.Response.StatusCode = 204;
                return true;
            case ["v1.0", "healthz"]:
                if (sidecar.IsReady)
                {
                    context.Response.StatusCode = 204;
                }
                else
                {
                    await ApiCall.FailAsync(context, new ApiError(500, StatusCode.Internal, "ERR_HEALTH_NOT_READY", "dapr is not ready"));
                }

                return true;
            default:
                return false;
        }
    }

    private static Task SecretAsync(ApiCall call)
    {
        var secret = StoreOf(call).Get(call.Segment(3));
        if (secret is null)
        {
            call.Answer(204);
            return Task.CompletedTask;
        }

        return call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            foreach (var (key, value) in secret)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        });
    }

    private static Task AllSecretsAsync(ApiCall call)
    {
        var all = StoreOf(call).All();
        return call.AnswerAsync(json =>
        {
            json.WriteStartObject();
            foreach (var (name, secret) in all)
            {
                json.WriteStartObject(name);
                foreach (var (key, value) in secret)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    private static SecretStore StoreOf(ApiCall call) => SecretStoreOf(call.Sidecar, call.Segment(2));

    public static SecretStore SecretStoreOf(Sidecar sidecar, string name) =>
        sidecar.Components.SecretStores.GetValueOrDefault(name)
            ?? throw (sidecar.Components.SecretStores.Count == 0
                ? new ApiError(500, StatusCode.FailedPrecondition, "ERR_SECRET_STORES_NOT_CONFIGURED", "secret store is not configured")
                : new ApiError(401, StatusCode.InvalidArgument, "ERR_SECRET_STORE_NOT_FOUND", $"failed finding secret store with key {name}"));

    [LoggerMessage(LogLevel.Error, "{Verb} /{Path} failed with an unexpected error in the stand-in")]
    private partial void LogBug(Exception error, string verb, string path);
}
