using System.Globalization;

namespace SecondhandTrade.Local;

/// <summary>The schedule of a cron binding: @every 5s, or five fields, or six with the seconds first.</summary>
internal sealed class CronSchedule
{
    private static readonly (int From, int To)[] Bounds = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

    private readonly TimeSpan? every;
    private readonly HashSet<int>[] fields;
    private readonly bool anyDay;

    private CronSchedule(TimeSpan? every, HashSet<int>[] fields, bool anyDay) => (this.every, this.fields, this.anyDay) = (every, fields, anyDay);

    public static CronSchedule Parse(string text, string where)
    {
        var expression = text switch
        {
            "@yearly" or "@annually" => "0 0 0 1 1 *",
            "@monthly" => "0 0 0 1 * *",
            "@weekly" => "0 0 0 * * 0",
            "@daily" or "@midnight" => "0 0 0 * * *",
            "@hourly" => "0 0 * * * *",
            _ => text,
        };
        if (expression.StartsWith("@every ", StringComparison.Ordinal) && GoDuration.TryParse(expression["@every ".Length..], out var every) && every >= TimeSpan.FromSeconds(1))
        {
            return new CronSchedule(every, [], false);
        }

        var parts = expression.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is not (5 or 6))
        {
            throw Wrong(text);
        }

        parts = parts.Length == 5 ? ["0", .. parts] : parts;
        // As in cron: when day of month and day of week are both restricted, either one matches.
        return new CronSchedule(null, [.. parts.Select((part, i) => Field(part, Bounds[i]))], parts[3] is "*" or "?" || parts[5] is "*" or "?");

        HashSet<int> Field(string part, (int From, int To) bounds)
        {
            var set = new HashSet<int>();
            foreach (var item in part.Split(','))
            {
                var (range, step) = item.Split('/') is [var r, var s] ? (r, Number(s)) : (item, 1);
                var (from, to) = range is "*" or "?" ? bounds
                    : range.Split('-') is [var a, var b] ? (Number(a), Number(b))
                    : (Number(range), item.Contains('/', StringComparison.Ordinal) ? bounds.To : Number(range));
                if (step < 1 || from < bounds.From || to > bounds.To || from > to)
                {
                    throw Wrong(text);
                }

                for (var i = from; i <= to; i += step)
                {
                    set.Add(i);
                }
            }

            return set;
        }

        int Number(string number) => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw Wrong(text);

        LocalRunnerException Wrong(string schedule) => new($"{where}, schedule: '{schedule}' is not a supported schedule; write it like @every 5s or 0 30 * * * *.");
    }

    public DateTimeOffset After(DateTimeOffset time)
    {
        if (every is { } period)
        {
            return time + period;
        }

        var next = new DateTimeOffset(time.Year, time.Month, time.Day, time.Hour, time.Minute, time.Second, time.Offset).AddSeconds(1);
        for (var limit = next.AddYears(5); next < limit;)
        {
            if (!fields[4].Contains(next.Month) || !IsDay(next))
            {
                next = next.Date.AddDays(1) is var day ? new DateTimeOffset(day, time.Offset) : next;
            }
            else if (!fields[2].Contains(next.Hour))
            {
                next = next.AddMinutes(60 - next.Minute).AddSeconds(-next.Second);
            }
            else if (!fields[1].Contains(next.Minute))
            {
                next = next.AddSeconds(60 - next.Second);
            }
            else if (!fields[0].Contains(next.Second))
            {
                next = next.AddSeconds(1);
            }
            else
            {
                return next;
            }
        }

        return DateTimeOffset.MaxValue;
    }

    private bool IsDay(DateTimeOffset time)
    {
        var (day, weekday) = (fields[3].Contains(time.Day), fields[5].Contains((int)time.DayOfWeek));
        return anyDay ? day && weekday : day || weekday;
    }
}
