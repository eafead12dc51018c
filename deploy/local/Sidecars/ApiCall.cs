using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace SecondhandTrade.Local;

/// <summary>One HTTP request to a sidecar, with its path split as daprd does.</summary>
internal sealed class ApiCall(HttpContext context, Sidecar sidecar, string[] path, Work work, string traceParent)
{
    /// <summary>The maximum size of a request body, in bytes.</summary>
    public const int MaxBody = 4 << 20;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public HttpContext Context => context;

    public Sidecar Sidecar => sidecar;

    /// <summary>Path segments after normalization, still escaped.</summary>
    public string[] Path => path;

    /// <summary>The whole path, decoded but not normalized.</summary>
    public string DecodedPath => GoPath.Decode(RawPath(context)) ?? "";

    public Work Work => work;

    public string TraceParent => traceParent;

    public string TraceState => context.Request.Headers[TraceContext.State].ToString();

    public string Verb => context.Request.Method;

    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>A decoded segment; like daprd, a plus is a space.</summary>
    public string Segment(int i) => Uri.UnescapeDataString(path[i].Replace('+', ' '));

    /// <summary>The path as it was sent.</summary>
    public static string RawPath(HttpContext context)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "/";
        if (!raw.StartsWith('/') && Uri.TryCreate(raw, UriKind.Absolute, out var absolute))
        {
            raw = absolute.PathAndQuery;
        }

        var end = raw.IndexOf('?', StringComparison.Ordinal);
        return end < 0 ? raw : raw[..end];
    }

    public Dictionary<string, string> MetadataInQuery() =>
        context.Request.Query.Where(q => q.Key.StartsWith("metadata.", StringComparison.Ordinal))
            .ToDictionary(q => q.Key["metadata.".Length..], q => q.Value.ToString());

    public async Task<byte[]> BodyAsync()
    {
        var request = context.Request;
        if (request.ContentLength is { } length and <= MaxBody)
        {
            var exact = new byte[length];
            await request.Body.ReadExactlyAsync(exact, Aborted);
            return exact;
        }

        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, Aborted);
        return buffer.Length <= MaxBody ? buffer.ToArray() : throw new BadHttpRequestException("stream too large", 413);
    }

    public async Task<JsonElement> JsonAsync()
    {
        try
        {
            return JsonElement.Parse(await BodyAsync());
        }
        catch (JsonException e)
        {
            throw ApiError.Malformed(e.Message);
        }
    }

    /// <summary>The body; one that is too large or was cut off is the error that <paramref name="refusal"/> makes of the reason.</summary>
    public async Task<byte[]> BodyAsync(Func<string, ApiError> refusal)
    {
        try
        {
            return await BodyAsync();
        }
        catch (BadHttpRequestException e)
        {
            throw refusal(e.Message);
        }
    }

    public void Answer(int status) => context.Response.StatusCode = status;

    public async Task AnswerAsync(byte[] body, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, Aborted);
    }

    public Task AnswerAsync(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            write(writer);
        }

        return AnswerAsync(buffer.ToArray(), "application/json");
    }

    public static async Task FailAsync(HttpContext context, ApiError error, bool keepHeaders = false)
    {
        if (context.Response.HasStarted)
        {
            // A truncated response must not look complete.
            context.Abort();
            return;
        }

        if (!keepHeaders)
        {
            context.Response.Clear();
        }

        context.Response.StatusCode = error.Status;
        context.Response.ContentType = "application/json";
        var body = $$"""{"errorCode":"{{error.Code}}","message":"{{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(error.Message)}}"}""";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body), context.RequestAborted);
    }
}
