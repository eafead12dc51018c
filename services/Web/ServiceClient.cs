using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.Web;

/// <summary>What a service answered: its value with the tag of its version, or the problem it has with what was asked.</summary>
public sealed record Said<T>(T? Value, Problem? Problem, int Status, string? Tag = null)
    where T : class
{
    /// <summary>Whether it was certainly not done; a failure or a missing answer leaves that open, so whoever asks again must use the same id.</summary>
    public bool IsRefused => Problem is not null && Status < StatusCodes.Status500InternalServerError;
}

/// <summary>A problem as the services tell it; <c>code</c> is what the page has words for.</summary>
public sealed record Problem(string Code, string? Detail = null, Dictionary<string, string[]>? Errors = null, string? Context = null);

/// <summary>The other services, asked through this app's sidecar in the visitor's name; whoever cannot be asked is a problem, never an exception.</summary>
public sealed partial class ServiceClient(IServiceProvider services, Visitor visitor, IHttpContextAccessor http, ILogger<ServiceClient> log)
{
    private static readonly JsonSerializerOptions Json = Wire.Options(new DefaultJsonTypeInfoResolver());

    public Task<Said<T>> Get<T>(string app, string path)
        where T : class => Send<T>(app, HttpMethod.Get, path);

    // With its length: a sidecar never sends a second time what comes in chunks.
    public Task<Said<T>> Send<T>(string app, HttpMethod method, string path, object? body = null, string? tag = null)
        where T : class => Send<T>(app, method, path, body is null ? null : new StringContent(JsonSerializer.Serialize(body, Json), Encoding.UTF8, "application/json"), tag);

    /// <summary>Sends the content; with a tag only for the version that has it, and another is the problem <c>version-changed</c>.</summary>
    public async Task<Said<T>> Send<T>(string app, HttpMethod method, string path, HttpContent? content, string? tag = null)
        where T : class
    {
        try
        {
            using var response = await Ask(app, method, path, content, tag);
            var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
            if (response.IsSuccessStatusCode)
            {
                return new(text.Length == 0 ? null : JsonSerializer.Deserialize<T>(text, Json), null, status, $"{response.Headers.ETag}");
            }

            // What is no problem of the town's is the sidecar's own: it did not reach the other.
            return response.Content.Headers.ContentType?.MediaType == "application/problem+json"
                ? new(null, JsonSerializer.Deserialize<Problem>(text, Json), status)
                : Unreachable<T>(app, path, $"its sidecar answered {status}");
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException { InnerException: TimeoutException } or JsonException)
        {
            return Unreachable<T>(app, path, failure.Message);
        }
    }

    /// <summary>What is no JSON, as it came; null where the visitor may not see it, or nobody can.</summary>
    public async Task<(byte[] Bytes, string Type)?> Look(string app, string path)
    {
        try
        {
            using var response = await Ask(app, HttpMethod.Get, path);
            return response.IsSuccessStatusCode ? (await response.Content.ReadAsByteArrayAsync(), $"{response.Content.Headers.ContentType}") : null;
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException { InnerException: TimeoutException })
        {
            LogUnreachable(app, path, failure.Message);
            return null;
        }
    }

    private async Task<HttpResponseMessage> Ask(string app, HttpMethod method, string path, HttpContent? content = null, string? tag = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://{app}{path}")) { Content = content };
        if (await visitor.Token() is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (tag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", tag);
        }

        return await services.GetRequiredKeyedService<HttpClient>(app).SendAsync(request, http.HttpContext?.RequestAborted ?? CancellationToken.None);
    }

    private Said<T> Unreachable<T>(string app, string path, string why)
        where T : class
    {
        LogUnreachable(app, path, why);
        return new(null, new("context-unavailable", Context: app), 503);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{App} gave no answer to {Path}: {Why}")]
    private partial void LogUnreachable(string app, string path, string why);
}
