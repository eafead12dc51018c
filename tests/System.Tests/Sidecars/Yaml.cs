namespace SecondhandTrade.SystemTests.Sidecars;

/// <summary>Resources the tests are run on.</summary>
internal static class Yaml
{
    public const string StateStore = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: statestore
        spec:
          type: state.redis
          version: v1
          metadata:
            - name: redisHost
              value: localhost:6379
            - name: actorStateStore
              value: "true"
        """;

    public static string PubSub(string more = "") => $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: pubsub
        spec:
          type: pubsub.kafka
          version: v1
          metadata:
            - name: brokers
              value: localhost:9092
            - name: authType
              value: none
            - name: initialOffset
              value: oldest
        {more}
        """;
}
