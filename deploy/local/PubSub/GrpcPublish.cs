using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>Publishing over gRPC.</summary>
internal static class GrpcPublish
{
    public static async Task<Empty> PublishAsync(PublishEventRequest request, GrpcCall call)
    {
        await call.Sidecar.Publisher.PublishAsync(
            request.PubsubName, request.Topic, request.Data.ToByteArray(), request.DataContentType, new(request.Metadata), call.TraceParent, call.TraceState, call.Work, call.Aborted);
        return new Empty();
    }

    public static async Task<BulkPublishResponse> PublishManyAsync(BulkPublishRequest request, GrpcCall call)
    {
        var failed = await call.Sidecar.Publisher.PublishManyAsync(
            request.PubsubName, request.Topic, [.. request.Entries.Select(e => new BulkEntry(e.EntryId, e.Event.ToByteArray(), e.ContentType, e.Metadata.Count == 0 ? null : e.Metadata.AsReadOnly()))],
            new(request.Metadata), call.TraceParent, call.TraceState, call.Work, call.Aborted);
        // Like daprd, which returns an error instead of failed_entries when any entry fails.
        return failed.Count == 0
            ? new BulkPublishResponse()
            : throw new ApiError(500, StatusCode.Internal, "ERR_PUBSUB_PUBLISH_MESSAGE", $"error when publishing to topic {request.Topic} in pubsub {request.PubsubName}: {failed.Values.First()}");
    }
}
