using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.HttpOverrides;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Gateways;

/// <summary>How much one may ask: <c>Burst</c> requests at once, <c>PerSecond</c> for as long as it goes on, and <c>Streams</c> held open at a time.</summary>
public sealed record Limit
{
    public int Burst { get; init; } = 100;

    public int PerSecond { get; init; } = 20;

    public int Streams { get; init; } = 100;
}

/// <summary>How much of the town one may take up; read from the section <c>Limits</c>.</summary>
public sealed record Limits
{
    // Requests for pictures that count as one: a page shows two dozen, and a browser sends no token with them, so that all behind one address are counted together.
    private const int Pictures = 10;

    /// <summary>For each who is signed in, wherever they come from.</summary>
    public Limit PerUser { get; init; } = new();

    /// <summary>For each address whose callers are not signed in; where the town believes everyone there is no such limit unless it is set.</summary>
    public Limit? PerAddress { get; init; }

    /// <summary>Adds a bucket of requests for each person and each address, but for the pages, which read the cookie and count by it themselves; who comes through a proxy of the section <c>Proxies</c> has the address that it tells.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        var limits = configuration.GetSection("Limits").Get<Limits>() ?? new();
        var strangers = limits.PerAddress ?? (SignIn.From(configuration).IsOpen ? null : new Limit());
        services.AddRateLimiter(options =>
        {
            (string Whose, Limit? Limit) Of(HttpContext http) => http.User.FindFirst(SignIn.Subject) is { Value: var user }
                ? ($"user {user}", limits.PerUser)
                : ($"address {http.Connection.RemoteIpAddress}", strangers);
            (string Whose, Limit? Limit) Asked(HttpContext http) => (Routes.IsPage(http), Routes.IsPicture(http.Request), Of(http)) switch
            {
                (true, _, _) => ("", null),
                (_, true, (var whose, { } limit)) => ($"pictures for {whose}", limit with { Burst = Pictures * limit.Burst, PerSecond = Pictures * limit.PerSecond }),
                (_, _, var of) => of,
            };
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(http => Requests(Asked(http))),
                PartitionedRateLimiter.Create<HttpContext, string>(http => Routes.IsStream(http.Request.Path) ? Streams(Of(http)) : RateLimitPartition.GetNoLimiter("")));
            options.OnRejected = async (rejected, _) => await (rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait)
                ? Problems.Problem(429, "too-many-requests", "You ask more often than one may; go on more slowly.", Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)))
                : Problems.Problem(429, "too-many-requests", "You hold as many streams open as one may; close one of them first.", 1)).ExecuteAsync(rejected.HttpContext);
        });
        services.Configure<ForwardedHeadersOptions>(forwarded =>
        {
            // Through as many proxies as are known; the first address that is none of theirs is the caller's.
            (forwarded.ForwardedHeaders, forwarded.ForwardLimit) = (ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, null);
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
