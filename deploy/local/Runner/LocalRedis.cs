using System.Globalization;
using System.Net.Sockets;
using Garnet;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>An in-process Redis (Garnet); acknowledged writes survive a killed process.</summary>
public sealed class LocalRedis : IDisposable
{
    // A log of this size is replayed in about 250 ms.
    private const long SnapshotThreshold = 64 << 20;
    private readonly GarnetServer server;

    private LocalRedis(GarnetServer server, string address)
    {
        this.server = server;
        Address = address;
    }

    /// <summary>The address it listens on, as host:port.</summary>
    public string Address { get; }

    /// <summary>Starts it on 127.0.0.1; port 0 = any free port. Without <paramref name="durable"/> nothing is stored on disk, which is faster for tests.</summary>
    public static LocalRedis Start(string directory, int port, bool durable = true)
    {
        port = port == 0 ? Ports.Free(1)[0] : port;
        Directory.CreateDirectory(directory);
        string[] arguments =
        [
            "-q", "--bind", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture),
            // Without transaction mode, two scripts on one key may run concurrently, and a compare-and-set loses writes.
            "--lua", "--lua-transaction-mode",
            // A session that waits for the disk or a lock blocks a thread, and the pool starts with one thread per core:
            // with fewer threads than connections the server stalls.
            "--minthreads", "64",
            "--memory", "1g", "--index", "16m", "--checkpointdir", directory,
        ];
        if (durable)
        {
            // Writes are acknowledged after they are in the append-only file: about 0.4 ms each, and none is lost when the process is killed.
            arguments = [.. arguments,
                "--aof", "--aof-commit-freq", "0", "--aof-commit-wait", "--device-type", "RandomAccess", "--recover",
                // Disk space is released in whole segments.
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

    /// <summary>Takes a snapshot, which truncates the append-only file; otherwise it would only grow.</summary>
    private void SaveSnapshot()
    {
        using var connection = ConnectionMultiplexer.Connect($"{Address},allowAdmin=true");
        try
        {
            connection.GetDatabase().Execute("SAVE");
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // The log is still complete; the next start tries again.
        }
    }

    private static long LogSize(string directory) => new DirectoryInfo(Path.Combine(directory, "AOF")) is { Exists: true } log
        ? log.EnumerateFiles("aof.log.*").Sum(file => file.Length)
        : 0;

    // false: keep the stored data.
    public void Dispose() => server.Dispose(false);
}
