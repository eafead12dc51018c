using System.Threading.RateLimiting;
using Microsoft.AspNetCore.HttpOverrides;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Gateways;

/// <summary>Counts what callers ask of the gateway; read from the section <c>Limits</c>.</summary>
public static class RateLimiting
{
    // Requests for pictures that count as one: a page shows two dozen, and a browser sends no token with them, so that all behind one address are counted together.
    private const int Pictures = 10;

    /// <summary>Adds a bucket of requests for each person and each address, but for the pages, which read the cookie and count by it themselves; who comes through a proxy of the section <c>Proxies</c> has the address that it tells.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var limits = Limits.From(configuration);
        services.AddRateLimiter(options =>
        {
            (string Whose, Limit? Limit) Of(HttpContext http) => http.User.FindFirst(SignIn.Subject) is { Value: var user }
                ? ($"user {user}", limits.PerUser)
                : ($"address {http.Connection.RemoteIpAddress}", limits.PerAddress);
            (string Whose, Limit? Limit) Asked(HttpContext http) => (Routes.IsPage(http), Routes.IsPicture(http.Request), Of(http)) switch
            {
                (true, _, _) => ("", null),
                (_, true, (var whose, { } limit)) => ($"pictures for {whose}", limit with { Burst = Pictures * limit.Burst, PerSecond = Pictures * limit.PerSecond }),
                (_, _, var of) => of,
            };
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(http => Limits.Requests(Asked(http))),
                PartitionedRateLimiter.Create<HttpContext, string>(http => Routes.IsStream(http.Request.Path) ? Limits.Streams(Of(http)) : RateLimitPartition.GetNoLimiter("")));
            options.OnRejected = async (rejected, _) => await (rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait)
                ? Problems.Problem(429, "too-many-requests", "You ask more often than one may; go on more slowly.", Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)))
                : Problems.Problem(429, "too-many-requests", "You hold as many streams open as one may; close one of them first.", 1)).ExecuteAsync(rejected.HttpContext);
        });
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            // Through as many proxies as are known; the first address that is none of theirs is the caller's. Where none is known, only what the
            // nearest one adds is believed: whatever stands before it, the caller may have written.
            var proxies = Limits.Proxies(configuration);
            (forwarded.ForwardedHeaders, forwarded.ForwardLimit) = (ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, proxies.Count > 0 ? null : 1);
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in proxies)
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
    }
}
