using System.Net.Http.Headers;

namespace SecondhandTrade.Web;

/// <summary>Live updates: notification's stream, passed on to the user of the cookie.</summary>
public static class Live
{
    public const string Path = "/live";

    private const string Client = "stream";

    public static void MapLive(this WebApplication app)
    {
        // Straight to the service: a sidecar buffers streams.
        var address = app.Configuration["Notification:Address"] ?? "http://localhost:8085";

        app.MapGet(Path, async (string? products, HttpContext http, Visitor me, IHttpClientFactory clients, IHostApplicationLifetime life) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, life.ApplicationStopping);
            var query = $"products={Uri.EscapeDataString(products ?? "")}{(me.Id is null ? "" : $"&{me.Asks}")}";
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(address), $"/notices/stream?{query}"));
            if (http.Request.Headers["Last-Event-ID"] is [{ Length: > 0 } last])
            {
                request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
            }

            if (await me.Token() is { } token)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            try
            {
                using var client = clients.CreateClient(Client);
                client.Timeout = Timeout.InfiniteTimeSpan;
                using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop.Token);
                (http.Response.StatusCode, http.Response.ContentType) = ((int)response.StatusCode, $"{response.Content.Headers.ContentType}");
                (http.Response.Headers.CacheControl, http.Response.Headers["X-Accel-Buffering"]) = ("no-store", "no");
                await using var stream = await response.Content.ReadAsStreamAsync(stop.Token);
                await stream.CopyToAsync(http.Response.Body, stop.Token);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // The end that every stream has.
            }
            catch (HttpRequestException) when (!http.Response.HasStarted)
            {
                // EventSource does not reconnect after an HTTP error, but does after an empty stream.
                (http.Response.StatusCode, http.Response.ContentType) = (StatusCodes.Status200OK, "text/event-stream");
                await http.Response.WriteAsync("retry: 5000\n\n", stop.Token);
            }
            catch (Exception cut) when (cut is HttpRequestException or IOException)
            {
                // It ended in the middle; the browser comes back with the last id it has.
            }
        });
    }
}
