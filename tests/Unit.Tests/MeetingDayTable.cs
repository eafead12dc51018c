using System.Globalization;
using SecondhandTrade.Reservations;
using Xunit;

namespace SecondhandTrade.UnitTests;

public sealed class MeetingDayTable
{
    [Theory]
    [InlineData("2027-04-04", "2027-04-05T00:00:00+09:00")]
    [InlineData("2027-12-31", "2028-01-01T00:00:00+09:00")]
    [InlineData("2028-02-29", "2028-03-01T00:00:00+09:00")]
    [InlineData("0001-01-01", "0001-01-02T00:00:00+09:00")]
    [InlineData("2027-04-04T18:30", "2027-04-04T18:30:00+09:00")]
    [InlineData("2027-04-04 18:30", "2027-04-04T18:30:00+09:00")]
    [InlineData("2027-04-04T18:30:15", "2027-04-04T18:30:15+09:00")]
    [InlineData("2027-04-04 18:30:15", "2027-04-04T18:30:15+09:00")]
    [InlineData("2027-04-04T18:30:00+09:00", "2027-04-04T18:30:00+09:00")]
    [InlineData("2027-04-04T18:30+09:00", "2027-04-04T18:30:00+09:00")]
    [InlineData("2027-04-04T18:30:00-05:00", "2027-04-05T08:30:00+09:00")]
    [InlineData("2027-04-04T09:30:00Z", "2027-04-04T18:30:00+09:00")]
    [InlineData("2027-04-04T09:30:00.5Z", "2027-04-04T18:30:00.5+09:00")]
    [InlineData("2027-04-04T18:30:00.25+09:00", "2027-04-04T18:30:00.25+09:00")]
    public void A_date_means_that_day_in_Korea_and_an_instant_itself(string text, string end) =>
        Assert.Equal(DateTimeOffset.Parse(end, CultureInfo.InvariantCulture), MeetingDay.End(text));

    [Fact]
    public void The_last_day_there_is_never_ends() => Assert.Equal(DateTimeOffset.MaxValue, MeetingDay.End("9999-12-31"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("내일")]
    [InlineData("tomorrow")]
    [InlineData("2027-4-4")]
    [InlineData("2027/04/04")]
    [InlineData("04-04-2027")]
    [InlineData("2027-02-29")]
    [InlineData("2027-13-01")]
    [InlineData("2027-04-04T")]
    [InlineData("2027-04-04T24:00")]
    [InlineData("2027-04-04T18:30:00+25:00")]
    [InlineData("0001-01-01T00:00")]
    [InlineData("0001-01-01T00:00:00+09:00")]
    [InlineData("2027-04-04T18:30:00 ")]
    [InlineData("1775260800")]
    public void What_is_neither_a_date_nor_an_instant_is_nothing(string? text) => Assert.Null(MeetingDay.End(text));

    [Theory]
    [InlineData("2027-04-04", "2027-04-03T15:00:00Z", false)]
    [InlineData("2027-04-04", "2027-04-04T14:59:59Z", false)]
    [InlineData("2027-04-04", "2027-04-04T15:00:00Z", true)]
    [InlineData("2027-04-03", "2027-04-03T14:59:59Z", false)]
    [InlineData("2027-04-03", "2027-04-03T15:00:01Z", true)]
    [InlineData("2027-04-04T00:00", "2027-04-03T14:59:59Z", false)]
    [InlineData("2027-04-04T00:00", "2027-04-03T15:00:00Z", true)]
    public void A_day_is_past_from_midnight_in_Korea_not_in_Greenwich(string text, string now, bool past) =>
        Assert.Equal(past, MeetingDay.End(text) <= DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));
}
