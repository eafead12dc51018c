using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>Writes JSON as daprd does after decoding it into Go maps: keys sorted, the last of duplicate keys kept.</summary>
internal static class GoJson
{
    private const double LossyUpTo = 0x4ffffff;

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Numbers as float64 with at most six decimal places, as in daprd's actor state and HTTP state API; integers beyond 2^53 change.
    /// Emulated on purpose, so that this loss of precision is visible before the app runs on a real daprd.
    /// </summary>
    public static byte[] WriteLossy(JsonElement element) => Write(element, Number);

    /// <summary>Numbers as float64 with all digits, as daprd reads the events of a bulk publish over HTTP; only integers beyond 2^53 change.</summary>
    public static byte[] WriteFloats(JsonElement element) => Write(element, Shortest);

    /// <summary>Numbers unchanged; &lt;, &gt; and &amp; escaped as by Go's encoder, as in daprd's event envelopes.</summary>
    public static byte[] WriteEscaped(IEnumerable<KeyValuePair<string, object?>> fields)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields.OrderBy(f => f.Key, StringComparer.Ordinal))
            {
                writer.WritePropertyName(name);
                if (value is JsonElement element)
                {
                    Write(writer, element, null);
                }
                else
                {
                    writer.WriteStringValue((string?)value);
                }
            }

            writer.WriteEndObject();
        }

        return Escape(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static byte[] Escape(ReadOnlySpan<byte> json)
    {
        if (json.IndexOfAny("<>&"u8) < 0)
        {
            return json.ToArray();
        }

        // These characters occur in JSON only inside strings, so a plain replace is safe.
        var text = new StringBuilder(Encoding.UTF8.GetString(json));
        return Encoding.UTF8.GetBytes(text.Replace("<", "\\u003c").Replace(">", "\\u003e").Replace("&", "\\u0026").ToString());
    }

    /// <summary>Like <see cref="WriteEscaped"/> for a Go struct: fields in the given order, JSON values unchanged, null fields omitted.</summary>
    public static byte[] WriteEscapedInOrder(IEnumerable<(string Name, object? Value)> fields)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields.Where(f => f.Value is not null))
            {
                writer.WritePropertyName(name);
                if (value is JsonElement element)
                {
                    writer.WriteRawValue(element.GetRawText());
                }
                else
                {
                    writer.WriteStringValue((string?)value);
                }
            }

            writer.WriteEndObject();
        }

        return Escape(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static byte[] Write(JsonElement element, Func<double, string> number)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            Write(writer, element, number);
        }

        return buffer.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element, Func<double, string>? number)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in element.EnumerateObject().GroupBy(p => p.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(property.Key);
                    Write(writer, property.Last().Value, number);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(writer, item, number);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.Number when number is not null:
                writer.WriteRawValue(number(element.GetDouble()));
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    public static string Number(double value)
    {
        var size = Math.Abs(value);
        var sign = value < 0 ? "-" : "";
        if (size > LossyUpTo)
        {
            return Shortest(value);
        }

        var millionths = (ulong)((size * 1_000_000) + 0.5);
        var whole = (millionths / 1_000_000).ToString(CultureInfo.InvariantCulture);
        var fraction = (millionths % 1_000_000).ToString("D6", CultureInfo.InvariantCulture).TrimEnd('0');
        return fraction.Length == 0 ? sign + whole : $"{sign}{whole}.{fraction}";
    }

    private static string Shortest(double value)
    {
        var size = Math.Abs(value);
        return (value < 0 ? "-" : "") + (size is >= 1e21 or < 1e-4 ? Exponent(size) : Digits(size));
    }

    private static string Exponent(double size) =>
        size.ToString("R", CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal);

    private static string Digits(double size)
    {
        var text = size.ToString("R", CultureInfo.InvariantCulture);
        var e = text.IndexOf('E', StringComparison.Ordinal);
        if (e < 0)
        {
            return text;
        }

        var exponent = int.Parse(text.AsSpan(e + 2), CultureInfo.InvariantCulture);
        var digits = new StringBuilder(text[..e].Replace(".", "", StringComparison.Ordinal));
        return digits.Append('0', Math.Max(0, exponent + 1 - digits.Length)).ToString();
    }
}
