using System.Net;
using System.Text;

namespace SecondhandTrade.Local;

/// <summary>The way from a sidecar to its app, for as long as that app lives.</summary>
internal sealed class AppChannel : IAsyncDisposable
{
    private readonly HttpMessageInvoker http;
    private readonly SemaphoreSlim? slots;
    private readonly string? token;
    private readonly CancellationTokenSource closed = new();
    private int inFlight;

    public AppChannel(Uri app, SidecarOptions options)
    {
        App = app;
        token = options.AppApiToken;
        slots = options.MaxConcurrency > 0 ? new SemaphoreSlim(options.MaxConcurrency) : null;
        http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            ResponseHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        });
    }

    public Uri App { get; }

    public bool IsOpen => !closed.IsCancellationRequested;

    /// <summary>False while the app's health is watched and bad: then nobody gets through but who asks for its health.</summary>
    public bool IsHealthy { get; set; } = true;

    /// <summary>True once the app is to end: it still answers, but whoever has a choice asks another.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Whether the app owes an answer.</summary>
    public bool IsBusy => Volatile.Read(ref inFlight) > 0;

    public async Task<HttpStatusCode> ProbeAsync(string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(App, path)) { Version = HttpVersion.Version11 };
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, closed.Token);
        using var response = await http.SendAsync(request, either.Token);
        return response.StatusCode;
    }

    /// <summary>Answers once the headers are here; fails with <see cref="HttpRequestException"/> when the app is gone.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        if (!IsHealthy)
        {
            throw new HttpRequestException("app is not in a healthy state");
        }

        using var either = ct.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(ct, closed.Token) : null;
        var stop = either?.Token ?? closed.Token;
        request.Version = HttpVersion.Version11;
        if (token is not null)
        {
            request.Headers.Remove("dapr-api-token");
            request.Headers.TryAddWithoutValidation("dapr-api-token", token);
        }

        Interlocked.Increment(ref inFlight);
        try
        {
            if (slots is not null)
            {
                await slots.WaitAsync(stop);
            }

            try
            {
                return await http.SendAsync(request, stop);
            }
            finally
            {
                slots?.Release();
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new HttpRequestException($"the app at {App} went away during the call");
        }
        finally
        {
            Interlocked.Decrement(ref inFlight);
        }
    }

    public async Task<(HttpStatusCode Status, byte[] Body)> GetAsync(string path, string appId, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(App, path));
        request.Headers.Add("dapr-app-id", appId);
        using var response = await SendAsync(request, ct);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(ct));
    }

    public async ValueTask DisposeAsync()
    {
        await closed.CancelAsync();
        http.Dispose();
    }
}
