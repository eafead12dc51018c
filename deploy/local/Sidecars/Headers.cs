using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;

namespace SecondhandTrade.Local;

/// <summary>Copies headers across a proxy hop, without hop-by-hop headers.</summary>
internal static class Headers
{
    private static readonly HashSet<string> HopByHop = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Expect",
    };

    // Between caller and sidecar only; daprd also replaces traceparent by that of its own span.
    private static readonly HashSet<string> NotForwarded = new(StringComparer.OrdinalIgnoreCase) { "dapr-api-token", "dapr-app-id", TraceContext.Parent };

    public static void CopyTo(this IHeaderDictionary from, HttpRequestMessage to)
    {
        var named = from.Connection;
        foreach (var (name, values) in from)
        {
            if (HopByHop.Contains(name) || NotForwarded.Contains(name) || (named.Count > 0 && IsNamed(named.ToString(), name)))
            {
                continue;
            }

            if (!to.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                if (to.Content is null && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                {
                    to.Content = new ByteArrayContent([]);
                }

                to.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
    }

    public static void CopyTo(this HttpResponseMessage from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        if (from.ReasonPhrase is { Length: > 0 } reason && to.HttpContext.Features.Get<IHttpResponseFeature>() is { } feature)
        {
            feature.ReasonPhrase = reason;
        }

        Copy(from.Headers, to);
        Copy(from.Content.Headers, to);
    }

    public static List<KeyValuePair<string, string[]>> Keep(this HttpResponseMessage from) =>
    [
        .. from.Headers.NonValidated.Concat(from.Content.Headers.NonValidated)
            .Where(h => !HopByHop.Contains(h.Key))
            .Select(h => KeyValuePair.Create(h.Key, h.Value.ToArray())),
    ];

    private static void Copy(HttpHeaders from, HttpResponse to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (!HopByHop.Contains(name))
            {
                to.Headers[name] = values.Count == 1 ? values.ToString() : values.ToArray();
            }
        }
    }

    private static bool IsNamed(string connection, string name) =>
        connection.Split(',', StringSplitOptions.TrimEntries).Contains(name, StringComparer.OrdinalIgnoreCase);
}
