using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Dapr.Actors;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace SecondhandTrade.SystemTests.Sidecars;

public interface ICounter : IActor
{
    Task<int> Add(int n);

    Task<string> Keep(string value);

    Task<string> Hold(string name);

    Task Fail();
}

/// <summary>What the actors of one test did and wait for.</summary>
public sealed class Diary
{
    public List<string> Lines { get; } = [];

    /// <summary>The paths the sidecar called.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Write(string line)
    {
        lock (Lines)
        {
            Lines.Add(line);
        }
    }
}

public sealed class Counter(ActorHost host, Diary diary) : Actor(host), ICounter
{
    public async Task<int> Add(int n)
    {
        var value = await StateManager.GetOrAddStateAsync("n", 0) + n;
        await StateManager.SetStateAsync("n", value);
        return value;
    }

    public async Task<string> Keep(string value)
    {
        await StateManager.SetStateAsync("text", value);
        return value;
    }

    public async Task<string> Hold(string name)
    {
        diary.Write(name + " in");
        await diary.Gate.Task;
        diary.Write(name + " out");
        return name;
    }

    public Task Fail() => throw new InvalidOperationException("as told");

    protected override Task OnActivateAsync()
    {
        diary.Write("awake");
        return Task.CompletedTask;
    }

    protected override Task OnDeactivateAsync()
    {
        diary.Write("asleep");
        return Task.CompletedTask;
    }
}

public sealed class ActorTests(GarnetFixture redis)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_actor_keeps_what_it_is_told_and_is_found_from_another_sidecar(bool json)
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host", "other"]);
        var diary = new Diary();
        await Run(town, diary, json: json);
        var actor = Proxy(town, "other", "one", json);
        Assert.Equal(2, await actor.Add(2));
        Assert.Equal(5, await actor.Add(3));
        await town.Sidecar("host").DisconnectAppAsync();
        await Run(town, diary, json: json);
        Assert.Equal(6, await actor.Add(1));
        Assert.Equal(["awake", "awake"], diary.Lines);
    }

    [Fact]
    public async Task An_actors_exception_travels_to_its_caller()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host", "other"]);
        await Run(town, new Diary());
        var error = await Assert.ThrowsAsync<ActorMethodInvocationException>(() => Proxy(town, "other", "one").Fail());
        Assert.Contains("as told", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_actor_takes_one_turn_at_a_time_in_the_order_of_asking_and_others_go_on()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
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
                await Until(() => town.StandIn.WaitingForTurn == before);
            }
        }

        Assert.Equal(1, await Proxy(town, "host", "two").Add(1));
        diary.Gate.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(["awake", "0 in", "awake", "0 out", "1 in", "1 out", "2 in", "2 out", "3 in", "3 out"], diary.Lines);
    }

    [Fact]
    public async Task An_idle_actor_is_put_away_by_the_clock_and_comes_back_with_its_state()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
        var diary = new Diary();
        await Run(town, diary);
        var actor = Proxy(town, "host", "one");
        await actor.Add(1);
        town.Clock.Advance(TimeSpan.FromMinutes(9));
        await town.SettleAsync();
        await actor.Add(1);
        await town.TurnAsync(TimeSpan.FromMinutes(9));
        Assert.Equal(["awake"], diary.Lines);
        await town.TurnAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["awake", "asleep"], diary.Lines);
        Assert.Equal(3, await actor.Add(1));
    }

    [Fact]
    public async Task State_outside_a_turn_is_refused_and_a_missing_key_is_no_content()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
        await Run(town, new Diary());
        using var http = town.Http("host");
        using var put = await http.PutAsync(town.Doubled("host", "v1.0/actors/Counter/none/state"), new StringContent("""[{"operation":"upsert","request":{"key":"x","value":1}}]"""), Ct);
        Assert.Equal(HttpStatusCode.BadRequest, put.StatusCode);
        Assert.Contains("ERR_ACTOR_INSTANCE_MISSING", await put.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var get = await http.GetAsync(town.Doubled("host", "v1.0/actors/Counter/none/state/x"), Ct);
        Assert.Equal(HttpStatusCode.NoContent, get.StatusCode);
    }

    [Fact]
    public async Task Numbers_in_actor_state_are_lost_as_daprd_loses_them()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
        await Run(town, new Diary());
        await Proxy(town, "host", "one").Add(1);
        using var http = town.Http("host");
        using var put = await http.PutAsync("/v1.0/actors/Counter/one/state", new StringContent(
            """[{"operation":"upsert","request":{"key":"x","value":{"b":9007199254740993,"a":1.0,"c":0.12345678,"d":"9007199254740993","e":1e20}}}]"""), Ct);
        Assert.Equal(HttpStatusCode.NoContent, put.StatusCode);
        Assert.Equal(
            """{"a":1,"b":9007199254740992,"c":0.123457,"d":"9007199254740993","e":100000000000000000000}""",
            await http.GetStringAsync("/v1.0/actors/Counter/one/state/x", Ct));
    }

    [Fact]
    public async Task An_actor_type_nobody_hosts_is_not_found_after_five_looks()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
        using var http = town.Http("host");
        var call = http.PutAsync("/v1.0/actors/Nobody/one/method/x", new ByteArrayContent([]), Ct);
        for (var i = 0; i < 5; i++)
        {
            await Until(() => town.StandIn.IsWaitingForClock);
            town.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        using var answer = await call;
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("ERR_ACTOR_NO_ADDRESS", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_turn_is_free_again_when_its_caller_has_left()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["host"]);
        var diary = new Diary();
        await Run(town, diary);
        using var http = town.Http("host");
        using var leaving = new CancellationTokenSource();
        await Proxy(town, "host", "one").Add(1);
        var left = http.PutAsync("/v1.0/actors/Counter/one/method/Hold", new StringContent("\"x\"", Encoding.UTF8, "application/json"), leaving.Token);
        await Until(() => diary.Lines.Contains("x in"));
        var next = Proxy(town, "host", "one").Add(1);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        // The app may still be in the old turn; that the sidecar goes on is all that is promised.
        await Until(() => diary.Asked.Count == 3);
        diary.Gate.SetResult();
        Assert.Equal(2, await next);
    }

    private static ICounter Proxy(TestTown town, string app, string id, bool json = true) =>
        new ActorProxyFactory(new ActorProxyOptions { HttpEndpoint = $"http://localhost:{town.Sidecar(app).HttpPort}", UseJsonSerialization = json })
            .CreateActorProxy<ICounter>(new ActorId(id), "Counter");

    private static Task<WebApplication> Run(TestTown town, Diary diary, bool json = true) => town.RunAsync(
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
