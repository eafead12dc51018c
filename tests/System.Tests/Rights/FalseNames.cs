using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using static SecondhandTrade.SystemTests.Rights.SignedInTown;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>One is whom one's token says, if it is a good one, and nobody else by any other word.</summary>
[Collection(nameof(SignedInTown))]
public sealed class FalseNames(SignedInTown town)
{
    private static readonly (HttpMethod Method, string Path)[] Anns =
    [
        (HttpMethod.Get, $"/reserves/{Waiting.Id}"), (HttpMethod.Get, $"/reserves/{Waiting.Id}/timeline"), (HttpMethod.Put, $"/reserves/{Waiting.Id}/reservecancel"),
        (HttpMethod.Put, $"/reserves/{Waiting.Id}/pay"), (HttpMethod.Get, $"/trades/{Waiting.Id}"), (HttpMethod.Put, $"/trades/{Waiting.Id}/cancel"),
        (HttpMethod.Put, $"/trades/{Waiting.Id}/accept"), (HttpMethod.Get, $"/payments/{Waiting.Id}"), (HttpMethod.Get, $"/mypages/{Waiting.Id}"),
        (HttpMethod.Get, "/reserves"), (HttpMethod.Get, "/trades"), (HttpMethod.Get, "/mypages"), (HttpMethod.Get, "/notices"),
    ];

    private static readonly string[] InQuery = ["userid={0}", "UserId={0}", "USERID={0}", "user_id={0}", "sub={0}", "userid=eve&userid={0}", "userid[]={0}", "party={0}", "caller={0}", "sellerid={0}"];

    private static readonly string[] Unsigned = ["none", "None", "NONE", "nOnE", ""];
    private static readonly string[] Symmetric = ["HS256", "HS384", "HS512"];

    private static readonly string[] InHeaders =
    [
        "userid", "X-User", "X-User-Id", "X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-MS-CLIENT-PRINCIPAL", "dapr-caller-app-id", "dapr-app-id", "dapr-api-token", "Cookie",
    ];

    [Fact]
    public async Task Naming_another_beside_ones_own_token_opens_nothing()
    {
        var before = await town.Everything();
        var tricks = Anns.SelectMany(a => InQuery.Select(q => (a.Method, Path: $"{a.Path}?{string.Format(System.Globalization.CultureInfo.InvariantCulture, q, Waiting.Buyer)}", Body: (string?)null, Header: (string?)null))
            .Concat(InHeaders.Select(h => (a.Method, a.Path, Body: (string?)null, Header: (string?)h)))
            .Append((a.Method, a.Path, a.Method == HttpMethod.Get ? null : $$"""{"userid":"{{Waiting.Buyer}}","sub":"{{Waiting.Buyer}}"}""", null))).ToList();
        var wrong = await Each(tricks, async t =>
        {
            var answer = await town.As("eve", t.Method, t.Path, t.Body, t.Header is null ? [] : [(t.Header, Waiting.Buyer)]);
            return Known(answer) ? $"{t}: {answer.Code} {answer.Body}" : null;
        });

        Assert.Equal("", string.Join('\n', wrong));
        Assert.Equal(before, await town.Everything());
        Assert.True(tricks.Count >= 150, $"{tricks.Count} tricks are too few");
    }

