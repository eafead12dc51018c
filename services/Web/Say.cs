using System.Globalization;
using Microsoft.Extensions.Localization;

namespace SecondhandTrade.Web;

/// <summary>The pages' words: Korean is what stands in the pages, <c>Words.en.resx</c> has the English; codes have both in files.</summary>
public sealed class Words;

/// <summary>Money, time and problems, as people in the town say them.</summary>
public static class Say
{
    private static readonly TimeSpan Korea = TimeSpan.FromHours(9);

    public static bool English => CultureInfo.CurrentUICulture.Name == "en";

    public static string Won(long? won) => won is not { } amount ? English ? "Price on request" : "가격 문의" : English ? $"₩{amount:N0}" : $"{amount:N0}원";

    /// <summary>A time of day in Korea.</summary>
    public static string Moment(DateTimeOffset at) => English
        ? at.ToOffset(Korea).ToString("d MMM HH':'mm", CultureInfo.InvariantCulture)
        : at.ToOffset(Korea).ToString("M'월 'd'일 'HH':'mm", CultureInfo.InvariantCulture);

    /// <summary>An instant in Korea, to the millisecond, for whoever looks into what happened.</summary>
    public static string Instant(DateTimeOffset at) => at.ToOffset(Korea).ToString("MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    /// <summary>When the two meet, which is a day or an instant, as the reservation keeps it; without an offset it is the time in Korea.</summary>
    public static string Meeting(string? when) =>
        DateOnly.TryParseExact(when, "yyyy-MM-dd", out var day) ? day.ToString(English ? "d MMM yyyy" : "yyyy'년 'M'월 'd'일'", CultureInfo.InvariantCulture)
        : DateTime.TryParse(when, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local) && local.Kind == DateTimeKind.Unspecified ? Moment(new(local, Korea))
        : DateTimeOffset.TryParse(when, CultureInfo.InvariantCulture, out var at) ? Moment(at)
        : when ?? "";

    /// <summary>Where the goods are, to about a hundred metres, and how far that is from a point.</summary>
    public static string? Place(Listing listing, (double Latitude, double Longitude)? from)
    {
        if (listing is not { Latitude: { } latitude, Longitude: { } longitude })
        {
            return null;
        }

        if (from is not var (here, there))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{latitude:0.000}, {longitude:0.000}");
        }

        // Flat is near enough within a town.
        var (north, east) = ((latitude - here) * 111.2, (longitude - there) * 111.2 * Math.Cos(double.DegreesToRadians(here)));
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Sqrt((north * north) + (east * east)):0.0} km");
    }

    /// <summary>What went wrong, by its code; where there are no words for one, what the service said.</summary>
    public static string Of(this IStringLocalizer<Words> words, Problem problem) => problem.Code == "context-unavailable"
        ? words["{0}에 지금 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.", words[$"app-{problem.Context}"]]
        : words[$"said-{problem.Code}"] is { ResourceNotFound: false } known ? known
        : problem.Detail is { } detail && English ? detail
        : words["요청을 처리하지 못했습니다. ({0})", problem.Code];

    /// <summary>A reason a service gave, in words; nothing for one that has none.</summary>
    public static string? Reason(this IStringLocalizer<Words> words, string? reason) =>
        reason is null ? null : words[$"reason-{reason}"] is { ResourceNotFound: false } known ? known.Value : null;
}
