using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;

namespace SecondhandTrade.Local;

/// <summary>Output bindings over HTTP and gRPC.</summary>
internal static class BindingRoutes
{
    public static async Task HandleAsync(ApiCall call)
    {
        if (call.Verb is not ("POST" or "PUT"))
        {
            call.Answer(405);
            return;
        }

        var body = await call.JsonAsync();
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw ApiError.Malformed("an object with data, metadata and operation is expected");
        }

        var data = body.TryGetProperty("data", out var value) ? GoJson.WriteLossy(value) : "null"u8.ToArray();
        var metadata = body.TryGetProperty("metadata", out var map) && map.ValueKind == JsonValueKind.Object
            ? map.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString())
            : [];
        var operation = body.TryGetProperty("operation", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
        var name = call.Segment(2);
        var answer = await InvokeAsync(call.Sidecar, name, operation, data, metadata, call.Work, call.Aborted);
        foreach (var (key, told) in answer.Metadata)
        {
            call.Context.Response.Headers["metadata." + key] = told;
        }

        if (answer.Error is { } why)
        {
            await ApiCall.FailAsync(call.Context, HttpBinding.Failed(name, why), keepHeaders: true);
            return;
        }

        await call.AnswerAsync(answer.Data, "application/json");
    }

    public static async Task<InvokeBindingResponse> InvokeAsync(InvokeBindingRequest request, GrpcCall call)
    {
        var answer = await InvokeAsync(call.Sidecar, request.Name, request.Operation, request.Data.ToByteArray(), request.Metadata.ToDictionary(), call.Work, call.Aborted);
        if (answer.Error is { } why)
        {
            throw HttpBinding.Failed(request.Name, why);
        }

        var response = new InvokeBindingResponse { Data = UnsafeByteOperations.UnsafeWrap(answer.Data) };
        response.Metadata.Add(answer.Metadata);
        return response;
    }

    private static async Task<BindingAnswer> InvokeAsync(Sidecar sidecar, string name, string operation, byte[] data, Dictionary<string, string> metadata, Work work, CancellationToken ct)
    {
        if (!sidecar.Components.Outputs.TryGetValue(name, out var binding))
        {
            throw HttpBinding.Failed(name, $"couldn't find output binding {name}");
        }

        try
        {
            return await sidecar.Resiliency.ForBinding(name).RunAsync(
                c => binding.InvokeAsync(operation, data, metadata, c), a => a.Error is null ? Policy.Success : Policy.NoCode, true, work, ct);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or BreakerException or IOException)
        {
            throw HttpBinding.Failed(name, e.Message);
        }
    }
}
