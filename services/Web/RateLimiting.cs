using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.HttpOverrides;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Web;

/// <summary>Counts what visitors ask of the pages, by the gateway's own section <c>Limits</c>: only here is the cookie read, and so known who asks.</summary>
public static class RateLimiting
{
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var (limits, oidc) = (Limits.From(configuration), configuration.IsOidc());
        services.AddRateLimiter(options =>
        {
            (string Whose, Limit? Limit) Of(HttpContext http) => oidc && http.User.FindFirst("sub") is { Value: var user }
                ? ($"user {user}", limits.PerUser)
                : ($"address {http.Connection.RemoteIpAddress}", limits.PerAddress);
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(http => IsRefusal(http) ? RateLimitPartition.GetNoLimiter("") : Limits.Requests(Of(http))),
                PartitionedRateLimiter.Create<HttpContext, string>(http => http.Request.Path == Live.Path ? Limits.Streams(Of(http)) : RateLimitPartition.GetNoLimiter("")));
            options.OnRejected = (rejected, _) =>
            {
                var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.Zero;
                rejected.HttpContext.Response.Headers.RetryAfter = $"{Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds))}";
                return ValueTask.CompletedTask;
            };
        });

        // The gateway tells where a request comes from: it is on this machine, or one of the networks that are named.
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            foreach (var network in Limits.Proxies(configuration))
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
    }

    // The page that says so is drawn by a request of its own.
    private static bool IsRefusal(HttpContext http) => http.Features.Get<IStatusCodeReExecuteFeature>() is not null;
}
