using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>Six people who reserve and cancel, each at most twice a second, and what must hold of the town when they are done.</summary>
internal sealed class People(WholeTown town, ITestOutputHelper output)
{
    private static readonly string[] Products = ["100", "200", "300"];

    /// <summary>The reservations that were answered with 2xx.</summary>
    public ConcurrentBag<string> Accepted { get; } = [];

    /// <summary>The reservations that were answered neither with 2xx nor with a refusal of the town's.</summary>
    public ConcurrentBag<string> Failed { get; } = [];

    public async Task PutUp()
    {
        foreach (var product in Products)
        {
            await town.Ask(HttpMethod.Post, "/inventories", new { id = product, productid = product, productname = "애플워치", qty = 3 });
        }
    }

    /// <summary>Trades until it is over; who fails asks again as often as their patience lets them, a second later.</summary>
    public Task Trade(string name, CancellationToken over, int patience = 0) => Task.WhenAll(Enumerable.Range(0, 6).Select(n => Trade($"{name}{n}", patience, over)));

    // Reserves, and now and then cancels; only what was answered with 2xx counts as accepted.
    private async Task Trade(string person, int patience, CancellationToken over)
    {
        // As fast as they are answered, they would ask of a small machine all it has, and it is the restarts that are to be seen.
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        for (var n = 0; !over.IsCancellationRequested && n < 3000 && await pace.WaitForNextTickAsync(CancellationToken.None); n++)
        {
            var id = $"r{person}-{n}";
            var body = new { id, productid = Products[n % Products.Length], userid = $"u{person}", qty = 1, reserveDt = "2099-04-04", price = 50000 };
            var answer = await town.Ask(HttpMethod.Post, "/reserves", body);
            for (var again = 0; again < patience && answer is null or { Response.StatusCode: >= HttpStatusCode.InternalServerError }; again++)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
                answer = await town.Ask(HttpMethod.Post, "/reserves", body);
            }

            if (answer is { Response.IsSuccessStatusCode: true })
            {
                Accepted.Add(id);
            }
            else if (answer is not { Response.StatusCode: HttpStatusCode.Conflict })
            {
                Failed.Add($"{id}: {(answer is null ? "no answer" : $"{(int)answer.Response.StatusCode} {answer["code"]} {answer["detail"]}")}");
            }

            if (n % 4 == 0 && await town.Ask(HttpMethod.Get, "/") is not { Code: HttpStatusCode.OK } && patience == 0)
            {
                Failed.Add($"{id}: the pages were not there");
            }

            // Some are cancelled at once; the others later, so that nobody has more open than one may have.
            if (n % 2 == 1 || n >= 12)
            {
                await town.Ask(HttpMethod.Put, $"/reserves/r{person}-{(n % 2 == 1 ? n : n - 12)}/reservecancel");
            }
        }
    }

    public async Task Settled()
    {
        output.WriteLine($"{Accepted.Count} reservations were accepted.");
        var wrong = "";
        for (var tries = 0; tries < 60; tries++)
        {
            wrong = await Wrong();
            if (wrong.Length == 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        Assert.Fail($"{wrong}\n{town.Output}");
    }

    // The invariants by what people can see; what is still on its way shows as wrong and is looked at again.
    private async Task<string> Wrong()
    {
        var wrong = new List<string>();
        var (reserves, trades, pages, notices) = (await All("reserves"), await All("trades"), await All("mypages"), await All("notices"));
        var byId = reserves.ToDictionary(r => $"{r["id"]}");
        wrong.AddRange(Accepted.Where(id => !byId.ContainsKey(id)).Select(id => $"I12: {id} was accepted and is not there"));
        wrong.AddRange(reserves.Where(r => $"{r["statusCode"]}" is "REQUESTED" or "CANCEL_PENDING" && Accepted.Contains($"{r["id"]}")).Select(r => $"I12: {r["id"]} is {r["status"]}"));
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

        // Of what a reservation goes through once: told, and not twice.
        var told = notices.GroupBy(n => $"{n["reservationid"]} {n["userid"]} {n["status"]}").ToDictionary(n => n.Key, n => n.Count());
        wrong.AddRange(reserves.Where(r => $"{r["statusCode"]}" is "CONFIRMED" or "CANCELLED" && Accepted.Contains($"{r["id"]}"))
            .Select(r => $"{r["id"]} {r["userid"]} {r["status"]}").Where(r => told.GetValueOrDefault(r) != 1).Select(r => $"I7: {told.GetValueOrDefault(r)} notices of {r}"));
        return string.Join('\n', wrong.Take(20));
    }

    private async Task<List<JsonNode>> All(string kind)
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
