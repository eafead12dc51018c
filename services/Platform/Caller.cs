using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace SecondhandTrade.Platform;

/// <summary>
/// Who asks: in <c>open</c> mode whoever the query's userid says, where one who names nobody is whoever may; in <c>oidc</c> mode the subject of a
/// token, or nobody, whatever body, query and headers say.
/// </summary>
public sealed record Caller(string? UserId, bool IsProven)
{
    /// <summary>The longest name a person may have: what OpenID allows a subject.</summary>
    public const int LongestName = 255;

    /// <summary>Whether this runs the town, and so may look into what is between others.</summary>
    public bool IsOperator { get; init; }

    /// <summary>Whether this is the person, and so may see what is theirs.</summary>
    public bool Is(string? person) => UserId is { } own ? own == person : !IsProven;

    /// <summary>Whether this may act for the party; for one that nobody is, as the seller of a listing that names none, only one who is believed may.</summary>
    public bool ActsFor(string? party) => Is(party) || (party is null && !IsProven);

    /// <summary>In whose name a body speaks that says it is from <paramref name="said"/>.</summary>
    public string? Named(string? said) => IsProven ? UserId : said;

    public static ValueTask<Caller> BindAsync(HttpContext http) => new(http.RequestServices.GetRequiredService<SignIn>().IsOpen
        ? new Caller(http.Request.Query["userid"] is [{ Length: > 0 } named, ..] ? named : null, IsProven: false)
        : new Caller(http.User.FindFirstValue(SignIn.Subject), IsProven: true) { IsOperator = http.User.IsInRole(SignIn.Operator) });
}

/// <summary>How it is known who asks; read from the section <c>Auth</c>.</summary>
public sealed record SignIn(string? Authority, string? Audience, string RoleClaim)
{
    /// <summary>The policy of what only those may do who run the town.</summary>
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

/// <summary>Proves who calls: people by a token of the OpenID provider, the sidecar by the app token.</summary>
public static class SignIns
{
    private const string Sidecar = "Dapr";
    private const string People = "Bearer";

    // Asked by who has no token to show; each is nothing but the one route of that name.
    private static readonly HashSet<string> Probes = new(StringComparer.OrdinalIgnoreCase) { "/alive", "/ready", "/healthz", "/metrics" };

    /// <summary>Reads people's tokens where the town does not simply believe them; who has none, or one that is no good, is nobody.</summary>
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

    /// <summary>The rules of a service: the sidecar proves itself where there is an app token, people where they are not simply believed.</summary>
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

    /// <summary>Lets nobody in but the sidecar, where there is an app token to tell it by; <paramref name="direct"/> are the routes that people come to past it.</summary>
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
