using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace SecondhandTrade.Local;

/// <summary>A message as stored by the broker.</summary>
public sealed record BrokerMessage(
    string Topic, int Partition, long Offset, DateTimeOffset Time, string? Key, IReadOnlyDictionary<string, string> Headers, byte[]? Value);

/// <summary>One partition of a topic: an append-only file of JSON lines. Memory holds only the start of each line.</summary>
internal sealed class PartitionLog : IDisposable
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly Lock gate = new();
    private readonly SafeFileHandle file;
    private readonly List<long> starts = [];
    private long length;
    private TaskCompletionSource? appended;

    public PartitionLog(string topic, int number, string path)
    {
        (Topic, Number) = (topic, number);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        Recover();
    }

    public string Topic { get; }

    public int Number { get; }

    /// <summary>The offset the next message will have.</summary>
    public long End
    {
        get
        {
            lock (gate)
            {
                return starts.Count;
            }
        }
    }

    /// <summary>When this returns, the message is written to the operating system: it survives a killed process, but not a power failure.</summary>
    public long Append(string? key, IReadOnlyDictionary<string, string> headers, byte[]? value, DateTimeOffset time)
    {
        TaskCompletionSource? waiting;
        long offset;
        lock (gate)
        {
            offset = starts.Count;
            var line = Write(new BrokerMessage(Topic, Number, offset, time, key, headers, value));
            RandomAccess.Write(file, line.WrittenSpan, length);
            starts.Add(length);
            length += line.WrittenCount;
            (waiting, appended) = (appended, null);
        }

        waiting?.SetResult();
        return offset;
    }

    public BrokerMessage Read(long offset)
    {
        long start;
        int size;
        lock (gate)
        {
            start = starts[(int)offset];
            size = (int)((offset + 1 < starts.Count ? starts[(int)offset + 1] : length) - start);
        }

        var line = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            for (var read = 0; read < size;)
            {
                var more = RandomAccess.Read(file, line.AsSpan(read, size - read), start + read);
                read += more > 0 ? more : throw new InvalidDataException($"{Topic}/{Number} was truncated while it was open");
            }

            using var json = JsonDocument.Parse(line.AsMemory(0, size));
            var root = json.RootElement;
            var value = root.GetProperty("value");
            return new BrokerMessage(
                Topic, Number, offset,
                root.GetProperty("time").GetDateTimeOffset(),
                root.GetProperty("key").GetString(),
                root.GetProperty("headers").EnumerateObject().ToDictionary(h => h.Name, h => h.Value.GetString() ?? ""),
                value.ValueKind switch
                {
                    JsonValueKind.Null => null,
                    JsonValueKind.String => Encoding.UTF8.GetBytes(value.GetString()!),
                    _ => value.GetProperty("base64").GetBytesFromBase64(),
                });
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(line);
        }
    }

    /// <summary>Completes when there is a message at the offset.</summary>
    public Task WaitForAsync(long offset, CancellationToken ct)
    {
        lock (gate)
        {
            if (starts.Count > offset)
            {
                return Task.CompletedTask;
            }

            appended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return appended.Task.WaitAsync(ct);
        }
    }

    public void Dispose() => file.Dispose();

    private static ArrayBufferWriter<byte> Write(BrokerMessage message)
    {
        var line = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(line, Readable))
        {
            writer.WriteStartObject();
            writer.WriteNumber("offset", message.Offset);
            writer.WriteString("time", message.Time);
            writer.WriteString("key", message.Key);
            writer.WriteStartObject("headers");
            foreach (var (name, header) in message.Headers)
            {
                writer.WriteString(name, header);
            }

            writer.WriteEndObject();
            writer.WritePropertyName("value");
            if (message.Value is null)
            {
                writer.WriteNullValue();
            }
            else if (IsText(message.Value))
            {
                writer.WriteStringValue(message.Value);
            }
            else
            {
                writer.WriteStartObject();
                writer.WriteBase64String("base64", message.Value);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        line.GetSpan(1)[0] = (byte)'\n';
        line.Advance(1);
        return line;
    }

    private static bool IsText(byte[] value)
    {
        try
        {
            Strict.GetCharCount(value);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    // A process killed during a write leaves an incomplete last line; it was never acknowledged, so it is removed.
    private void Recover()
    {
        var buffer = new byte[1 << 16];
        long at = 0;
        long start = 0;
        for (int read; (read = RandomAccess.Read(file, buffer, at)) > 0; at += read)
        {
            for (var i = 0; i < read;)
            {
                var end = buffer.AsSpan(i, read - i).IndexOf((byte)'\n');
                if (end < 0)
                {
                    break;
                }

                i += end + 1;
                starts.Add(start);
                start = at + i;
            }
        }

        length = start;
        if (at > start)
        {
            RandomAccess.SetLength(file, start);
        }
    }
}
