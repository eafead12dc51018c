using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The HTTP API of every sidecar: routes each path to its handler.</summary>
internal sealed partial class HttpApi(StandInContext shared, ILogger<HttpApi> logger)
{
    public async Task HandleAsync(HttpContext context, Sidecar sidecar)
    {
        var path = ApiCall.CleanPath(context);
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
            await ApiCall.FailAsync(context, new ApiError(e.StatusCode, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", e.Message));
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
        var invokedByHeader = call.Context.Request.Headers["dapr-app-id"].ToString();
        return call.Path switch
        {
            ["v1.0", "invoke", _, "method", .. var method] => InvokeRoutes.InvokeAsync(call, call.Segment(2), string.Join('/', method)),
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
            var any when invokedByHeader.Length > 0 => InvokeRoutes.InvokeAsync(call, invokedByHeader, string.Join('/', any)),
            var any => throw new ApiError(404, StatusCode.NotFound, "ERR_DIRECT_INVOKE", $"/{string.Join('/', any)} does not name an app; call /v1.0/invoke/{{app}}/method/… or send dapr-app-id"),
        };
    }

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
