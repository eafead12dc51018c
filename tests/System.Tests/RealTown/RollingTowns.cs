using System.Text.Json.Nodes;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>Real processes, two of each service, that come and go while people trade.</summary>
public sealed class RollingTowns(ITestOutputHelper output)
{
    private static readonly string[] Services = ["reservation", "payment", "trade", "stock", "notification", "mypage"];

    private static readonly string[] Doors = ["gateway", "web"];

    [Fact]
    public async Task Restarted_one_by_one_the_town_turns_nobody_away_and_loses_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open(TwoOf(Services.Concat(Doors)));
        var people = new People(town, output);
        await people.PutUp();

        using var over = new CancellationTokenSource();
        var trading = people.Trade("", over.Token);
        foreach (var service in Services.Concat(Doors))
        {
            var before = people.Accepted.Count;
            await Eventually.Holds(() => people.Accepted.Count > before + 5 || trading.IsCompleted, () => $"people to trade:\n{town.Output}");
            var said = new List<string>();
            await Restart.RunAsync(service, town.TownPort, said.Add);
            Assert.Equal([$"{service}: restarted, all 2 replicas"], said);
        }

        Assert.False(trading.IsCompleted, "People were done before the last restart was.");
        await over.CancelAsync();
        await trading;
        output.WriteLine($"{people.Accepted.Count} accepted, {people.Failed.Count} failed");
        Assert.True(people.Failed.IsEmpty, $"{string.Join('\n', people.Failed)}\n{town.Output}");
        await people.Settled();
    }

    [Fact]
    public async Task Two_of_a_service_share_its_topics_and_each_actor_lives_in_one_of_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open(TwoOf(Services));
        var people = new People(town, output);
        await people.PutUp();
        using var over = new CancellationTokenSource();
        var trading = people.Trade("", over.Token);
        await Eventually.Holds(() => people.Accepted.Count > 40 || trading.IsCompleted, () => $"people to trade:\n{town.Output}");
        await over.CancelAsync();
        await trading;
        await people.Settled();

        var told = JsonNode.Parse(await town.Told("/town"))!;
        var readers = told["consumers"]!.AsArray().Where(c => Services.Contains($"{c!["group"]}")).Select(c => $"{c!["group"]}/{c["topic"]}: {c["members"]} {c["lag"]}").ToList();
        Assert.Contains("reservation/payments: 2 0", readers);
        Assert.All(readers, reader => Assert.EndsWith(": 2 0", reader, StringComparison.Ordinal));

        // Every type has one more: the one that nobody is, woken to warm up.
        Assert.Equal(3 + 1, (await Actors("reservation", "ProductActor")).Sum());
        Assert.Equal(3 + 1, (await Actors("stock", "ListingActor")).Sum());
        var (payments, trades) = (await Actors("payment", "PaymentActor"), await Actors("trade", "TradeActor"));
        Assert.All(payments.Concat(trades), count => Assert.NotEqual(0, count));

        async Task<List<int>> Actors(string service, string type)
        {
            var counts = new List<int>();
            foreach (var sidecar in told["sidecars"]!.AsArray().Where(s => $"{s!["app"]}" == service))
            {
                var metadata = JsonNode.Parse(await town.Told("/v1.0/metadata", (int)sidecar!["httpPort"]!))!;
                counts.AddRange(metadata["actorRuntime"]!["activeActors"]!.AsArray().Where(a => $"{a!["type"]}" == type).Select(a => (int)a!["count"]!));
            }

            return counts;
        }
    }

    [Fact]
    public async Task One_of_two_killed_costs_nobody_more_than_asking_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open(TwoOf(Services));
        var people = new People(town, output);
        await people.PutUp();

        using var over = new CancellationTokenSource();
        var trading = people.Trade("", over.Token, patience: 1);
        foreach (var service in new[] { "Reservation", "Payment", "Reservation" })
        {
            var before = people.Accepted.Count;
            await Eventually.Holds(() => people.Accepted.Count > before + 20 || trading.IsCompleted, () => $"people to trade:\n{town.Output}");

            // On a slow machine the one that was killed before is not back yet, and then there would be none.
            await Eventually.HoldsAsync(AllOpen, () => $"all to be open:\n{town.Output}", TimeSpan.FromMinutes(5));
            town.KillService(service);
        }

        var last = people.Accepted.Count;
        await Eventually.Holds(() => people.Accepted.Count > last + 20 || trading.IsCompleted, () => $"people to trade:\n{town.Output}");
        await over.CancelAsync();
        await trading;
        Assert.True(people.Failed.IsEmpty, $"{string.Join('\n', people.Failed)}\n{town.Output}");
        await people.Settled();

        async Task<bool> AllOpen() => JsonNode.Parse(await town.Told("/town"))!["apps"]!.AsArray().All(app => $"{app!["state"]}" == "open");
    }

    private static IEnumerable<string> TwoOf(IEnumerable<string> services) => services.SelectMany(service => new[] { "--replicas", $"{service}=2" });
}
