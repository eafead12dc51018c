using Garnet;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Sidecars;

[assembly: AssemblyFixture(typeof(GarnetFixture))]

namespace SecondhandTrade.SystemTests.Sidecars;

/// <summary>One Redis for all tests of the stand-in; each test has app ids, and so keys, of its own.</summary>
public sealed class GarnetFixture : IDisposable
{
    private readonly GarnetServer server;
    private readonly string directory = Directory.CreateTempSubdirectory("garnet").FullName;

    public GarnetFixture()
    {
        Address = $"127.0.0.1:{Ports.Free(1)[0]}";
        server = new GarnetServer(
            ["--bind", "127.0.0.1", "--port", Address.Split(':')[1], "--lua", "--checkpointdir", directory, "--aof", "--aof-commit-freq", "0", "--device-type", "RandomAccess", "--logger-level", "Error"]);
        server.Start();
    }

    /// <summary>host:port.</summary>
    public string Address { get; }

    public void Dispose()
    {
        server.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
