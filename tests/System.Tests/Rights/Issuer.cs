using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>An OpenID provider on loopback: a discovery document, one key, tokens, good ones and forged ones, and the pages where people sign in.</summary>
public sealed class Issuer : IAsyncDisposable
{
    public const string Audience = "town";

    private readonly WebApplication app;

    private Issuer(WebApplication app) => (this.app, Desk) = (app, new(this));

    /// <summary>Where people sign in with a browser.</summary>
    public SignInDesk Desk { get; }

    public RSA Key { get; } = RSA.Create(2048);

    public string Address => app.Urls.Single();

    /// <summary>What makes a town believe this issuer and nobody else.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["Auth:Mode"] = "oidc",
        ["Auth:Authority"] = Address,
        ["Auth:Audience"] = Audience,
        ["Auth:ClientId"] = SignInDesk.Client,
        ["Auth:ClientSecret"] = SignInDesk.Secret,
        ["APP_API_TOKEN"] = "the-app-token-of-this-test",
        ["DAPR_API_TOKEN"] = "the-api-token-of-this-test",
    };

    public static async Task<Issuer> Open()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var issuer = new Issuer(builder.Build());
        issuer.app.MapGet("/.well-known/openid-configuration", () => Results.Text(
            new JsonObject
            {
                ["issuer"] = issuer.Address,
                ["jwks_uri"] = $"{issuer.Address}/keys",
                ["authorization_endpoint"] = $"{issuer.Address}/authorize",
                ["token_endpoint"] = $"{issuer.Address}/token",
                ["end_session_endpoint"] = $"{issuer.Address}/end",
                ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
            }.ToJsonString(), "application/json"));
        issuer.app.MapGet("/keys", () => Results.Text(new JsonObject { ["keys"] = new JsonArray(issuer.PublicKey()) }.ToJsonString(), "application/json"));
        issuer.Desk.Map(issuer.app);
        await issuer.app.StartAsync();
        return issuer;
    }

    public JsonObject PublicKey()
    {
        var key = Key.ExportParameters(includePrivateParameters: false);
        return new() { ["kty"] = "RSA", ["use"] = "sig", ["alg"] = "RS256", ["kid"] = "one", ["n"] = Base64Url.EncodeToString(key.Modulus!), ["e"] = Base64Url.EncodeToString(key.Exponent!) };
    }

    /// <summary>A good token for the user, changed as asked and signed as asked.</summary>
    public string Token(string user, Action<JsonObject>? claims = null, Action<JsonObject>? header = null, Func<byte[], byte[]>? sign = null)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var payload = new JsonObject { ["iss"] = Address, ["aud"] = Audience, ["sub"] = user, ["nbf"] = now - 10, ["iat"] = now - 10, ["exp"] = now + 600 };
        var head = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = "one" };
        claims?.Invoke(payload);
        header?.Invoke(head);
        var text = $"{Part(head)}.{Part(payload)}";
        return $"{text}.{Base64Url.EncodeToString((sign ?? Sign)(Encoding.ASCII.GetBytes(text)))}";
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        Key.Dispose();
    }

    private byte[] Sign(byte[] text) => Key.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    private static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
}
