using System.Net.Http.Headers;

namespace SecondhandTrade.Local;

/// <summary>Invokes actors for reminders and timers; the calls queue for the actor lock like any other.</summary>
internal sealed class ActorCallbacks(StandInContext shared)
{
    public bool HasHost(string type, string id) => shared.HostOf(type, id) is not null;

    /// <summary>True when the app answered 200, false when it did not, null when no app hosts the actor.</summary>
    public async Task<bool?> CallAsync(string type, string id, string path, byte[] body, Work work, CancellationToken ct)
    {
        try
        {
            while (shared.HostOf(type, id) is { } host)
            {
                if (await host.CallAsync(type, id, path, body, AsJson, null, host.CallbackPolicy(type, id), TraceContext.NewSpan(null), work, ct) is not null)
                {
                    return true;
                }
            }

            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    private static void AsJson(HttpRequestMessage request) => request.Content!.Headers.ContentType = new MediaTypeHeaderValue("application/json");
}
