using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;

namespace SecondhandTrade.Web;

/// <summary>What a sign-in server gave for a refresh token; without tokens it either refused or could not be asked.</summary>
public sealed record Renewal(JsonElement? Tokens, bool IsRefused);

/// <summary>
/// Refreshes tokens. The requests of one page find the same token expired at the same time, and a refresh token may be valid only once: the first
/// request refreshes for all of them.
/// </summary>
public sealed partial class TokenRefresher(IOptionsMonitor<OpenIdConnectOptions> providers, TimeProvider clock, ILogger<TokenRefresher> log)
{
    // Longer than the old cookie can still be on its way.
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Lazy<Task<Renewal>>> asked = new();

    public Task<Renewal> Of(string? refreshToken) => refreshToken is { Length: > 0 }
        ? asked.GetOrAdd(refreshToken, token => new(() => Ask(token))).Value
        : Task.FromResult(new Renewal(null, IsRefused: true));

    private async Task<Renewal> Ask(string refreshToken)
    {
        var renewal = new Renewal(null, IsRefused: false);
        try
        {
            // Not cancelled with the request: others wait for the same refresh.
            var provider = providers.Get(OpenIdConnectDefaults.AuthenticationScheme);
            var known = await provider.ConfigurationManager!.GetConfigurationAsync(CancellationToken.None);
            using var form = new FormUrlEncodedContent(new Dictionary<string, string?>
            {
                ["grant_type"] = "refresh_token",
                ["refresh_token"] = refreshToken,
                ["client_id"] = provider.ClientId,
                ["client_secret"] = provider.ClientSecret,
            }.Where(field => field.Value is { Length: > 0 }));
            using var answer = await provider.Backchannel.PostAsync(new Uri(known.TokenEndpoint), form);
            renewal = answer.IsSuccessStatusCode
                ? new(JsonElement.Parse(await answer.Content.ReadAsByteArrayAsync()), IsRefused: false)
                : new(null, IsRefused: (int)answer.StatusCode < StatusCodes.Status500InternalServerError);
        }
        catch (Exception broken) when (broken is HttpRequestException or TaskCanceledException or InvalidOperationException or JsonException)
        {
            LogBroken(broken.Message);
        }

        // A failure is not kept: the next request tries again.
        _ = Task.Delay(renewal is { Tokens: null, IsRefused: false } ? TimeSpan.Zero : Kept, clock).ContinueWith(late => asked.TryRemove(refreshToken, out _), TaskScheduler.Default);
        return renewal;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sign-in server gave no answer, so that a visitor goes on with an old token: {Why}")]
    private partial void LogBroken(string why);
}
