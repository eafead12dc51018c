using System.Net.Http.Headers;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>Service invocation over gRPC, for the older calls of the SDK; HTTP is the preferred way.</summary>
internal static class GrpcInvoke
{
    public static async Task<InvokeResponse> InvokeAsync(InvokeServiceRequest request, GrpcCall call)
    {
        var message = request.Message ?? throw new RpcException(new Status(StatusCode.InvalidArgument, "message is missing"));
        var verb = message.HttpExtension?.Verb is { } asked && asked != HTTPExtension.Types.Verb.None ? asked.ToString().ToUpperInvariant() : "POST";
        var query = message.HttpExtension?.Querystring is { Length: > 0 } text ? "?" + text : "";
        using var response = await call.Sidecar.Invocation.InvokeAsync(
            request.Id, message.Method, query, Make, _ => ValueTask.FromResult(true), call.TraceParent, call.Context.Request.Host.Value ?? "", call.Work, call.Aborted);
        var body = await response.Content.ReadAsByteArrayAsync(call.Aborted);
        if (!response.IsSuccessStatusCode)
        {
            throw new RpcException(new Status(CodeOf((int)response.StatusCode), $"{request.Id} answered {(int)response.StatusCode}"));
        }

        return new InvokeResponse
        {
            Data = new Any { Value = UnsafeByteOperations.UnsafeWrap(body) },
            ContentType = response.Content.Headers.ContentType?.ToString() ?? "",
        };

        HttpRequestMessage Make(Uri uri)
        {
            var made = new HttpRequestMessage(new HttpMethod(verb), uri);
            if (message.Data is { } data)
            {
                made.Content = new ByteArrayContent(data.Value.ToByteArray());
                if (MediaTypeHeaderValue.TryParse(message.ContentType, out var type))
                {
                    made.Content.Headers.ContentType = type;
                }
            }

            return made;
        }
    }

    private static StatusCode CodeOf(int status) => status switch
    {
        400 => StatusCode.InvalidArgument,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.NotFound,
        409 => StatusCode.AlreadyExists,
        429 => StatusCode.ResourceExhausted,
        499 => StatusCode.Cancelled,
        500 => StatusCode.Internal,
        501 => StatusCode.Unimplemented,
        503 => StatusCode.Unavailable,
        504 => StatusCode.DeadlineExceeded,
        _ => StatusCode.Unknown,
    };
}
