using System.Net;
using System.Text.Json;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The actors building block of one sidecar, except reminders and timers.</summary>
internal sealed class ActorApi(StandInContext shared, Sidecar sidecar)
{
    private static readonly TimeSpan HostLookupInterval = TimeSpan.FromSeconds(1);

    private const int HostLookupAttempts = 5;

    public async Task<ActorReply> CallAsync(
        string type, string id, string path, byte[] body, Action<HttpRequestMessage> headers, string? reentrancyId, string traceParent, Work work, CancellationToken ct)
    {
        var policy = sidecar.Resiliency.ForActor(type, id);
        // The timeout starts with the turn; waiting in the queue does not count.
        var aroundQueue = policy.Timeout > TimeSpan.Zero ? policy with { Timeout = TimeSpan.Zero } : policy;
        try
        {
            for (var attempt = 0; shared.HostOf(type, id) is null && attempt < HostLookupAttempts && !sidecar.Resiliency.IsActorNamed(type); attempt++)
            {
                await work.WaitAsync(HostLookupInterval, shared.Clock, ct);
            }

            return await aroundQueue.RunAsync(
                async c =>
                {
                    while (true)
                    {
                        var host = shared.HostOf(type, id) ?? throw NoAddress(type, id);
                        try
                        {
                            if (await host.CallAsync(type, id, path, body, headers, reentrancyId, policy, traceParent, work, c) is { } reply)
                            {
                                return reply;
                            }
                        }
                        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound && host == sidecar.Actors && sidecar.Resiliency.IsActorNamed(type))
                        {
                            // As in daprd, only a named policy, and only on the host itself, does not retry a method that the app does not have.
                            throw new PermanentException(e.Message);
                        }
                    }
                },
                r => r.IsFailure ? Policy.NoCode : Policy.Success, true, work, ct);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or BreakerException or PermanentException or IOException && !ct.IsCancellationRequested)
        {
            throw ApiError.Actor(e.Message);
        }
    }

    public async Task<byte[]?> GetStateAsync(string type, string id, string key, Work work, CancellationToken ct)
    {
        var store = Store();
        var (data, _) = await sidecar.State.GetAsync(store, StateStore.ActorKey(sidecar.AppId, type, id, key), work, ct);
        return data;
    }

    public async Task ChangeStateAsync(string type, string id, byte[] body, Work work, CancellationToken ct)
    {
        var store = Store();
        var changes = new List<StateChange>();
        try
        {
            foreach (var operation in JsonElement.Parse(body).EnumerateArray())
            {
                var request = operation.GetProperty("request");
                var key = StateStore.ActorKey(sidecar.AppId, type, id, request.GetProperty("key").GetString()!);
                changes.Add(operation.GetProperty("operation").GetString() switch
                {
                    "upsert" => new StateChange(key, request.TryGetProperty("value", out var value) ? GoJson.WriteLossy(value) : "null"u8.ToArray(), Ttl: TtlOf(request)),
                    "delete" => new StateChange(key, null),
                    var other => throw new JsonException($"operation {other} is not supported"),
                });
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw ApiError.Malformed(e.Message);
        }

        if (sidecar.Actors?.IsActive(type, id) != true)
        {
            throw new ApiError(400, StatusCode.FailedPrecondition, "ERR_ACTOR_INSTANCE_MISSING", "actor instance is missing");
        }

        await sidecar.State.TransactAsync(store, changes, "ERR_ACTOR_STATE_TRANSACTION_SAVE", work, ct);
    }

    private int? TtlOf(JsonElement request)
    {
        if (!request.TryGetProperty("metadata", out var metadata) || metadata.ValueKind != JsonValueKind.Object || !metadata.TryGetProperty("ttlInSeconds", out var ttl))
        {
            return null;
        }

        if (!shared.Resources.Features.Contains("ActorStateTTL"))
        {
            throw new ApiError(500, StatusCode.Internal, "ERR_ACTOR_STATE_TRANSACTION_SAVE", "ttlInSeconds is not supported without the \"ActorStateTTL\" feature enabled");
        }

        return int.TryParse(ttl.ToString(), out var seconds) ? seconds : throw ApiError.Malformed($"ttlInSeconds '{ttl}' is not a whole number");
    }

    private StateStore Store() =>
        sidecar.Components.ActorStore
            ?? throw new ApiError(500, StatusCode.FailedPrecondition, "ERR_ACTOR_RUNTIME_NOT_FOUND", "no state store has actorStateStore set to \"true\"");

    private static ApiError NoAddress(string type, string id) =>
        new(404, StatusCode.NotFound, "ERR_ACTOR_NO_ADDRESS", $"error getting address for actor {type}/{id}: did not find address for actor");
}
