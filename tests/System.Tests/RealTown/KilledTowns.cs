using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>Real processes, killed without warning while people trade.</summary>
public sealed class KilledTowns(ITestOutputHelper output)
{
    [Fact]
    public async Task Killed_at_any_moment_and_opened_again_the_town_goes_on_with_all_that_it_accepted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open();
        var people = new People(town, output);
        await people.PutUp();
        for (var round = 0; round < 3; round++)
        {
            using var over = new CancellationTokenSource();
            var trading = people.Trade($"{round}-", over.Token);
            await Eventually.Holds(() => people.Accepted.Count >= (round + 1) * 40, () => $"people to trade ({people.Accepted.Count}):\n{town.Output}");
            await town.Kill();
            await over.CancelAsync();
            await trading;
            await town.Open();
        }

        await people.Settled();
    }

    [Fact]
    public async Task One_service_after_the_other_is_killed_and_nothing_that_was_accepted_is_lost()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open();
        var people = new People(town, output);
        await people.PutUp();
        using var over = new CancellationTokenSource();
        var trading = people.Trade("", over.Token);
        foreach (var service in new[] { "Reservation", "Payment", "Trade", "Stock", "Notification", "MyPage" })
        {
            var before = people.Accepted.Count;
            await Eventually.Holds(() => people.Accepted.Count > before + 5, () => $"people to trade:\n{town.Output}");
            town.KillService(service);
        }

        await Eventually.Holds(() => people.Accepted.Count > 60, () => $"people to trade:\n{town.Output}");
        await over.CancelAsync();
        await trading;

        await people.Settled();
    }
}
