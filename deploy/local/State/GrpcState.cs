using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using static Dapr.Client.Autogen.Grpc.v1.StateOptions.Types;

namespace SecondhandTrade.Local;

/// <summary>The state API over gRPC, which is the one DaprClient speaks; values are stored byte for byte.</summary>
internal static class GrpcState
{
    public static async Task<GetStateResponse> GetAsync(GetStateRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        var (data, etag) = await call.Sidecar.State.GetAsync(store, StateApi.Key(store, request.Key), call.Work, call.Aborted);
        return data is null ? new GetStateResponse() : new GetStateResponse { Data = UnsafeByteOperations.UnsafeWrap(data), Etag = etag };
    }

    public static async Task<GetBulkStateResponse> GetManyAsync(GetBulkStateRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        var answer = new GetBulkStateResponse();
        answer.Items.AddRange(await Task.WhenAll(request.Keys.Select(async key =>
        {
            var (data, etag) = await call.Sidecar.State.GetAsync(store, StateApi.Key(store, key), call.Work, call.Aborted);
            return data is null ? new BulkStateItem { Key = key } : new BulkStateItem { Key = key, Data = UnsafeByteOperations.UnsafeWrap(data), Etag = etag };
        })));
        return answer;
    }

    public static async Task<Empty> SaveAsync(SaveStateRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        foreach (var change in request.States.Select(s => Change(store, s, delete: false)).ToArray())
        {
            await call.Sidecar.State.ChangeAsync(store, change, call.Work, call.Aborted);
        }

        return new Empty();
    }

    public static async Task<Empty> DeleteAsync(DeleteStateRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        await call.Sidecar.State.ChangeAsync(store, new StateChange(StateApi.Key(store, request.Key), null, request.Etag?.Value), call.Work, call.Aborted);
        return new Empty();
    }

    public static async Task<Empty> DeleteManyAsync(DeleteBulkStateRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        foreach (var change in request.States.Select(s => Change(store, s, delete: true)).ToArray())
        {
            await call.Sidecar.State.ChangeAsync(store, change, call.Work, call.Aborted);
        }

        return new Empty();
    }

    public static async Task<Empty> TransactAsync(ExecuteStateTransactionRequest request, GrpcCall call)
    {
        var store = call.Sidecar.State.Store(request.StoreName);
        var changes = request.Operations.Select(o => Change(store, o.Request, o.OperationType switch
        {
            "upsert" => false,
            "delete" => true,
            var other => throw new ApiError(400, StatusCode.Unimplemented, "ERR_NOT_SUPPORTED_STATE_OPERATION", $"operation type {other} not supported"),
        })).ToArray();
        await call.Sidecar.State.TransactAsync(store, changes, "ERR_STATE_TRANSACTION", call.Work, call.Aborted);
        return new Empty();
    }

    private static StateChange Change(StateStore store, StateItem item, bool delete) => new(
        StateApi.Key(store, item.Key),
        delete ? null : item.Value.ToByteArray(),
        item.Etag?.Value,
        item.Options?.Concurrency == StateConcurrency.ConcurrencyFirstWrite,
        item.Options?.Concurrency == StateConcurrency.ConcurrencyLastWrite,
        item.Metadata.TryGetValue("ttlInSeconds", out var ttl) && ttl.Length > 0 ? StateRoutes.TtlOf(ttl) : null);
}
