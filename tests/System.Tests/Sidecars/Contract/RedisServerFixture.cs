using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Sidecars.Contract;
using StackExchange.Redis;

[assembly: AssemblyFixture(typeof(RedisServerFixture))]
[assembly: AssemblyFixture(typeof(DaprdTarget))]

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>A redis-server from the PATH, where there is one, on a free loopback port, keeping nothing.</summary>
public sealed class RedisServerFixture : IAsyncLifetime
{
    private ToolProcess? server;

    public StandInTarget Target { get; private set; } = new(null, "there is no redis-server on the PATH");

    public async ValueTask InitializeAsync()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(d => Path.Combine(d, "redis-server")).FirstOrDefault(File.Exists);
        if (path is null)
        {
            return;
        }

        var port = Ports.Free(1)[0];
        server = ToolProcess.Start(path, ["--bind", "127.0.0.1", "--port", $"{port}", "--save", "", "--appendonly", "no", "--dir", Path.GetTempPath()]);
        await ToolProcess.UntilAsync(async () =>
        {
            try
            {
                await using var redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{port},connectTimeout=1000,connectRetry=0");
                return true;
            }
            catch (RedisConnectionException)
            {
                return false;
            }
        });
        Target = new StandInTarget($"127.0.0.1:{port}");
    }

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