    [Fact]
    public async Task A_token_that_is_no_good_makes_nobody_of_its_bearer()
    {
        using var stranger = RSA.Create(2048);
        var (issuer, user, now) = (town.Issuer, Waiting.Buyer, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var good = issuer.Token(user);
        Func<byte[], byte[]> Shared(byte[] secret) => text => HMACSHA256.HashData(secret, text);
        Action<JsonObject> Alg(string alg) => head => head["alg"] = alg;
        var pem = Encoding.ASCII.GetBytes(issuer.Key.ExportSubjectPublicKeyInfoPem());
        string[] credentials =
        [
            "", "Bearer", "Bearer ", "Bearer null", $"Basic {Convert.ToBase64String(Encoding.ASCII.GetBytes($"{user}:"))}", $"Bearer {good[..^8]}", $"Bearer {good[..(good.LastIndexOf('.') + 1)]}",
            $"Bearer {good[..good.LastIndexOf('.')]}", $"Bearer {good.Replace('.', ' ')}", $"Digest {good}", good,
            $"Bearer {issuer.Token(user, claims => (claims["exp"], claims["nbf"]) = (now - 300, now - 600))}",
            $"Bearer {issuer.Token(user, claims => claims["nbf"] = now + 300)}",
            $"Bearer {issuer.Token(user, claims => claims.Remove("exp"))}",
            $"Bearer {issuer.Token(user, claims => claims["aud"] = "another")}", $"Bearer {issuer.Token(user, claims => claims.Remove("aud"))}",
            $"Bearer {issuer.Token(user, claims => claims["iss"] = "https://elsewhere.example")}", $"Bearer {issuer.Token(user, claims => claims.Remove("iss"))}",
            $"Bearer {issuer.Token(user, claims => claims.Remove("sub"))}", $"Bearer {issuer.Token("")}", $"Bearer {issuer.Token(user, claims => claims["sub"] = new JsonArray("eve", user))}",
            $"Bearer {issuer.Token($"{user}\n")}", $"Bearer {issuer.Token(new string('x', 256))}",
            $"Bearer {issuer.Token(user, sign: text => stranger.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}",
            $"Bearer {issuer.Token(user, header: head => (head["kid"], head["jwk"]) = ("two", PublicKey(stranger)), sign: text => stranger.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}",
            $"Bearer {issuer.Token(user, header: head => (head["kid"], head["jku"]) = ("two", $"{issuer.Address}/keys"), sign: text => stranger.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}",
            .. Unsigned.SelectMany(none => new[] { $"Bearer {issuer.Token(user, header: Alg(none), sign: _ => [])}", $"Bearer {issuer.Token(user, header: Alg(none))}" }),
            .. Symmetric.Select(alg => $"Bearer {issuer.Token(user, header: Alg(alg), sign: Shared(pem))}"),
            $"Bearer {issuer.Token(user, header: Alg("HS256"), sign: Shared(issuer.Key.ExportParameters(false).Modulus!))}",
            $"Bearer {issuer.Token(user, header: Alg("HS256"), sign: Shared(issuer.Key.ExportSubjectPublicKeyInfo()))}",
            $"Bearer {issuer.Token(user, header: Alg("HS256"), sign: Shared(Encoding.UTF8.GetBytes(issuer.PublicKey().ToJsonString())))}",
        ];

        var before = await town.Everything();
        var tricks = credentials.SelectMany(credential => Anns.Select(a => (credential, a.Method, a.Path))).ToList();
        var wrong = await Each(tricks, async t =>
        {
            var answer = await town.Town.Send(t.Method, t.Path, headers: ("Authorization", t.credential));
            return (int)answer.Code != 401 || Known(answer) ? $"{t}: {answer.Code} {answer.Body}" : null;
        });

        Assert.Equal("", string.Join('\n', wrong));
        Assert.Equal(before, await town.Everything());
        Assert.True(tricks.Count >= 300, $"{tricks.Count} tricks are too few");
        Assert.Equal(200, (int)(await town.As(user, HttpMethod.Get, Anns[0].Path)).Code);
    }

    [Theory]
    [InlineData("believe", null, null, "Auth:Mode is 'believe'")]
    [InlineData("oidc", null, "town", "Auth:Authority")]
    [InlineData("oidc", "https://login.example", "", "Auth:Audience")]
    [InlineData("oidc", "https://login.example", "town", "APP_API_TOKEN")]
    public void A_town_that_cannot_know_who_asks_does_not_open(string mode, string? authority, string? audience, string named)
    {
        var builder = Microsoft.AspNetCore.Builder.WebApplication.CreateBuilder();
        (builder.Configuration["Auth:Mode"], builder.Configuration["Auth:Authority"], builder.Configuration["Auth:Audience"]) = (mode, authority, audience);
        var refused = Assert.Throws<InvalidOperationException>(() => Platform.ServiceDefaults.AddServiceDefaults(builder, "stock", "stock", Stocks.StockJson.Default));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    // A list's link to itself says again what was asked for.
    private static bool Known(Answer answer)
    {
        var said = answer.Body?.DeepClone().AsObject();
        said?.Remove("_links");
        return said?.ToJsonString().Contains("-mark", StringComparison.Ordinal) == true;
    }

    private static JsonObject PublicKey(RSA rsa)
    {
        var key = rsa.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "RSA",
            ["alg"] = "RS256",
            ["kid"] = "two",
            ["n"] = System.Buffers.Text.Base64Url.EncodeToString(key.Modulus!),
            ["e"] = System.Buffers.Text.Base64Url.EncodeToString(key.Exponent!),
        };
    }
}
