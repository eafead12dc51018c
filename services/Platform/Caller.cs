using System.Net;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace SecondhandTrade.Platform;

/// <summary>
/// The caller. In <c>open</c> mode the query's <c>userid</c>, unverified; without one the caller may act as anyone. In <c>oidc</c> mode the
/// token's subject, or anonymous; body, query and headers are ignored.
/// </summary>
public sealed record Caller(string? UserId, bool IsProven)
{
    /// <summary>The longest name a person may have: what OpenID allows a subject.</summary>
    public const int LongestName = 255;

    /// <summary>Whether the caller is an operator, and so may see what is between others.</summary>
    public bool IsOperator { get; init; }

    /// <summary>Whether the caller is this user, and so may see what is theirs.</summary>
    public bool Is(string? person) => UserId is { } own ? own == person : !IsProven;

    /// <summary>Whether the caller may act for the party. For a null party (the seller of a listing that names none) only in open mode.</summary>
    public bool ActsFor(string? party) => Is(party) || (party is null && !IsProven);

    /// <summary>The user id for a body that claims to come from <paramref name="said"/>: the token's subject in oidc mode, the claim itself in open mode.</summary>
    public string? Named(string? said) => IsProven ? UserId : said;

    public static ValueTask<Caller> BindAsync(HttpContext http) => new(http.RequestServices.GetRequiredService<SignIn>().IsOpen
        ? new Caller(http.Request.Query["userid"] is [{ Length: > 0 } named, ..] ? named : null, IsProven: false)
        : new Caller(http.User.FindFirstValue(SignIn.Subject), IsProven: true) { IsOperator = http.User.IsInRole(SignIn.Operator) });
}

/// <summary>How callers are authenticated; read from the section <c>Auth</c>.</summary>
public sealed record SignIn(string? Authority, string? Audience, string RoleClaim)
{
    /// <summary>The authorization policy for what only operators may do.</summary>
    public const string Operator = "operator";

    public const string Subject = "sub";

    public bool IsOpen => Authority is null;

    public static SignIn From(IConfiguration configuration)
    {
        var auth = configuration.GetSection("Auth");
        var (authority, audience) = (auth["Authority"], auth["Audience"]);
        return auth["Mode"] switch
        {
            null or "open" => new(null, null, ""),
            "oidc" when Uri.IsWellFormedUriString(authority, UriKind.Absolute) && audience is { Length: > 0 } => new(authority, audience, auth["RoleClaim"] ?? "roles"),
            "oidc" => throw new InvalidOperationException("Auth:Mode is oidc, but Auth:Authority is not the address of an OpenID provider or Auth:Audience is empty; set both."),
            var mode => throw new InvalidOperationException($"Auth:Mode is '{mode}', and there is only open and oidc; set one of them."),
        };
    }
}

/// <summary>Authenticates callers: people by a token of the OpenID provider, the sidecar by the app token.</summary>
public static class SignIns
{
    private const string Sidecar = "Dapr";
    private const string People = "Bearer";

    // Called without a token (probes, scrapers); matched by exact path.
    private static readonly HashSet<string> Probes = new(StringComparer.OrdinalIgnoreCase) { "/alive", "/ready", "/healthz", "/metrics" };

    /// <summary>Validates bearer tokens in oidc mode; a caller without a valid one is anonymous.</summary>
    public static IServiceCollection AddSignIn(this IServiceCollection services, IConfiguration configuration)
    {
        var signIn = SignIn.From(configuration);
        services.AddSingleton(signIn);
        var schemes = services.AddAuthentication(signIn.IsOpen ? Sidecar : People);
        if (signIn.IsOpen)
        {
            return services;
        }

        schemes.AddJwtBearer(People, bearer =>
        {
            (bearer.Authority, bearer.Audience, bearer.MapInboundClaims) = (signIn.Authority, signIn.Audience, false);
            bearer.RequireHttpsMetadata = !new Uri(signIn.Authority!).IsLoopback;

            // No symmetric ones: whoever knows the public key could sign with it as if it were a shared secret.
            bearer.TokenValidationParameters.ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
            bearer.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
            (bearer.TokenValidationParameters.NameClaimType, bearer.TokenValidationParameters.RoleClaimType) = (SignIn.Subject, signIn.RoleClaim);
            bearer.Events = new()
            {
                OnTokenValidated = token =>
                {
                    if (token.Principal?.FindAll(SignIn.Subject).ToList() is not [{ Value: { Length: > 0 and <= Caller.LongestName } sub }] || sub.Any(char.IsControl))
                    {
                        token.Fail("The token does not say who its subject is.");
                    }

                    return Task.CompletedTask;
                },
            };
        });
        return services;
    }

