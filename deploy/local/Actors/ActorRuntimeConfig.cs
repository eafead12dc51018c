using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>The actor configuration an app returns from GET /dapr/config.</summary>
internal sealed record ActorRuntimeConfig(IReadOnlyList<string> Types, IReadOnlyDictionary<string, (TimeSpan Idle, bool Reentrant)> Settings)
{
    private static readonly TimeSpan DefaultIdle = TimeSpan.FromMinutes(60);

    public static readonly ActorRuntimeConfig None = new([], new Dictionary<string, (TimeSpan, bool)>());

    public static ActorRuntimeConfig Read(byte[] json, string appId)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(json);
        }
        catch (JsonException e)
        {
            throw new LocalRunnerException($"GET /dapr/config of {appId} is not valid JSON: {e.Message}", e);
        }

        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("entities", out var entities) || entities.ValueKind != JsonValueKind.Array)
        {
            return None;
        }

        var common = (Idle: IdleOf(root) ?? DefaultIdle, Reentrant: IsReentrant(root) ?? false);
        var settings = entities.EnumerateArray().ToDictionary(e => e.GetString()!, _ => common);
        if (root.TryGetProperty("entitiesConfig", out var own) && own.ValueKind == JsonValueKind.Array)
        {
            foreach (var config in own.EnumerateArray())
            {
                foreach (var type in config.GetProperty("entities").EnumerateArray().Select(e => e.GetString()!).Where(settings.ContainsKey))
                {
                    settings[type] = (IdleOf(config) ?? common.Idle, IsReentrant(config) ?? common.Reentrant);
                }
            }
        }

        return new ActorRuntimeConfig([.. settings.Keys], settings);
    }

    private static TimeSpan? IdleOf(JsonElement config) =>
        config.TryGetProperty("actorIdleTimeout", out var idle) && idle.GetString() is { Length: > 0 } text && GoDuration.TryParse(text, out var time) ? time : null;

    private static bool? IsReentrant(JsonElement config) =>
        config.TryGetProperty("reentrancy", out var reentrancy) && reentrancy.ValueKind == JsonValueKind.Object && reentrancy.TryGetProperty("enabled", out var enabled)
            ? enabled.ValueKind == JsonValueKind.True
            : null;
}
