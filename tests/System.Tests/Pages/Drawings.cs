using System.Globalization;
using System.Text.RegularExpressions;

namespace SecondhandTrade.SystemTests.Pages;

/// <summary>How the operator's page draws what happened to a reservation.</summary>
public sealed partial class Drawings
{
    private static readonly string[] Lanes = ["reservation", "payment", "trade", "notice"];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_journey_is_drawn_step_by_step_from_cause_to_effect(int minutes)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000 });
        await town.Settle();
        await town.Reserve("1", "100", "minho", 30000);
        foreach (var act in new[] { "handover", "complete" })
        {
            await town.Turn(TimeSpan.FromMinutes(minutes));
            await town.Put($"/trades/1/{act}");
        }

        await town.Settle();
        using var onCall = new Reader(town);
        await onCall.SignIn("olga");
        var page = await onCall.Go("/operator?reservation=1");

        var steps = Steps(page.Text);
        Assert.Equal(
            [
                "reservation ReserveRequested", "reservation ReserveHeld", "notice minho", "payment PaymentAuthorized", "reservation ReserveCompleted", "notice minho sujin", "payment PaymentClaimed",
                "trade TradeOpened", "trade TradeAccepted", "notice minho sujin", "payment PaymentCaptured", "trade TradeHandedOver", "notice minho sujin", "trade TradeCompleted",

                // By time and status these are one and the same; a clock that stands still cannot tell them apart.
                "payment PaymentReleased", "reservation ReserveFulfilled", "notice minho minho sujin",
            ],
            Grouped(steps));

        // The table says the same in the same order, and each arrow comes from the context that acted last.
        Assert.Equal(steps.Select(s => s.What), Rows().Matches(page.Text[page.Text.LastIndexOf("<svg", StringComparison.Ordinal)..].Split("</table>")[0]).Select(m => m.Groups["what"].Value));
        var (from, expected) = (0, new List<(int, int)>());
        foreach (var lane in steps.Select(s => s.Lane))
        {
            if (lane != from)
            {
                expected.Add((from, lane));
            }

            from = lane == 3 ? from : lane;
        }

        Assert.Equal(expected, Arrows().Matches(page.Text).Select(m => (Lane(m, "from"), Lane(m, "to"))));
    }

    private static List<(int Lane, string What)> Steps(string html) =>
        [.. Dots().Matches(html).Zip(Texts().Matches(html), (dot, text) => (Lane(dot, "at"), text.Groups["what"].Value))];

    // Those whom one event was told to are in no order.
    private static IEnumerable<string> Grouped(List<(int Lane, string What)> steps)
    {
        for (var at = 0; at < steps.Count;)
        {
            var told = steps.Skip(at).TakeWhile(s => s.Lane == 3).ToList();
            yield return told.Count == 0 ? $"{Lanes[steps[at].Lane]} {steps[at].What.Split(' ')[0]}" : $"notice {string.Join(' ', told.Select(s => s.What.Split(' ')[1]).Order(StringComparer.Ordinal))}";
            at += Math.Max(1, told.Count);
        }
    }

    private static int Lane(Match match, string group) => (int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) - 60 + 20) / 230;

    [GeneratedRegex("<circle class=\"dot\" cx=\"(?<at>\\d+)\"")]
    private static partial Regex Dots();

    [GeneratedRegex("<text class=\"what\"[^>]*>(?<what>[^<]*)</text>")]
    private static partial Regex Texts();

    [GeneratedRegex("<line class=\"arrow\" x1=\"(?<from>\\d+)\" y1=\"\\d+\" x2=\"(?<to>\\d+)\"")]
    private static partial Regex Arrows();

    [GeneratedRegex("<tr><td><time[^>]*>[^<]*</time></td><td>[^<]*</td><td>(?<what>[^<]*)</td>")]
    private static partial Regex Rows();
}