    /// <summary>A service's authorization rules: the app token where one is set, and a user's token in oidc mode.</summary>
    internal static void AddRights(this IServiceCollection services, IConfiguration configuration)
    {
        var (open, token) = (SignIn.From(configuration).IsOpen, configuration["APP_API_TOKEN"]);
        if (!open && string.IsNullOrEmpty(token))
        {
            throw new InvalidOperationException("Auth:Mode is oidc, but there is no APP_API_TOKEN, so that anyone near could call as the sidecar does; give app and sidecar the same one.");
        }

        services.AddSignIn(configuration);
        if (token is { Length: > 0 })
        {
            services.AddAuthentication().AddDapr(dapr => dapr.Token = token);
        }

        var rights = services.AddAuthorizationBuilder().AddPolicy(SignIn.Operator, policy => _ = open ? policy.RequireAssertion(_ => true) : policy.RequireRole(SignIn.Operator));
        if (!open)
        {
            rights.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAssertion(
                asked => asked.User.Identity is { IsAuthenticated: true } || (asked.Resource is HttpContext http && Probes.Contains(http.Request.Path))).Build());
        }
    }

    /// <summary>Requires the app token where one is set, so that only the sidecar gets in; <paramref name="direct"/> are the routes that are called without a sidecar.</summary>
    internal static void UseSidecarOnly(this WebApplication app, IReadOnlyCollection<string> direct)
    {
        if (app.Configuration["APP_API_TOKEN"] is { Length: > 0 })
        {
            app.Use(async (http, next) =>
            {
                if (Probes.Contains(http.Request.Path) || direct.Contains(http.Request.Path.Value) || (await http.AuthenticateAsync(Sidecar)).Succeeded)
                {
                    await next(http);
                }
                else
                {
                    await Problems.Problem(401, "sidecar-only", "Only this app's sidecar may call it; go through the gateway or a sidecar.").ExecuteAsync(http);
                }
            });
        }
    }

    internal static void UseRights(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
    }
}

/// <summary>How much one may ask: <c>Burst</c> requests at once, <c>PerSecond</c> for as long as it goes on, and <c>Streams</c> held open at a time.</summary>
public sealed record Limit
{
    public int Burst { get; init; } = 100;

    public int PerSecond { get; init; } = 20;

    public int Streams { get; init; } = 100;
}

/// <summary>How much of the town one may take up, and whose word on addresses is taken; the gateway and the pages, which read the cookie, each count by it.</summary>
public sealed record Limits
{
    /// <summary>For each who is signed in, wherever they come from.</summary>
    public Limit PerUser { get; init; } = new();

    /// <summary>For each address whose callers are not signed in; where the town believes everyone there is no such limit unless it is set.</summary>
    public Limit? PerAddress { get; init; }

    /// <summary>The section <c>Limits</c>.</summary>
    public static Limits From(IConfiguration configuration)
    {
        var limits = configuration.GetSection("Limits").Get<Limits>() ?? new();
        return SignIn.From(configuration).IsOpen ? limits : limits with { PerAddress = limits.PerAddress ?? new() };
    }

    /// <summary>The networks whose word on where a request comes from is taken.</summary>
    public static IReadOnlyList<System.Net.IPNetwork> Proxies(IConfiguration configuration) =>
    [
        .. (configuration.GetSection("Proxies").Get<string[]>() ?? []).Select(proxy => IPAddress.TryParse(proxy, out var one)
            ? new System.Net.IPNetwork(one, one.GetAddressBytes().Length * 8)
            : System.Net.IPNetwork.TryParse(proxy, out var network) ? network
            : throw new InvalidOperationException($"'{proxy}' in Proxies is neither an address nor a network such as 10.0.0.0/8; correct it or leave it out.")),
    ];

    /// <summary>The bucket that whose requests are taken from; none where there is no limit.</summary>
    public static RateLimitPartition<string> Requests((string Whose, Limit? Limit) of) => of.Limit is not { } limit
        ? RateLimitPartition.GetNoLimiter(of.Whose)
        : RateLimitPartition.GetTokenBucketLimiter(of.Whose, _ => new()
        {
            TokenLimit = limit.Burst,
            TokensPerPeriod = limit.PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        });

    /// <summary>The places for whose streams.</summary>
    public static RateLimitPartition<string> Streams((string Whose, Limit? Limit) of) => of.Limit is not { } limit
        ? RateLimitPartition.GetNoLimiter(of.Whose)
        : RateLimitPartition.GetConcurrencyLimiter(of.Whose, _ => new() { PermitLimit = limit.Streams });
}
