using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace SecondhandTrade.Web;

/// <summary>
/// Who the visitor is, kept in a cookie. <c>Auth:Mode=open</c> believes the name that is given; <c>oidc</c> asks <c>Auth:Authority</c> and
/// keeps its tokens in the cookie, so that the services hear from it who asks.
/// </summary>
public static class SignIn
{
    public const string Operator = "operator";

    /// <summary>The path of the page to sign in on.</summary>
    public const string Page = "/signin";

    private static readonly TimeSpan Early = TimeSpan.FromMinutes(1);

    public static bool IsOidc(this IConfiguration configuration) => configuration["Auth:Mode"] == "oidc";

    public static WebApplicationBuilder AddSignIn(this WebApplicationBuilder builder)
    {
        var (services, settings) = (builder.Services, builder.Configuration);
        var oidc = settings.IsOidc();
        var signIn = services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
        {
            (cookie.Cookie.Name, cookie.Cookie.HttpOnly, cookie.Cookie.SameSite, cookie.Cookie.SecurePolicy) = ("town.who", true, SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest);
            (cookie.LoginPath, cookie.ReturnUrlParameter) = (Page, "back");
            cookie.Events.OnRedirectToLogin = asked =>
            {
                // Whoever pressed a button comes back by GET, which only pages answer.
                var isPage = HttpMethods.IsGet(asked.Request.Method) || asked.HttpContext.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null;
                asked.Response.Redirect(isPage ? asked.RedirectUri : $"{asked.Options.LoginPath}?{asked.Options.ReturnUrlParameter}=/me");
                return Task.CompletedTask;
            };
            cookie.Events.OnRedirectToAccessDenied = denied =>
            {
                denied.Response.StatusCode = StatusCodes.Status403Forbidden;
                return Task.CompletedTask;
            };
            if (oidc)
            {
                cookie.Events.OnValidatePrincipal = Refresh;
            }
        });
        if (oidc)
        {
            services.AddSingleton<TokenRefresher>();
            signIn.AddOpenIdConnect(provider =>
            {
                (provider.Authority, provider.ClientId, provider.ClientSecret) = (settings["Auth:Authority"], settings["Auth:ClientId"] ?? "web", settings["Auth:ClientSecret"]);
                provider.RequireHttpsMetadata = !builder.Environment.IsDevelopment();
                (provider.ResponseType, provider.ResponseMode, provider.UsePkce) = (OpenIdConnectResponseType.Code, OpenIdConnectResponseMode.Query, true);
                (provider.SaveTokens, provider.MapInboundClaims) = (true, false);
                (provider.TokenValidationParameters.NameClaimType, provider.TokenValidationParameters.RoleClaimType) = ("name", settings["Auth:RoleClaim"] ?? "roles");
                provider.Scope.Add("offline_access");
                provider.Events.OnTokenValidated = signedIn =>
                {
                    Roles(signedIn.Principal!, signedIn.TokenEndpointResponse!.AccessToken);
                    return Task.CompletedTask;
                };
                if (settings["Auth:Audience"] is { } audience)
                {
                    provider.AdditionalAuthorizationParameters["audience"] = audience;
                }
            });
        }

        // On one machine whoever sits at it is on call.
        services.AddAuthorizationBuilder().AddPolicy(Operator, policy => policy.RequireAssertion(context => !oidc || context.User.IsInRole(Operator)));
        services.AddCascadingAuthenticationState();
        return builder;
    }

    public static void MapSignIn(this WebApplication app)
    {
        if (app.Configuration.IsOidc())
        {
            app.MapGet("/signin/oidc", (string? back) => TypedResults.Challenge(new() { RedirectUri = Local(back) }, [OpenIdConnectDefaults.AuthenticationScheme]));
        }

        app.MapPost("/signout", IResult (IFormCollection form) => app.Configuration.IsOidc()
            ? TypedResults.SignOut(new() { RedirectUri = "/" }, [CookieAuthenticationDefaults.AuthenticationScheme, OpenIdConnectDefaults.AuthenticationScheme])
            : TypedResults.SignOut(new() { RedirectUri = "/" }, [CookieAuthenticationDefaults.AuthenticationScheme]));
    }

    /// <summary>Signs in under a name that is believed.</summary>
    public static Task As(HttpContext http, string name) => http.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity([new("sub", name)], "open", "sub", "roles")));

    /// <summary>The address if it leads to a page of this town, else the front page.</summary>
    public static string Local(string? address) => address is ['/', not ('/' or '\\'), ..] && !address.Any(char.IsControl) ? address : "/";

    // An access token lives for minutes and a visit for hours: it is renewed on the way, or the visitor signs in again.
    private static async Task Refresh(CookieValidatePrincipalContext context)
    {
        var now = (context.Options.TimeProvider ?? TimeProvider.System).GetUtcNow();
        if (!DateTimeOffset.TryParse(context.Properties.GetTokenValue("expires_at"), CultureInfo.InvariantCulture, out var expires) || now < expires - Early)
        {
            return;
        }

        var renewal = await context.HttpContext.RequestServices.GetRequiredService<TokenRefresher>().Of(context.Properties.GetTokenValue("refresh_token"));
        if (renewal.Tokens is not { } tokens)
        {
            // The cookie stays: by now another replica may have given the browser a newer one.
            if (renewal.IsRefused && now >= expires)
            {
                context.RejectPrincipal();
            }

            return;
        }

        foreach (var name in new[] { "access_token", "refresh_token", "id_token" })
        {
            if (tokens.TryGetProperty(name, out var token))
            {
                context.Properties.UpdateTokenValue(name, token.GetString()!);
            }
        }

        context.Properties.UpdateTokenValue("expires_at", now.AddSeconds(tokens.TryGetProperty("expires_in", out var seconds) ? seconds.GetInt32() : 300).ToString("o", CultureInfo.InvariantCulture));
        Roles(context.Principal!, context.Properties.GetTokenValue("access_token"));
        context.ShouldRenew = true;
    }

    // As the services read them, from the same token: a page that opens for an operator must not find every service closed, nor the other way round.
    private static void Roles(ClaimsPrincipal person, string? accessToken)
    {
        var identity = (ClaimsIdentity)person.Identity!;
        foreach (var old in identity.FindAll(identity.RoleClaimType).ToList())
        {
            identity.RemoveClaim(old);
        }

        var tokens = new JsonWebTokenHandler();
        identity.AddClaims(tokens.CanReadToken(accessToken) ? tokens.ReadJsonWebToken(accessToken).Claims.Where(c => c.Type == identity.RoleClaimType) : []);
    }
}
