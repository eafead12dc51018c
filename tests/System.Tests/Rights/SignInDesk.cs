using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>
/// Where people sign in: the code flow with PKCE, refresh tokens that are good once, and an end of the session. Whoever says a name is believed,
/// and known again until they sign out. Roles are in the access token alone.
/// </summary>
public sealed class SignInDesk(Issuer issuer)
{
    public const string Client = "web";
    public const string Secret = "the-secret-of-the-pages";
    private const string Session = "issuer.session";

    private static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Grant> codes = new();
    private readonly ConcurrentDictionary<string, string> refreshes = new();

    private sealed record Grant(string User, string RedirectUri, string Challenge, string? Nonce);

    /// <summary>By user, what they may do in the town.</summary>
    public ConcurrentDictionary<string, string> Roles { get; } = new();

    /// <summary>How long the first access token is good; below zero it has expired before it is given out.</summary>
    public TimeSpan FirstLife { get; set; } = Life;

    /// <summary>What is answered to whoever wants another token; null for the token.</summary>
    public int? Refusal { get; set; }

    /// <summary>What was done here, in order: <c>code ann</c>, <c>refresh ann</c>, <c>end ann</c>.</summary>
    public ConcurrentQueue<string> Done { get; } = new();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/authorize", Authorize);
        routes.MapPost("/token", (Delegate)Token);
        routes.MapGet("/end", (HttpContext http) =>
        {
            http.Response.Cookies.Delete(Session);
            Done.Enqueue($"end {JsonNode.Parse(Base64Url.DecodeFromChars(http.Request.Query["id_token_hint"].ToString().Split('.')[1]))!["sub"]}");
            return Results.Redirect(QueryHelpers.AddQueryString(http.Request.Query["post_logout_redirect_uri"]!, "state", http.Request.Query["state"].ToString()));
        });
    }

    private IResult Authorize(HttpContext http)
    {
        var asked = http.Request.Query;
        if (asked["client_id"] != Client || asked["response_type"] != "code" || asked["code_challenge_method"] != "S256" || asked["audience"] != Issuer.Audience
            || !asked["scope"].ToString().Split(' ').Contains("openid"))
        {
            return Results.BadRequest($"This is no way to ask: {http.Request.QueryString}");
        }

        if ((asked["user"].ToString() is { Length: > 0 } said ? said : http.Request.Cookies[Session]) is not { } user)
        {
            var fields = string.Concat(asked.Select(a => $"<input type=hidden name='{WebUtility.HtmlEncode(a.Key)}' value='{WebUtility.HtmlEncode(a.Value)}'>"));
            return Results.Content($"<!doctype html><link rel=icon href=data:,><form>{fields}<input id=user name=user><button>in</button></form>", "text/html");
        }

        http.Response.Cookies.Append(Session, user, new() { HttpOnly = true });
        var code = Random();
        codes[code] = new(user, asked["redirect_uri"]!, asked["code_challenge"]!, asked["nonce"]);
        return Results.Redirect(QueryHelpers.AddQueryString(asked["redirect_uri"]!, new Dictionary<string, string?> { ["code"] = code, ["state"] = asked["state"] }));
    }

    private async Task<IResult> Token(HttpContext http)
    {
        var asked = await http.Request.ReadFormAsync();
        if (asked["client_id"] != Client || asked["client_secret"] != Secret)
        {
            return Refused("invalid_client");
        }

        if (asked["grant_type"] == "refresh_token")
        {
            if (Refusal is { } status)
            {
                return Results.Json(new { error = "server_error" }, statusCode: status);
            }

            return refreshes.TryRemove(asked["refresh_token"].ToString(), out var again) ? Given("refresh", again, Life) : Refused("invalid_grant");
        }

        return codes.TryRemove(asked["code"].ToString(), out var grant) && grant.RedirectUri == asked["redirect_uri"]
            && grant.Challenge == Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(asked["code_verifier"].ToString())))
                ? Given("code", grant.User, FirstLife, grant.Nonce)
                : Refused("invalid_grant");
    }

    private IResult Given(string how, string user, TimeSpan life, string? nonce = null)
    {
        Done.Enqueue($"{how} {user}");
        var refresh = Random();
        refreshes[refresh] = user;
        var now = DateTimeOffset.UtcNow;
        return Results.Json(new
        {
            token_type = "Bearer",
            access_token = issuer.Token(user, claims =>
            {
                (claims["nbf"], claims["exp"]) = (now.AddHours(-1).ToUnixTimeSeconds(), (now + life).ToUnixTimeSeconds());
                if (Roles.TryGetValue(user, out var role))
                {
                    claims["roles"] = new JsonArray("neighbour", role);
                }
            }),
            id_token = issuer.Token(user, claims => (claims["aud"], claims["nonce"], claims["name"]) = (Client, nonce, $"{user}님")),
            refresh_token = refresh,
            expires_in = Math.Max(0, (int)life.TotalSeconds),
        });
    }

    private static IResult Refused(string error) => Results.Json(new { error }, statusCode: StatusCodes.Status400BadRequest);

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
}
