using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace SecondhandTrade.Local;

/// <summary>The host and port of a Redis.</summary>
public sealed record RedisAddress(string Host, int Port)
{
    public bool IsHere => Host is "localhost" or "127.0.0.1";

    public override string ToString() => $"{Host}:{Port}";

    /// <summary>Parses host:port; <paramref name="source"/> names the place of the value in error messages.</summary>
    public static RedisAddress Parse(string text, string source) =>
        text.LastIndexOf(':') is > 0 and var colon
        && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue
            ? new RedisAddress(text[..colon], port)
            : throw new LocalRunnerException($"{source}: '{text}' is not a Redis address; write it as host:port, as in localhost:6379.");

    /// <summary>The redisHost of the one state.redis component among the resources.</summary>
    public static RedisAddress FromComponents(IEnumerable<string> resourcesPaths)
    {
        var hosts = Resources.Load(resourcesPaths, configFile: null).Components.Where(component => component.Type == "state.redis")
            .Select(component => (File: component.Where, Host: component.Metadata.FirstOrDefault(item => item.Name == "redisHost")?.Value)).ToList();
        return hosts switch
        {
            [(var file, { } host)] => Parse(host, file),
            [(var file, null)] => throw new LocalRunnerException($"{file}: the state store has no redisHost with a plain value; write it as host:port."),
            [] => throw new LocalRunnerException($"There is no component of type state.redis in {string.Join(", ", resourcesPaths)}; the local runner needs one."),
            _ => throw new LocalRunnerException($"{string.Join(" and ", hosts.Select(h => h.File))} each contain a state.redis, and the local runner has only one Redis; keep one of them."),
        };
    }

    /// <summary>Sends PING; throws a <see cref="LocalRunnerException"/> with advice when no Redis answers.</summary>
    public async Task PingAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(3));
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(Host, Port, timeout.Token);
            var stream = socket.GetStream();
            await stream.WriteAsync("PING\r\n"u8.ToArray(), timeout.Token);
            var answer = new byte[256];
            var length = await stream.ReadAsync(answer, timeout.Token);
            var said = Encoding.ASCII.GetString(answer, 0, length).Trim();
            if (said != "+PONG")
            {
                throw new LocalRunnerException($"What listens on {this} answers PING with '{said}'; the local runner needs a Redis without a password there.");
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new LocalRunnerException($"No Redis answers on {this} ({(e is OperationCanceledException ? "nothing within 3 s" : e.Message)}); " +
                "start it, correct --redis, or omit --redis to use the one inside the runner.");
        }
    }
}
