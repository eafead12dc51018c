using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;

namespace SecondhandTrade.Local;

/// <summary>Publishing over gRPC.</summary>
internal static class GrpcPublish
{
    public static async Task<Empty> PublishAsync(PublishEventRequest request, GrpcCall call)
    {
        await call.Sidecar.Publisher.PublishAsync(
            request.PubsubName, request.Topic, request.Data.ToByteArray(), request.DataContentType, new(request.Metadata), call.TraceParent, call.TraceState, call.Work, call.Gone);
        return new Empty();
    }

    public static async Task<BulkPublishResponse> PublishManyAsync(BulkPublishRequest request, GrpcCall call)
    {
        call.Sidecar.Publisher.Component(request.PubsubName);
        var answer = new BulkPublishResponse();
        foreach (var entry in request.Entries)
        {
            var metadata = new Dictionary<string, string>(request.Metadata);
            foreach (var (name, value) in entry.Metadata)
            {
                metadata[name] = value;
            }

            try
            {
                await call.Sidecar.Publisher.PublishAsync(
                    request.PubsubName, request.Topic, entry.Event.ToByteArray(), entry.ContentType, metadata, call.TraceParent, call.TraceState, call.Work, call.Gone);
            }
            catch (ApiError e) when (e.Status == 500)
            {
                answer.FailedEntries.Add(new BulkPublishResponseFailedEntry { EntryId = entry.EntryId, Error = e.Message });
            }
        }

        return answer;
    }
}
