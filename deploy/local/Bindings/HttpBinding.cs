using System.Globalization;
using System.Net.Http.Headers;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The result of an output binding; its metadata are returned even when it failed.</summary>
internal sealed record BindingAnswer(byte[] Data, Dictionary<string, string> Metadata, string? Error);

/// <summary>A bindings.http component: calls an external URL for an app.</summary>
internal sealed class HttpBinding(string name, Uri url, bool errorIfNot2xx) : IDisposable
{
    private static readonly HashSet<string> Verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

    private readonly HttpClient http = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = true });

    public string Name => name;

    public static HttpBinding Create(ComponentSpec spec, Dictionary<string, string> metadata) =>
        Uri.TryCreate(metadata.GetValueOrDefault("url", ""), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? new HttpBinding(spec.Name, url, metadata.GetValueOrDefault("errorIfNot2XX", "true") != "false")
            : throw new LocalRunnerException($"{spec.Where}, url: '{metadata.GetValueOrDefault("url", "")}' is not an http address; correct it.");

    public async Task<BindingAnswer> InvokeAsync(string operation, byte[] data, IReadOnlyDictionary<string, string> metadata, CancellationToken ct)
    {
        var verb = operation.ToUpperInvariant() is "CREATE" ? "POST" : operation.ToUpperInvariant();
        if (!Verbs.Contains(verb))
        {
            throw new HttpRequestException($"invalid operation: {operation}");
        }

        var path = metadata.GetValueOrDefault("path", "");
        using var request = new HttpRequestMessage(new HttpMethod(verb), path.Length == 0 ? url : new Uri($"{url.ToString().TrimEnd('/')}/{path.TrimStart('/')}"));
        if (verb is "POST" or "PUT" or "PATCH")
        {
            request.Content = new ByteArrayContent(data);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=utf-8");
        }

        // As in daprd, metadata whose name starts with a capital letter are request headers.
        foreach (var (header, value) in metadata.Where(m => m.Key.Length > 0 && char.IsAsciiLetterUpper(m.Key[0])))
        {
            if (!request.Headers.TryAddWithoutValidation(header, value) && request.Content is { } content)
            {
                content.Headers.Remove(header);
                content.Headers.TryAddWithoutValidation(header, value);
            }
        }

        using var response = await http.SendAsync(request, ct);
        var told = new Dictionary<string, string>
        {
            ["statusCode"] = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture),
            ["status"] = $"{(int)response.StatusCode} {response.ReasonPhrase}",
        };
        foreach (var (header, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            told[header] = string.Join(", ", values);
        }

        return new BindingAnswer(
            await response.Content.ReadAsByteArrayAsync(ct), told,
            response.IsSuccessStatusCode || !errorIfNot2xx ? null : $"received status code {(int)response.StatusCode}");
    }

    public void Dispose() => http.Dispose();

    public static ApiError Failed(string name, string why) =>
        new(500, StatusCode.Internal, "ERR_INVOKE_OUTPUT_BINDING", $"error invoking output binding {name}: {why}");
}
