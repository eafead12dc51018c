using System.Text;
using System.Text.Json;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>A directory with a run file, components and places for apps, gone when disposed.</summary>
public sealed class SmallTown : IDisposable
{
    private readonly StringBuilder apps = new();

    public SmallTown()
    {
        Directory.CreateDirectory(At("components"));
        File.WriteAllText(At("components/statestore.yaml"), $"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: statestore
            spec:
              type: state.redis
              version: v1
              metadata:
                - name: redisHost
                  value: localhost:{RedisPort}
                - name: actorStateStore
                  value: "true"
            """);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("town-").FullName;

    public int RedisPort { get; } = Ports.Free(1)[0];

    public string At(string path) => Path.Combine(Root, path);

    /// <summary>Adds an app and writes the run file anew.</summary>
    public SmallTown With(string id, int port, params string[] command)
    {
        Directory.CreateDirectory(At(id));
        apps.AppendLine($"""
              - appID: {id}
                appDirPath: ./{id}
                appPort: {port}
                command: {JsonSerializer.Serialize(command)}
            """);
        File.WriteAllText(At("dapr.yaml"), $"""
            version: 1
            common:
              resourcesPaths: [./components]
              env:
                REDIS: localhost:{RedisPort}
            apps:
            {apps}
            """);
        return this;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
