using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace SecondhandTrade.Local;

/// <summary>Where an app that has replicas is reached from outside: who is open answers in turn, as behind a Service on a cluster.</summary>
public sealed class ReplicaProxy : IAsyncDisposable
{
    private readonly WebApplication host;
    private readonly HttpMessageInvoker client;

    private ReplicaProxy(WebApplication host, HttpMessageInvoker client) => (this.host, this.client) = (host, client);

    /// <summary>Listens on the ports, each of which stands for the app.</summary>
    public static async Task<ReplicaProxy> StartAsync(IReadOnlyDictionary<int, string> apps, Supervisor supervisor, CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            // What may be sent is for the app to say.
            (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, null);
            foreach (var port in apps.Keys)
            {
                kestrel.ListenLocalhost(port);
            }
        });
        builder.Services.AddHttpForwarder();
        var host = builder.Build();
        var forwarder = host.Services.GetRequiredService<IHttpForwarder>();

        // A connection for each request: one that is kept may be closed by its other end in the moment it is used.
        var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.None, PooledConnectionLifetime = TimeSpan.Zero });
        host.Run(async http =>
        {
            if (supervisor.AcquireReplica(apps[http.Connection.LocalPort]) is not { } replica)
            {
                (http.Response.StatusCode, http.Response.Headers.RetryAfter) = (StatusCodes.Status503ServiceUnavailable, "1");
                return;
            }

            using (replica)
            {
                await forwarder.SendAsync(http, replica.Address.ToString(), client, new() { ActivityTimeout = TimeSpan.FromMinutes(10) }, new PreserveHostTransformer());
            }
        });
        await host.StartAsync(ct);
        return new(host, client);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        client.Dispose();
    }

    // An app that writes addresses writes the one it was asked by.
    private sealed class PreserveHostTransformer : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.Headers.Host = httpContext.Request.Host.Value;
        }
    }
}
