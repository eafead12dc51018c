using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>An error response of the sidecar itself, with its HTTP status, gRPC status and Dapr error code.</summary>
internal sealed class ApiError(int status, StatusCode grpc, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public StatusCode Grpc { get; } = grpc;

    public string Code { get; } = code;

    public static ApiError Invoke(string appId, string why) =>
        new(500, StatusCode.Internal, "ERR_DIRECT_INVOKE", $"failed to invoke, id: {appId}, err: {why}");

    public static ApiError NoAppId() =>
        new(404, StatusCode.NotFound, "ERR_DIRECT_INVOKE", "failed getting app id either from the URL path or the header dapr-app-id");

    public static ApiError Actor(string why) =>
        new(500, StatusCode.Internal, "ERR_ACTOR_INVOKE_METHOD", $"error invoke actor method: {why}");

    public static ApiError Malformed(string why) =>
        new(400, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", $"failed deserializing HTTP body: {why}");

    public static ApiError BadRequest(string why) => new(400, StatusCode.InvalidArgument, "ERR_BAD_REQUEST", $"invalid request: {why}");

    public static ApiError Unsupported(string what) =>
        new(501, StatusCode.Unimplemented, "ERR_NOT_SUPPORTED_LOCALLY", $"{what} is not part of the local stand-in for Dapr; use a real daprd for it.");
}
