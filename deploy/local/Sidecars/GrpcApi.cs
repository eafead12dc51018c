using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The gRPC API of every sidecar: maps each method to its handler.</summary>
internal sealed class GrpcApi
{
    private const string Service = "dapr.proto.runtime.v1.Dapr";

    public static void Add(IServiceCollection services, int maxBody)
    {
        services.AddGrpc(o =>
        {
            o.MaxReceiveMessageSize = maxBody;
            o.MaxSendMessageSize = null;
            // Unknown methods are answered by the fallback below, which names them.
            o.IgnoreUnknownServices = true;
        });
        services.AddSingleton<GrpcApi>();
        services.AddSingleton<IServiceMethodProvider<GrpcApi>, Methods>();
    }

    public static void Map(WebApplication app)
    {
        app.MapGrpcService<GrpcApi>();
        app.MapFallback((HttpContext context) =>
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "12";
            context.Response.Headers["grpc-message"] = $"{context.Request.Path.Value?.TrimStart('/')} is not part of the local stand-in for Dapr; use a real daprd for it.";
        });
    }

    // Dapr.Protos contains messages and a client only; this is the missing server side.
    private sealed class Methods(StandInContext shared) : IServiceMethodProvider<GrpcApi>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<GrpcApi> context)
        {
            Unary<GetStateRequest, GetStateResponse>("GetState", GrpcState.GetAsync);
            Unary<GetBulkStateRequest, GetBulkStateResponse>("GetBulkState", GrpcState.GetManyAsync);
            Unary<SaveStateRequest, Empty>("SaveState", GrpcState.SaveAsync);
            Unary<DeleteStateRequest, Empty>("DeleteState", GrpcState.DeleteAsync);
            Unary<DeleteBulkStateRequest, Empty>("DeleteBulkState", GrpcState.DeleteManyAsync);
            Unary<ExecuteStateTransactionRequest, Empty>("ExecuteStateTransaction", GrpcState.TransactAsync);
            Unary<PublishEventRequest, Empty>("PublishEvent", GrpcPublish.PublishAsync);
            Unary<BulkPublishRequest, BulkPublishResponse>("BulkPublishEvent", GrpcPublish.PublishManyAsync);
            Unary<BulkPublishRequest, BulkPublishResponse>("BulkPublishEventAlpha1", GrpcPublish.PublishManyAsync);
            Unary<InvokeServiceRequest, InvokeResponse>("InvokeService", GrpcInvoke.InvokeAsync);
            Unary<InvokeBindingRequest, InvokeBindingResponse>("InvokeBinding", BindingRoutes.InvokeAsync);
            Unary<GetSecretRequest, GetSecretResponse>("GetSecret", GrpcSecretsAndMetadata.GetSecretAsync);
            Unary<GetBulkSecretRequest, GetBulkSecretResponse>("GetBulkSecret", GrpcSecretsAndMetadata.GetSecretsAsync);
            Unary<GetMetadataRequest, GetMetadataResponse>("GetMetadata", GrpcSecretsAndMetadata.GetMetadataAsync);
            Unary<SetMetadataRequest, Empty>("SetMetadata", GrpcSecretsAndMetadata.SetMetadataAsync);

            void Unary<TRequest, TResponse>(string name, Func<TRequest, GrpcCall, Task<TResponse>> handle)
                where TRequest : class, IMessage<TRequest>, new()
                where TResponse : class, IMessage<TResponse>, new() =>
                context.AddUnaryMethod(
                    new Method<TRequest, TResponse>(MethodType.Unary, Service, name, Marshaller<TRequest>(), Marshaller<TResponse>()),
                    [],
                    (_, request, call) => AnswerAsync(request, call, handle));
        }

        private async Task<TResponse> AnswerAsync<TRequest, TResponse>(TRequest request, ServerCallContext call, Func<TRequest, GrpcCall, Task<TResponse>> handle)
        {
            var context = call.GetHttpContext();
            var sidecar = (Sidecar)context.Items[typeof(Sidecar)]!;
            if (sidecar.Options.ApiToken is { } token && context.Request.Headers["dapr-api-token"] != token)
            {
                throw new RpcException(new Status(StatusCode.Unauthenticated, "invalid or missing dapr-api-token"));
            }

            var traceParent = TraceContext.NewSpan(context.Request.Headers.TraceParent);
            using var work = shared.WorkTracker.Begin(traceParent);
            try
            {
                return await handle(request, new GrpcCall(sidecar, context, work, traceParent));
            }
            catch (ApiError e)
            {
                throw new RpcException(new Status(e.Grpc, e.Message));
            }
        }

        private static Marshaller<T> Marshaller<T>() where T : class, IMessage<T>, new()
        {
            var parser = new MessageParser<T>(() => new T());
            return new Marshaller<T>(
                (message, context) =>
                {
                    context.SetPayloadLength(message.CalculateSize());
                    message.WriteTo(context.GetBufferWriter());
                    context.Complete();
                },
                context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
        }
    }
}

/// <summary>One gRPC call to a sidecar.</summary>
internal sealed record GrpcCall(Sidecar Sidecar, HttpContext Context, Work Work, string TraceParent)
{
    public CancellationToken Aborted => Context.RequestAborted;

    public string TraceState => Context.Request.Headers[TraceContext.State].ToString();
}
