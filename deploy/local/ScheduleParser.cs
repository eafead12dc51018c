using System.Globalization;
using System.Text.RegularExpressions;

namespace SecondhandTrade.Local;

/// <summary>How often something comes round, and how many times in all; null = for ever.</summary>
internal sealed record ActorPeriod(TimeSpan Every, int? Times);

/// <summary>Reads due times, periods and times to live as daprd reads them in reminders and timers.</summary>
internal static partial class ScheduleParser
{
    /// <summary>A duration from <paramref name="from"/> on, or an instant.</summary>
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
        // Years, months, weeks and days have no fixed length for the Scheduler, which refuses them.
        if (Iso().Match(text) is { Success: true, Length: > 2 } iso)
        {
            return TimeSpan.FromHours(Part(1)) + TimeSpan.FromMinutes(Part(2)) + TimeSpan.FromSeconds(Part(3));

            double Part(int group) => iso.Groups[group].Success ? double.Parse(iso.Groups[group].ValueSpan, CultureInfo.InvariantCulture) : 0;
        }

        // A bare number is milliseconds elsewhere, but not here.
        return text.Length > 0 && char.IsAsciiLetter(text[^1]) && GoDuration.TryParse(text, out var duration) ? duration : null;
    }

    [GeneratedRegex(@"^R(\d+)/")]
    private static partial Regex Repeated();

    [GeneratedRegex(@"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?$")]
    private static partial Regex Iso();
}
