using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.HttpOverrides;

namespace SecondhandTrade.Web;

/// <summary>How much one may ask: <c>Burst</c> requests at once, <c>PerSecond</c> for as long as it goes on, and <c>Streams</c> held open at a time.</summary>
public sealed record Limit
{
    public int Burst { get; init; } = 100;

    public int PerSecond { get; init; } = 20;

    public int Streams { get; init; } = 100;
}

/// <summary>
/// How much of the pages one may take up, by the gateway's own section <c>Limits</c>: only here is the cookie read, and so known who asks.
/// </summary>
public sealed record Limits
{
    /// <summary>For each who is signed in, wherever they come from; where names are believed nobody is counted by theirs.</summary>
    public Limit PerUser { get; init; } = new();

    /// <summary>For each address whose visitors are not signed in; where names are believed there is no such limit unless it is set.</summary>
    public Limit? PerAddress { get; init; }

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var (limits, oidc) = (configuration.GetSection("Limits").Get<Limits>() ?? new(), configuration.IsOidc());
        var strangers = limits.PerAddress ?? (oidc ? new Limit() : null);
        services.AddRateLimiter(options =>
        {
            (string Whose, Limit? Limit) Of(HttpContext http) => oidc && http.User.FindFirst("sub") is { Value: var user }
                ? ($"user {user}", limits.PerUser)
                : ($"address {http.Connection.RemoteIpAddress}", strangers);
            options.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(http => IsRefusal(http) ? RateLimitPartition.GetNoLimiter("") : Requests(Of(http))),
                PartitionedRateLimiter.Create<HttpContext, string>(http => http.Request.Path == Live.Path ? Streams(Of(http)) : RateLimitPartition.GetNoLimiter("")));
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
            foreach (var proxy in configuration.GetSection("Proxies").Get<string[]>() ?? [])
            {
                forwarded.KnownIPNetworks.Add(IPAddress.TryParse(proxy, out var one) ? new(one, one.GetAddressBytes().Length * 8) : System.Net.IPNetwork.Parse(proxy));
            }
        });
    }

    // The page that says so is drawn by a request of its own.
    private static bool IsRefusal(HttpContext http) => http.Features.Get<IStatusCodeReExecuteFeature>() is not null;

    private static RateLimitPartition<string> Requests((string Whose, Limit? Limit) of) => of.Limit is not { } limit
        ? RateLimitPartition.GetNoLimiter(of.Whose)
        : RateLimitPartition.GetTokenBucketLimiter(of.Whose, _ => new()
        {
            TokenLimit = limit.Burst,
            TokensPerPeriod = limit.PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        });

    private static RateLimitPartition<string> Streams((string Whose, Limit? Limit) of) => of.Limit is not { } limit
        ? RateLimitPartition.GetNoLimiter(of.Whose)
        : RateLimitPartition.GetConcurrencyLimiter(of.Whose, _ => new() { PermitLimit = limit.Streams });
}
