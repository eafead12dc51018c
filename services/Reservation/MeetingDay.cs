using System.Globalization;

namespace SecondhandTrade.Reservations;

/// <summary>Reads <c>reserveDt</c>: a date means that day in Korea, an instant means itself.</summary>
public static class MeetingDay
{
    private static readonly TimeSpan Korea = TimeSpan.FromHours(9);

    /// <summary>The moment from which the meeting is in the past, or null if the text is neither a date nor an instant.</summary>
    public static DateTimeOffset? End(string? text)
    {
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return day == DateOnly.MaxValue ? DateTimeOffset.MaxValue : new DateTimeOffset(day.AddDays(1).ToDateTime(TimeOnly.MinValue), Korea);
        }

        string[] local = ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss"];
        if (DateTime.TryParseExact(text, local, CultureInfo.InvariantCulture, DateTimeStyles.None, out var moment) && moment.Year > 1)
        {
            return new DateTimeOffset(moment, Korea);
        }

        string[] exact = ["yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ssZ", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFZ"];
        return DateTimeOffset.TryParseExact(text, exact, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant) ? instant : null;
    }
}
