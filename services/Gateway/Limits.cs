using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.HttpOverrides;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Gateways;

/// <summary>How many requests one may make: <c>Burst</c> at once, and <c>PerSecond</c> for as long as it goes on.</summary>
public sealed record Limit
{
    public int Burst { get; init; } = 100;

    public int PerSecond { get; init; } = 20;
}

/// <summary>How much of the town one may take up; read from the section <c>Limits</c>.</summary>
public sealed record Limits
{
    /// <summary>For each who is signed in, wherever they come from.</summary>
    public Limit PerUser { get; init; } = new();

    /// <summary>For each address whose callers are not signed in; where the town believes everyone there is no such limit unless it is set.</summary>
    public Limit? PerAddress { get; init; }

    /// <summary>Adds a bucket of requests for each person and each address; who comes through a proxy of the section <c>Proxies</c> has the address that it tells.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var limits = configuration.GetSection("Limits").Get<Limits>() ?? new();
        var strangers = limits.PerAddress ?? (SignIn.From(configuration).IsOpen ? null : new Limit());
        services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => http.User.FindFirst(SignIn.Subject) is { Value: var user }
                ? Bucket($"user {user}", limits.PerUser)
                : Bucket($"address {http.Connection.RemoteIpAddress}", strangers));
            options.OnRejected = async (rejected, _) =>
            {
                var after = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? (int)Math.Ceiling(wait.TotalSeconds) : 1;
                await Problems.Problem(429, "too-many-requests", "You ask more often than one may; go on more slowly.", Math.Max(1, after)).ExecuteAsync(rejected.HttpContext);
            };
        });
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            forwarded.KnownProxies.Clear();
            forwarded.KnownIPNetworks.Clear();
            foreach (var network in Proxies(configuration))
            {
                forwarded.KnownIPNetworks.Add(network);
            }
        });
    }

    /// <summary>The networks whose word on where a request comes from is taken.</summary>
    public static IReadOnlyList<System.Net.IPNetwork> Proxies(IConfiguration configuration) =>
    [
        .. (configuration.GetSection("Proxies").Get<string[]>() ?? []).Select(proxy => IPAddress.TryParse(proxy, out var one)
            ? new System.Net.IPNetwork(one, one.GetAddressBytes().Length * 8)
            : System.Net.IPNetwork.TryParse(proxy, out var network) ? network
            : throw new InvalidOperationException($"'{proxy}' in Proxies is neither an address nor a network such as 10.0.0.0/8; correct it or leave it out.")),
    ];

    private static RateLimitPartition<string> Bucket(string whose, Limit? limit) => limit is null
        ? RateLimitPartition.GetNoLimiter(whose)
        : RateLimitPartition.GetTokenBucketLimiter(whose, _ => new()
        {
            TokenLimit = limit.Burst,
            TokensPerPeriod = limit.PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        });
}
