using System.Buffers;
using System.Globalization;

namespace SecondhandTrade.Local;

/// <summary>Durations in Go syntax: 1h2m3s, 200ms, 1.5s; a bare number is milliseconds.</summary>
internal static class GoDuration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private static readonly (string Unit, double Milliseconds)[] Units =
        [("ms", 1), ("us", 0.001), ("µs", 0.001), ("ns", 0.000001), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var rest = text.AsSpan().Trim();
        if (double.TryParse(rest, NumberStyles.Float, CultureInfo.InvariantCulture, out var bare))
        {
            duration = TimeSpan.FromMilliseconds(bare);
            return true;
        }

        var sign = 1;
        if (rest.StartsWith("-"))
        {
            sign = -1;
            rest = rest[1..];
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        var total = 0.0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[digits..];
            var found = false;
            foreach (var (unit, milliseconds) in Units)
            {
                if (rest.StartsWith(unit, StringComparison.Ordinal))
                {
                    total += number * milliseconds;
                    rest = rest[unit.Length..];
                    found = true;
                    break;
                }
            }

            if (!found)
            {
                return false;
            }
        }

        duration = TimeSpan.FromMilliseconds(sign * total);
        return true;
    }

    public static string Write(TimeSpan time)
    {
        if (time < TimeSpan.FromSeconds(1))
        {
            return time == TimeSpan.Zero ? "0s" : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms");
        }

        var seconds = time.TotalSeconds - (Math.Floor(time.TotalMinutes) * 60);
        var minutes = (long)Math.Floor(time.TotalMinutes) % 60;
        var hours = (long)Math.Floor(time.TotalHours);
        return (hours, minutes) switch
        {
            (0, 0) => string.Create(CultureInfo.InvariantCulture, $"{seconds}s"),
            (0, _) => string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds}s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{hours}h{minutes}m{seconds}s"),
        };
    }
}
