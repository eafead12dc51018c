using Dapr.Actors;
using Dapr.Actors.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace SecondhandTrade.SystemTests.Sidecars;

/// <summary>Who joined a queue when cannot be seen over the wire, so this one looks into the stand-in.</summary>
public sealed class ActorQueueTests(GarnetFixture redis)
{
    [Fact]
    public async Task An_actor_takes_one_turn_at_a_time_in_the_order_of_asking_and_others_go_on()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["host"]);
        var diary = new Diary();
        await Run(town, diary);
        var calls = new List<Task>();
        for (var i = 0; i < 4; i++)
        {
            var before = i;
            calls.Add(Proxy(town, "host", "one").Hold($"{i}"));
            if (i == 0)
            {
                await Until(() => diary.Lines.Contains("0 in"));
            }
            else
            {
                // Asked one after the other: each has joined the queue before the next asks.
                await Until(() => town.StandIn.WaitingForActorLock == before);
            }
        }

        Assert.Equal(1, await Proxy(town, "host", "two").Add(1));
        diary.Gate.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(["awake", "0 in", "awake", "0 out", "1 in", "1 out", "2 in", "2 out", "3 in", "3 out"], diary.Lines);
    }

    private static ICounter Proxy(TestSidecars town, string app, string id, bool json = true) =>
        new ActorProxyFactory(new ActorProxyOptions { HttpEndpoint = $"http://localhost:{town.Sidecar(app).HttpPort}", UseJsonSerialization = json })
            .CreateActorProxy<ICounter>(new ActorId(id), "Counter");

    private static Task<WebApplication> Run(TestSidecars town, Diary diary, bool json = true) => town.RunAsync(
        "host",
        app =>
        {
            app.MapActorsHandlers();
            app.Use((context, next) =>
            {
                if (context.Request.Method == "PUT")
                {
                    diary.Asked.Enqueue(context.Request.Path);
                }

                return next();
            });
        },
        services =>
        {
            services.AddSingleton(diary);
            services.AddActors(o =>
            {
                o.UseJsonSerialization = json;
                o.ActorIdleTimeout = TimeSpan.FromMinutes(10);
                o.Actors.RegisterActor<Counter>();
            });
        });

    private static async Task Until(Func<bool> condition)
    {
        var limit = DateTime.UtcNow.AddSeconds(10);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < limit, "it never happened");
            await Task.Yield();
        }
    }
}
