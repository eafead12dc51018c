using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>Real processes, killed without warning while people trade.</summary>
public sealed class KilledTowns(ITestOutputHelper output)
{
    private static readonly string[] Products = ["100", "200", "300"];

    [Fact]
    public async Task Killed_at_any_moment_and_opened_again_the_town_goes_on_with_all_that_it_accepted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open();
        foreach (var product in Products)
        {
            await town.Ask(HttpMethod.Post, "/inventories", new { id = product, productid = product, productname = "애플워치", qty = 3 });
        }

        var accepted = new ConcurrentBag<string>();
        for (var round = 0; round < 3; round++)
        {
            using var over = new CancellationTokenSource();
            var people = Enumerable.Range(0, 6).Select(n => Trade(town, $"{round}-{n}", accepted, over.Token)).ToList();
            await Eventually.Holds(() => accepted.Count >= (round + 1) * 40, () => $"people to trade ({accepted.Count}):\n{town.Output}", TimeSpan.FromSeconds(60));
            await town.Kill();
            await over.CancelAsync();
            await Task.WhenAll(people);
            await town.Open();
        }

        await Settled(town, accepted);
    }

    [Fact]
    public async Task One_service_after_the_other_is_killed_and_nothing_that_was_accepted_is_lost()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown();
        await town.Open();
        foreach (var product in Products)
        {
            await town.Ask(HttpMethod.Post, "/inventories", new { id = product, productid = product, productname = "애플워치", qty = 3 });
        }

        var accepted = new ConcurrentBag<string>();
        using var over = new CancellationTokenSource();
        var people = Enumerable.Range(0, 6).Select(n => Trade(town, $"{n}", accepted, over.Token)).ToList();
        foreach (var service in new[] { "Reservation", "Payment", "Trade", "Stock", "Notification", "MyPage" })
        {
            var before = accepted.Count;
            await Eventually.Holds(() => accepted.Count > before + 5, () => $"people to trade:\n{town.Output}", TimeSpan.FromSeconds(60));
            town.KillService(service);
        }

        await Eventually.Holds(() => accepted.Count > 60, () => $"people to trade:\n{town.Output}", TimeSpan.FromSeconds(60));
        await over.CancelAsync();
        await Task.WhenAll(people);

        await Settled(town, accepted);
    }

    // Reserves, and now and then cancels; only what was answered with 2xx counts as accepted.
    private static async Task Trade(WholeTown town, string person, ConcurrentBag<string> accepted, CancellationToken over)
    {
        for (var n = 0; !over.IsCancellationRequested && n < 200; n++)
        {
            var id = $"r{person}-{n}";
            var answer = await town.Ask(HttpMethod.Post, "/reserves", new { id, productid = Products[n % Products.Length], userid = $"u{person}", qty = 1, reserveDt = "2099-04-04", price = 50000 });
            if (answer is { Response.IsSuccessStatusCode: true })
            {
                accepted.Add(id);
            }

            if (n % 2 == 1)
            {
                await town.Ask(HttpMethod.Put, $"/reserves/{id}/reservecancel");
            }
        }
    }

    private async Task Settled(WholeTown town, ConcurrentBag<string> accepted)
    {
        output.WriteLine($"{accepted.Count} reservations were accepted.");
        var wrong = "";
        for (var tries = 0; tries < 60; tries++)
        {
            wrong = await Wrong(town, accepted);
            if (wrong.Length == 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        Assert.Fail($"{wrong}\n{town.Output}");
    }

    // The invariants by what people can see; what is still on its way shows as wrong and is looked at again.
    private static async Task<string> Wrong(WholeTown town, ConcurrentBag<string> accepted)
    {
        var wrong = new List<string>();
        var (reserves, trades, pages) = (await All(town, "reserves"), await All(town, "trades"), await All(town, "mypages"));
        var byId = reserves.ToDictionary(r => $"{r["id"]}");
        wrong.AddRange(accepted.Where(id => !byId.ContainsKey(id)).Select(id => $"I12: {id} was accepted and is not there"));
        wrong.AddRange(reserves.Where(r => $"{r["statusCode"]}" is "REQUESTED" or "CANCEL_PENDING" && accepted.Contains($"{r["id"]}")).Select(r => $"I12: {r["id"]} is {r["status"]}"));
        foreach (var product in reserves.GroupBy(r => $"{r["productid"]}"))
        {
            var spoken = product.Where(r => $"{r["statusCode"]}" is "HELD" or "CONFIRMED" or "CANCEL_PENDING" or "FULFILLED").Sum(r => (int)r["qty"]!);
            if (spoken > 3)
            {
                wrong.Add($"I1: {spoken} units of {product.Key} are spoken for");
            }

            if (spoken < 3 && product.Any(r => $"{r["statusCode"]}" == "WAITLISTED"))
            {
                wrong.Add($"I8: {product.Key} has units free while people wait");
            }
        }

        var live = trades.Where(t => $"{t["statusCode"]}" is not ("CANCELLED" or "DECLINED")).Select(t => $"{t["id"]}").ToHashSet();
        wrong.AddRange(reserves.Where(r => $"{r["statusCode"]}" == "CONFIRMED" && !live.Contains($"{r["id"]}")).Select(r => $"{r["id"]} is confirmed and has no trade"));
        wrong.AddRange(live.Where(id => $"{byId[id]["statusCode"]}" != "CONFIRMED").Select(id => $"trade {id} lives on a reservation that is {byId[id]["status"]}"));
        foreach (var trade in trades)
        {
            var payment = await town.Ask(HttpMethod.Get, $"/payments/{trade["id"]}");
            var (paid, dead) = (payment?["statusCode"], $"{trade["statusCode"]}" is "CANCELLED" or "DECLINED");
            if (dead ? paid is not ("VOIDED" or "REFUNDED") : paid is not "CAPTURED")
            {
                wrong.Add($"I2/I4: trade {trade["id"]} is {trade["status"]}, its payment {paid}");
            }
        }

        var page = pages.ToDictionary(p => $"{p["reservationid"]}", p => $"{p["reserveStatus"]}");
        wrong.AddRange(reserves.Where(r => page.GetValueOrDefault($"{r["id"]}") != $"{r["status"]}").Select(r => $"I6: my page says {page.GetValueOrDefault($"{r["id"]}")} of {r["id"]}, which is {r["status"]}"));
        return string.Join('\n', wrong.Take(20));
    }

    private static async Task<List<JsonNode>> All(WholeTown town, string kind)
    {
        var all = new List<JsonNode>();
        for (var number = 0; ; number++)
        {
            if (await town.Ask(HttpMethod.Get, $"/{kind}?size=100&sort=oldest&page={number}") is not { Response.IsSuccessStatusCode: true } answer)
            {
                return all;
            }

            all.AddRange(answer.List(kind).Select(n => n!));
            if (answer.List(kind).Count < 100)
            {
                return all;
            }
        }
    }
}
