using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace SecondhandTrade.Web;

/// <summary>Who looks at the page.</summary>
public sealed class Visitor(IHttpContextAccessor http)
{
    private ClaimsPrincipal? Person => http.HttpContext?.User is { Identity.IsAuthenticated: true } person ? person : null;

    /// <summary>The id the town knows them by, or null for one who is not signed in.</summary>
    public string? Id => Person?.FindFirstValue("sub");

    public string? Name => Person?.FindFirstValue("name") ?? Id;

    /// <summary>Who asks, as the services want to hear it where sign-in is open; where it is not, the token alone counts.</summary>
    public string Asks => $"userid={Uri.EscapeDataString(Id ?? "")}";

    public Task<string?> Token() => Person is null ? Task.FromResult<string?>(null) : http.HttpContext!.GetTokenAsync(CookieAuthenticationDefaults.AuthenticationScheme, "access_token");
}
