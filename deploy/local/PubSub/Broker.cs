using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace SecondhandTrade.Local;

/// <summary>Stands in for Kafka: topics with ordered partitions on disk. Acknowledged messages survive a killed process.</summary>
public sealed class Broker : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<PartitionLog[]>> topics = new();
    private readonly string directory;
    private readonly int partitions;
    private readonly TimeProvider clock;

    internal Broker(string dataDirectory, int partitions, TimeProvider clock)
    {
        directory = Path.Combine(dataDirectory, "topics");
        Directory.CreateDirectory(directory);
        this.partitions = partitions;
        this.clock = clock;
    }

    /// <summary>The names of all topics.</summary>
    public IReadOnlyList<string> Topics =>
        [.. Directory.EnumerateDirectories(directory).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>All messages of a topic so far, partition by partition, each in order.</summary>
    public IEnumerable<BrokerMessage> Read(string topic)
    {
        foreach (var log in Directory.Exists(Path.Combine(directory, topic)) ? Logs(topic) : [])
        {
            for (long offset = 0, end = log.End; offset < end; offset++)
            {
                yield return log.Read(offset);
            }
        }
    }

    /// <summary>Appends a message and returns its partition and offset; <c>partitionKey</c> or <c>__key</c> is its key, other metadata become headers.</summary>
    public (int Partition, long Offset) Append(string topic, byte[]? value, IReadOnlyDictionary<string, string> metadata)
    {
        var logs = Logs(topic);
        var key = metadata.GetValueOrDefault("partitionKey") ?? metadata.GetValueOrDefault("__key");
        var partition = metadata.TryGetValue("partitionNumber", out var wanted)
            ? int.TryParse(wanted, out var number) && number >= 0 && number < logs.Length
                ? number
                : throw new ArgumentException($"{topic} has partitions 0 to {logs.Length - 1}; {wanted} does not exist.")
            : key is null ? RandomNumberGenerator.GetInt32(logs.Length) : PartitionOf(key, logs.Length);
        var headers = metadata.Where(m => m.Key is not ("partitionKey" or "__key" or "partitionNumber")).ToDictionary(m => m.Key, m => m.Value);
        return (partition, logs[partition].Append(key, headers, value, clock.GetUtcNow()));
    }

    public void Dispose()
    {
        foreach (var log in topics.Values.Where(t => t.IsValueCreated).SelectMany(t => t.Value))
        {
            log.Dispose();
        }
    }

    internal PartitionLog[] Logs(string topic) => topics.GetOrAdd(topic, name => new Lazy<PartitionLog[]>(() => Open(name))).Value;

    /// <summary>FNV-1a as in sarama, the client daprd uses; librdkafka would choose another partition for the same key.</summary>
    internal static int PartitionOf(string key, int count)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes(key))
        {
            hash = (hash ^ b) * 16777619u;
        }

        return Math.Abs((int)hash % count);
    }

    private PartitionLog[] Open(string topic)
    {
        if (topic.Length is 0 or > 249 || topic is "." or ".." || topic.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')))
        {
            throw new ArgumentException($"'{topic}' is not a valid topic name: use 1 to 249 letters, digits, '.', '_' and '-'.");
        }

        var home = Path.Combine(directory, topic);
        Directory.CreateDirectory(home);
        var there = Directory.GetFiles(home, "*.jsonl").Length;
        return [.. Enumerable.Range(0, there == 0 ? partitions : there).Select(p => new PartitionLog(topic, p, Path.Combine(home, $"{p}.jsonl")))];
    }
}
