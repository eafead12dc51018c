using System.Globalization;
using System.Text.RegularExpressions;

namespace SecondhandTrade.Local;

/// <summary>An interval and the number of repetitions; null = unlimited.</summary>
internal sealed record ActorPeriod(TimeSpan Every, int? Times);

/// <summary>Parses due times, periods and TTLs of reminders and timers as daprd does.</summary>
internal static partial class ScheduleParser
{
    /// <summary>A duration after <paramref name="from"/>, or an absolute time.</summary>
    public static DateTimeOffset ParseTime(string text, DateTimeOffset from) =>
        ParseDuration(text) is { } duration ? from + duration
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var instant) ? instant
        : throw new FormatException($"'{text}' is neither a duration nor an RFC 3339 instant");

    public static ActorPeriod? ParsePeriod(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        int? times = null;
        var rest = text;
        if (Repeated().Match(text) is { Success: true } repeated)
        {
            times = int.Parse(repeated.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            rest = text[repeated.Length..];
        }

        return ParseDuration(rest.StartsWith("@every ", StringComparison.Ordinal) ? rest["@every ".Length..] : rest) is { } every && every > TimeSpan.Zero && times != 0
            ? new ActorPeriod(every, times)
            : throw new FormatException($"unsupported period format: {text}");
    }

    private static TimeSpan? ParseDuration(string text)
    {
        // The Dapr Scheduler rejects years, months, weeks and days, which have no fixed length.
        if (Iso().Match(text) is { Success: true, Length: > 2 } iso)
        {
            return TimeSpan.FromHours(Part(1)) + TimeSpan.FromMinutes(Part(2)) + TimeSpan.FromSeconds(Part(3));

            double Part(int group) => iso.Groups[group].Success ? double.Parse(iso.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : 0;
        }

        // Unlike elsewhere in Dapr, a bare number is not accepted as milliseconds here.
        return text.Length > 0 && char.IsAsciiLetter(text[^1]) && GoDuration.TryParse(text, out var duration) ? duration : null;
    }

    [GeneratedRegex(@"^R(\d+)/")]
    private static partial Regex Repeated();

    [GeneratedRegex(@"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")]
    private static partial Regex Iso();
}
