using System.Collections.Concurrent;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>A second sidecar of the same app comes and goes while there is work.</summary>
public abstract class ReplicaContract(SidecarTarget target)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(40);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "replicas: subscriptions")]
    public async Task No_event_is_lost_and_each_key_stays_in_order_while_a_replica_joins_and_leaves_in_the_middle_of_a_delivery()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "a", "sender"], [Yaml.PubSub()]);
        var taken = new ConcurrentQueue<(string Key, string Data)>();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (by1, holding) = (0, 0);
        await Hearing.Start(town, "a", (message, _) => Take(message), replica: 0);
        using var dapr = town.Client("sender");
        await Publish(0);
        await town.UntilAsync(() => taken.Count == 60, Soon);

        await Hearing.Start(town, "a", async (message, _) =>
        {
            if (Interlocked.Increment(ref by1) > 10)
            {
                // Never answered: it is under way when the replica goes.
                Interlocked.Increment(ref holding);
                await held.Task;
            }
            else
            {
                await Take(message);
            }
        }, replica: 1);
        for (var batch = 1; holding == 0; batch++)
        {
            Assert.True(batch < 20, "the second replica was given nothing");
            await Publish(batch * 10);
            await town.UntilAsync(() => holding > 0 || taken.Distinct().Count() == (batch + 1) * 60, Soon);
        }

        var last = taken.Max(t => int.Parse(t.Data, null));
        await town.StopAsync("a", replica: 1);
        await Publish(1000);
        await town.UntilAsync(() => taken.Any(t => t.Data == "1009") && taken.Where(t => int.Parse(t.Data, null) >= 1000).Distinct().Count() == 60, Soon);
        held.SetResult();

        // Twice is allowed, too few or out of order is not.
        foreach (var key in taken.GroupBy(t => t.Key))
        {
            var first = key.Select(t => int.Parse(t.Data, null)).Distinct().ToArray();
            Assert.Equal(first.Order(), first);
            Assert.Equal(Enumerable.Range(0, first.Count(n => n < 1000)).Concat(Enumerable.Range(1000, 10)), first);
            Assert.True(first.Count(n => n < 1000) > last, $"{key.Key} has {first.Length}");
        }

        Task Take(Heard message)
        {
            taken.Enqueue((message.Headers["__key"].ToString(), message.Event.GetProperty("data").GetRawText()));
            return Task.CompletedTask;
        }

        async Task Publish(int from)
        {
            foreach (var n in Enumerable.Range(from, 10))
            {
                foreach (var key in new[] { "order-1", "order-2", "customer-42", "a", "b", "c" })
                {
                    await dapr.PublishEventAsync("pubsub", town.Topic("t"), n, new Dictionary<string, string> { ["partitionKey"] = key }, Ct);
                }
            }
        }
    }

    [Fact, Trait("Feature", "replicas: actors")]
    public async Task An_actor_lives_in_one_place_and_is_put_away_where_it_was_when_another_host_joins_and_leaves()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "host", "other"], [Yaml.StateStore]);
        var ids = Enumerable.Range(0, 20).Select(n => $"id{n}").ToArray();
        var first = new ScriptedActors(() => town.Now);
        var second = new ScriptedActors(() => town.Now);
        await town.RunAsync("host", first.Map, replica: 0);
        await CallAll();
        Assert.Equal((20, 0), (first.Calls.Length, second.Calls.Length));

        await town.RunAsync("host", second.Map, replica: 1);
        await town.UntilAsync(() => PutAway().Length > 0, Soon, first.Paths);
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(2));
        await CallAll();
        var moved = PutAway();
        Assert.InRange(moved.Length, 1, 19);
        Assert.Equal(moved, moved.Distinct());
        Assert.Equal(moved.Order(StringComparer.Ordinal), Living(second.Calls).Order(StringComparer.Ordinal));
        Assert.Equal(ids.Except(moved).Order(StringComparer.Ordinal), Living(first.Calls[20..]).Order(StringComparer.Ordinal));

        var before = (First: first.Calls.Length, Second: second.Calls.Count(c => c.Verb == "PUT"));
        await town.StopAsync("host", replica: 1);
        await CallAll();
        Assert.Equal(before.Second, second.Calls.Count(c => c.Verb == "PUT"));
        Assert.Equal(ids.Order(StringComparer.Ordinal), Living(first.Calls[before.First..]).Order(StringComparer.Ordinal));

        string[] PutAway() => [.. first.Calls.Where(c => c.Verb == "DELETE").Select(c => c.Path.Split('/')[^1])];

        static string[] Living(Asked[] calls) => [.. calls.Where(c => c.Verb == "PUT").Select(c => c.Path.Split('/')[3])];

        async Task CallAll()
        {
            using var http = town.Http("other");
            foreach (var id in ids)
            {
                using var answer = await town.AfterAsync(http.PutAsync($"/v1.0/actors/T/{id}/method/m", null, Ct), Soon);
                Assert.Equal(200, (int)answer.StatusCode);
            }
        }
    }
}
