using Grpc.Core;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>The state API of one sidecar, shared by HTTP and gRPC.</summary>
internal sealed class StateApi(ComponentSet components, Resiliency resiliency)
{
    public StateStore Store(string name) =>
        components.StateStores.Count == 0
            ? throw new ApiError(500, StatusCode.FailedPrecondition, "ERR_STATE_STORE_NOT_CONFIGURED", "state store is not configured")
            : components.StateStores.GetValueOrDefault(name)
                ?? throw new ApiError(400, StatusCode.InvalidArgument, "ERR_STATE_STORE_NOT_FOUND", $"state store {name} is not found");

    public static string Key(StateStore store, string key) =>
        store.KeyOf(key) ?? throw new ApiError(
            400, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", $"input key/keyPrefix '{key}' can't contain '||'");

    public async Task<(byte[]? Data, string Etag)> GetAsync(StateStore store, string fullKey, Work work, CancellationToken ct)
    {
        try
        {
            return await resiliency.ForStore(store.Name).RunAsync(c => store.GetAsync(fullKey).WaitAsync(c), _ => Policy.Success, true, work, ct);
        }
        catch (Exception e) when (IsInfrastructureFailure(e))
        {
            throw new ApiError(500, StatusCode.Internal, "ERR_STATE_GET", $"fail to get {fullKey} from state store {store.Name}: {e.Message}");
        }
    }

    public async Task ChangeAsync(StateStore store, StateChange change, Work work, CancellationToken ct)
    {
        var (code, verb) = change.Value is null ? ("ERR_STATE_DELETE", "deleting") : ("ERR_STATE_SAVE", "saving");
        StateOutcome outcome;
        string why;
        try
        {
            // An ETag conflict is a final result and is not retried.
            (outcome, why) = await resiliency.ForStore(store.Name).RunAsync(
                c => store.ChangeAsync(change).WaitAsync(c), r => r.Outcome == StateOutcome.Failed ? Policy.NoCode : Policy.Success, true, work, ct);
        }
        catch (Exception e) when (IsInfrastructureFailure(e))
        {
            (outcome, why) = (StateOutcome.Failed, e.Message);
        }

        var message = $"failed {verb} state in state store {store.Name}: {why}";
        switch (outcome)
        {
            case StateOutcome.EtagMismatch:
                throw new ApiError(409, StatusCode.Aborted, code, message);
            case StateOutcome.EtagInvalid:
                throw new ApiError(400, StatusCode.InvalidArgument, code, message);
            case StateOutcome.Failed:
                throw new ApiError(500, StatusCode.Internal, code, message);
            default:
                break;
        }
    }

    public async Task TransactAsync(StateStore store, IReadOnlyList<StateChange> changes, string errorCode, Work work, CancellationToken ct)
    {
        string why;
        try
        {
            (var outcome, why) = await resiliency.ForStore(store.Name).RunAsync(
                c => store.TransactAsync(changes).WaitAsync(c), r => r.Outcome == StateOutcome.Done ? Policy.Success : Policy.NoCode, true, work, ct);
            if (outcome == StateOutcome.Done)
            {
                return;
            }
        }
        catch (Exception e) when (IsInfrastructureFailure(e))
        {
            why = e.Message;
        }

        throw new ApiError(500, StatusCode.Internal, errorCode, $"error while executing state transaction: {why}");
    }

    private static bool IsInfrastructureFailure(Exception e) => e is RedisException or TimeoutException or BreakerException;
}
