using System.Net;
using System.Text;

namespace SecondhandTrade.Local;

/// <summary>The HTTP connection from a sidecar to its app, for as long as the app is connected.</summary>
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

    /// <summary>False while the health check reports the app as unhealthy: only health probes are sent then.</summary>
    public bool IsHealthy { get; set; } = true;

    /// <summary>True once the app is about to stop: it still answers, but other replicas are preferred.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Whether requests to the app are in flight.</summary>
    public bool IsBusy => Volatile.Read(ref inFlight) > 0;

    public async Task<HttpStatusCode> ProbeAsync(string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(App, path)) { Version = HttpVersion.Version11 };
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, closed.Token);
        using var response = await http.SendAsync(request, either.Token);
        return response.StatusCode;
    }

    /// <summary>Returns once the response headers have arrived; throws <see cref="HttpRequestException"/> when the app disconnects.</summary>
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
            throw new HttpRequestException($"the app at {App} disconnected during the call");
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
