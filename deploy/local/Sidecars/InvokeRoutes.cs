using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;

namespace SecondhandTrade.Local;

/// <summary>Service invocation over HTTP; bodies are streamed in both directions.</summary>
internal static partial class InvokeRoutes
{
    public static async Task InvokeAsync(ApiCall call)
    {
        var request = call.Context.Request;
        var (target, method) = TargetOf(request, call.DecodedPath) ?? throw ApiError.NoAppId();

        var hasBody = call.Context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;
        byte[]? kept = null;
        if (call.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = ApiCall.MaxBody;
        }

        using var response = await call.Sidecar.Invocation.InvokeAsync(
            target, method, request.QueryString.Value ?? "", Make, KeepBodyAsync, call.TraceParent, request.Host.Value ?? "", call.Work, call.Aborted);
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
                kept = await call.BodyAsync(why => ApiError.Invoke(target, why));
            }

            return !hasBody || kept is not null;
        }
    }

    // The order is daprd's. Its path is decoded before it is taken apart, so that an escaped slash is one like any other.
    private static (string App, string Method)? TargetOf(HttpRequest request, string path) =>
        (request.Headers["dapr-app-id"].ToString() is { Length: > 0 } named ? named : AppInBasicAuthentication(request.Headers.Authorization.ToString())) is { } app
            ? (app, GoPath.Clean(path).TrimStart('/'))
            : InvokePath().Match(path) is { Success: true } match
                ? (Uri.UnescapeDataString(match.Groups[1].Value.Replace('+', ' ')), GoPath.Clean(match.Groups[2].Value))
                : null;

    private static string? AppInBasicAuthentication(string authorization)
    {
        const string Scheme = "Basic ";
        var decoded = new byte[authorization.Length];
        return authorization.StartsWith(Scheme, StringComparison.Ordinal) && Convert.TryFromBase64String(authorization[Scheme.Length..], decoded, out var length)
            && Encoding.UTF8.GetString(decoded, 0, length).Split(':') is [var user, var app] && user.Equals("dapr-app-id", StringComparison.OrdinalIgnoreCase)
                ? app
                : null;
    }

    [GeneratedRegex("^/*v1\\.0/+invoke(?>/+)(.+?)/method/(.*)$", RegexOptions.Singleline)]
    private static partial Regex InvokePath();
}
