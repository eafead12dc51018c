using System.Globalization;
using System.Net.Sockets;
using Garnet;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>A Redis inside this process that keeps what it acknowledged, even when the process is killed.</summary>
public sealed class LocalRedis : IDisposable
{
    // Read back in about a quarter of a second.
    private const long SnapshotThreshold = 64 << 20;
    private readonly GarnetServer server;

    private LocalRedis(GarnetServer server, string address)
    {
        this.server = server;
        Address = address;
    }

    /// <summary>Where it listens, as host:port.</summary>
    public string Address { get; }

    /// <summary>Starts it on 127.0.0.1; port 0 takes a free one, and without <paramref name="durable"/> it keeps nothing, for tests in a hurry.</summary>
    public static LocalRedis Start(string directory, int port, bool durable = true)
    {
        port = port == 0 ? Ports.Free(1)[0] : port;
        Directory.CreateDirectory(directory);
        string[] arguments =
        [
            "-q", "--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture),
            // Two scripts on one key run at the same time unless told to lock it, and then a compare-and-set loses writes.
            "--lua", "--lua-transaction-mode",
            // Sessions that wait for the disk or for a lock block a thread each, and the pool starts with one per core:
            // fewer threads than connections, and everything stands still.
            "--minthreads", "64",
            "--memory", "1g", "--index", "16m", "--checkpointdir", directory,
        ];
        if (durable)
        {
            // Nothing is acknowledged before the log has it: 0.4 ms for each write, and a killed process loses none.
            arguments = [.. arguments,
                "--aof", "--aof-commit-freq", "0", "--aof-commit-wait", "--device-type", "RandomAccess", "--recover",
                // The log is given back to the disk by whole segments.
                "--aof-segment-size", "64m"];
        }

        var server = new GarnetServer(arguments, NullLoggerFactory.Instance);
        try
        {
            server.Start();
        }
        catch (SocketException e)
        {
            server.Dispose(false);
            throw new LocalRunnerException($"Redis cannot listen on 127.0.0.1:{port}: {e.Message}.");
        }

        var started = new LocalRedis(server, $"127.0.0.1:{port}");
        if (durable && LogSize(directory) > SnapshotThreshold)
        {
            started.SaveSnapshot();
        }

        return started;
    }

    /// <summary>Keeps the present state in place of the log of how it came about, which would only grow.</summary>
    private void SaveSnapshot()
    {
        using var connection = ConnectionMultiplexer.Connect($"{Address},allowAdmin=true");
        try
        {
            connection.GetDatabase().Execute("SAVE");
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // The log still has everything; the next start tries again.
        }
    }

    private static long LogSize(string directory) => new DirectoryInfo(Path.Combine(directory, "AOF")) is { Exists: true } log
        ? log.EnumerateFiles("aof.log.*").Sum(file => file.Length)
        : 0;

    // The other Dispose would be free to take the stored data with it.
    public void Dispose() => server.Dispose(false);
}
