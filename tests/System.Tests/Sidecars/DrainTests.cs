using Microsoft.AspNetCore.Builder;

namespace SecondhandTrade.SystemTests.Sidecars;

/// <summary>An app of two is told that it is to end: what it has it finishes, what is new goes to the other.</summary>
public sealed class DrainTests(GarnetFixture redis)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_under_way_is_answered_where_it_is_and_the_next_goes_to_the_other()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a", "a", "sender"]);
        var diary = await RunBoth(town);
        using var dapr = town.Client("sender");
        await Publish("held");
        await Until(() => diary.Lines.Count == 1);
        var leaving = Leaving(diary);

        var drained = Replica(town, leaving).DrainAsync(Patience);
        await Publish("next");
        Assert.False(drained.IsCompleted);
        diary.Gate.SetResult();

        await drained.WaitAsync(Patience, Ct);
        await Until(() => diary.Lines.Count == 4);
        Assert.Equal([$"{leaving}: held in", $"{leaving}: held out", $"{1 - leaving}: next in", $"{1 - leaving}: next out"], diary.Lines);

        Task Publish(string text) => dapr.PublishEventAsync("pubsub", "t", text, new Dictionary<string, string> { ["partitionKey"] = "one" }, Ct);
    }

    [Fact]
    public async Task A_message_that_is_not_answered_in_time_is_the_others()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a", "a", "sender"]);
        var diary = await RunBoth(town);
        using var dapr = town.Client("sender");
        await dapr.PublishEventAsync("pubsub", "t", "held", Ct);
        await Until(() => diary.Lines.Count == 1);
        var leaving = Leaving(diary);

        var drained = Replica(town, leaving).DrainAsync(Patience);
        town.Clock.Advance(Patience);

        await drained.WaitAsync(Patience, Ct);
        await Until(() => diary.Lines.Count == 2);
        Assert.Equal([$"{leaving}: held in", $"{1 - leaving}: held in"], diary.Lines);
        diary.Gate.SetResult();
    }

    [Fact]
    public async Task An_actor_ends_its_turn_and_is_put_away_before_the_next_turn_begins_elsewhere()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a", "a", "sender"]);
        var diary = await RunBoth(town);
        using var http = town.Http("sender");
        var held = Ask("one", "held");
        await Until(() => diary.Lines.Count == 1);
        var leaving = Leaving(diary);

        var drained = Replica(town, leaving).DrainAsync(Patience);
        var next = Ask("one", "next");
        await Until(() => town.StandIn.WaitingForActorLock == 2);
        using (await Ask("another", "new"))
        {
        }

        Assert.False(drained.IsCompleted);
        diary.Gate.SetResult();
        using var first = await held;
        using var second = await next;
        await drained.WaitAsync(Patience, Ct);

        Assert.Equal((200, 200), ((int)first.StatusCode, (int)second.StatusCode));
        var other = 1 - leaving;
        Assert.Equal(
            [$"{leaving}: held in", $"{other}: new in", $"{other}: new out", $"{leaving}: held out", $"{leaving}: one put away", $"{other}: next in", $"{other}: next out"], diary.Lines);

        Task<HttpResponseMessage> Ask(string id, string method) => http.PutAsync($"/v1.0/actors/{town.Id("T")}/{id}/method/{method}", null, Ct);
    }

    [Fact]
    public async Task A_call_under_way_is_answered_and_the_next_ones_go_to_the_other()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a", "a", "sender"]);
        var diary = await RunBoth(town);
        using var http = town.Http("sender");
        var held = Call("held");
        await Until(() => diary.Lines.Count == 1);
        var leaving = Leaving(diary);

        var drained = Replica(town, leaving).DrainAsync(Patience);
        for (var i = 0; i < 3; i++)
        {
            using var answer = await Call("next");
        }

        Assert.False(drained.IsCompleted);
        diary.Gate.SetResult();
        using var first = await held;
        await drained.WaitAsync(Patience, Ct);

        Assert.Equal(200, (int)first.StatusCode);
        string[] next = [$"{1 - leaving}: next in", $"{1 - leaving}: next out"];
        Assert.Equal([$"{leaving}: held in", .. next, .. next, .. next, $"{leaving}: held out"], diary.Lines);

        Task<HttpResponseMessage> Call(string path) => http.PostAsync($"/v1.0/invoke/{town.Id("a")}/method/call/{path}", null, Ct);
    }

    // Both write into one diary; what is called "held" waits for its gate.
    private static async Task<Diary> RunBoth(TestSidecars town)
    {
        var diary = new Diary();
        for (var i = 0; i < 2; i++)
        {
            var me = i;
            await town.RunAsync("a", app =>
            {
                app.MapGet("/dapr/config", () => new { entities = new[] { town.Id("T") } });
                app.MapGet("/dapr/subscribe", () => new[] { new { pubsubname = "pubsub", topic = "t", route = "/heard" } });
                app.MapPost("/heard", (Told told) => Take(told.Data));
                app.MapPost("/call/{what}", Take);
                app.MapPut("/actors/{type}/{id}/method/{what}", Take);
                app.MapDelete("/actors/{type}/{id}", (string id) => diary.Write($"{me}: {id} put away"));
            }, replica: me);

            async Task Take(string what)
            {
                diary.Write($"{me}: {what} in");
                await (what == "held" ? diary.Gate.Task : Task.CompletedTask);
                diary.Write($"{me}: {what} out");
            }
        }

        return diary;
    }

    private static int Leaving(Diary diary) => diary.Lines[0][0] - '0';

    private static Local.Sidecar Replica(TestSidecars town, int number) => town.StandIn.Sidecars.Where(s => s.AppId == town.Id("a")).ElementAt(number);

    private static async Task Until(Func<bool> condition)
    {
        var limit = DateTime.UtcNow.AddSeconds(10);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < limit, "it never happened");
            await Task.Yield();
        }
    }

    private sealed record Told(string Data);
}
