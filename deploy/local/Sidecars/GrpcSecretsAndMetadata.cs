using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf.WellKnownTypes;

namespace SecondhandTrade.Local;

/// <summary>Secrets and metadata over gRPC.</summary>
internal static class GrpcSecretsAndMetadata
{
    public static Task<GetSecretResponse> GetSecretAsync(GetSecretRequest request, GrpcCall call)
    {
        var answer = new GetSecretResponse();
        foreach (var (key, value) in HttpApi.SecretStoreOf(call.Sidecar, request.StoreName).Get(request.Key) ?? [])
        {
            answer.Data[key] = value;
        }

        return Task.FromResult(answer);
    }

    public static Task<GetBulkSecretResponse> GetSecretsAsync(GetBulkSecretRequest request, GrpcCall call)
    {
        var answer = new GetBulkSecretResponse();
        foreach (var (name, secret) in HttpApi.SecretStoreOf(call.Sidecar, request.StoreName).All())
        {
            var values = new SecretResponse();
            foreach (var (key, value) in secret)
            {
                values.Secrets[key] = value;
            }

            answer.Data[name] = values;
        }

        return Task.FromResult(answer);
    }

    public static Task<GetMetadataResponse> GetMetadataAsync(GetMetadataRequest request, GrpcCall call)
    {
        var answer = new GetMetadataResponse { Id = call.Sidecar.AppId, RuntimeVersion = MetadataRoutes.Version };
        answer.RegisteredComponents.AddRange(call.Sidecar.Components.All.Select(c => new RegisteredComponents { Name = c.Name, Type = c.Type, Version = "v1" }));
        answer.Subscriptions.AddRange(call.Sidecar.Subscriptions.Select(s => new PubsubSubscription
        {
            PubsubName = s.PubSub,
            Topic = s.Topic,
            DeadLetterTopic = s.DeadLetterTopic ?? "",
            Rules = new PubsubSubscriptionRules { Rules = { MetadataRoutes.RulesOf(s).Select(rule => new PubsubSubscriptionRule { Match = rule.Match, Path = rule.Path }) } },
        }));
        answer.ActorRuntime = new ActorRuntime { RuntimeStatus = ActorRuntime.Types.ActorRuntimeStatus.Running, HostReady = call.Sidecar.IsReady };
        answer.ActorRuntime.ActiveActors.AddRange((call.Sidecar.Actors?.Types ?? []).Select(type => new ActiveActorsCount { Type = type, Count = call.Sidecar.Actors?.Count(type) ?? 0 }));
        foreach (var (key, value) in call.Sidecar.ExtendedMetadata)
        {
            answer.ExtendedMetadata[key] = value;
        }

        return Task.FromResult(answer);
    }

    public static Task<Empty> SetMetadataAsync(SetMetadataRequest request, GrpcCall call)
    {
        call.Sidecar.ExtendedMetadata[request.Key] = request.Value;
        return Task.FromResult(new Empty());
    }
}
