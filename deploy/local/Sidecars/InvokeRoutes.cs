using Microsoft.AspNetCore.Http.Features;

namespace SecondhandTrade.Local;

/// <summary>Service invocation over HTTP; bodies are streamed in both directions.</summary>
internal static class InvokeRoutes
{
    public static async Task InvokeAsync(ApiCall call, string target, string method)
    {
        var request = call.Context.Request;
        if (target.Length == 0)
        {
            throw new ApiError(404, Grpc.Core.StatusCode.NotFound, "ERR_DIRECT_INVOKE", "failed getting app id either from the URL path or the header dapr-app-id");
        }

        var hasBody = call.Context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;
        byte[]? kept = null;
        using var response = await call.Sidecar.Invocation.InvokeAsync(
            target, method + request.QueryString, Make, KeepBodyAsync, call.TraceParent, request.Host.Value ?? "", call.Work, call.Aborted);
        response.CopyTo(call.Context.Response);
        try
        {
            await response.Content.CopyToAsync(call.Context.Response.Body, call.Aborted);
        }
        catch (HttpRequestException)
        {
            // The app aborted its response, so the response to the caller must not look complete.
            call.Context.Abort();
        }

        HttpRequestMessage Make(Uri uri)
        {
            var message = new HttpRequestMessage(new HttpMethod(call.Verb), uri);
            if (hasBody)
            {
                message.Content = kept is null ? new StreamContent(request.Body) : new ByteArrayContent(kept);
            }

            request.Headers.CopyTo(message);
            return message;
        }

        // Like daprd: a body without Content-Length is not buffered, and so cannot be retried.
        async ValueTask<bool> KeepBodyAsync(Policy policy)
        {
            if (hasBody && request.ContentLength is not null && policy.Retry is not null)
            {
                kept = await call.BodyAsync();
            }

            return !hasBody || kept is not null;
        }
    }
}
