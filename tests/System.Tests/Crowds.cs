using System.Net;

namespace SecondhandTrade.SystemTests;

/// <summary>Many at once.</summary>
public sealed class Crowds
{
    [Fact]
    public async Task Two_hundred_buyers_at_once_get_one_unit_a_queue_in_order_and_a_clear_no()
    {
        await using var town = await TestTown.Open();
        await town.List("100");

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(n => town.Reserve($"r{n}", "100", $"buyer{n}")));
        await town.Settle();

        Assert.Equal(1, answers.Count(a => a["status"] == "예약완료"));
        Assert.Equal(100, answers.Count(a => a["status"] == "예약대기"));
        Assert.Equal(99, answers.Count(a => (a.Code, a.Problem) == (HttpStatusCode.Conflict, "queue-full")));

        // The queue is in the order in which requests were decided, and whoever is first in it comes up.
        var winner = answers.Single(a => a["status"] == "예약완료")["id"];
        var first = answers.Single(a => a["position"] == "1")["id"];
        Assert.Equal(Enumerable.Range(1, 100).Select(n => $"{n}"), answers.Where(a => a["position"] is not null).Select(a => a["position"]!).OrderBy(int.Parse));
        await town.Put($"/reserves/{winner}/reservecancel");
        await town.Settle();
        Assert.Equal("예약중", (await town.Get($"/reserves/{first}"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Everyone_cancels_while_others_come_and_no_unit_is_lost()
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 2);

        var traffic = Enumerable.Range(0, 40).Select(async n =>
        {
            await town.Reserve($"r{n}", "100", $"buyer{n}");
            if (n % 3 != 0)
            {
                await town.Put($"/reserves/r{n}/reservecancel");
            }
        });
        await Task.WhenAll(traffic);
        await town.Settle();

        // Nobody who comes up from the queue pays: each gives way to the next when his time is over.
        for (var round = 0; round < 20; round++)
        {
            await town.Turn(TimeSpan.FromMinutes(31));
        }

        var left = (await town.Get("/reserves?size=100&productid=100")).List("reserves").Select(r => $"{r!["status"]}").ToList();
        Assert.DoesNotContain("취소처리중", left);
        await Verify.Holds(town);
    }
}
