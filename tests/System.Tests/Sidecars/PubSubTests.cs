using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class PubSubTests(GarnetFixture redis)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private sealed record Parcel(string Name, int Weight);

    [Fact]
    public async Task What_one_app_publishes_another_hears_through_the_real_sdk()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["sender", "hearer"]);
        var heard = new ConcurrentQueue<Parcel>();
        await town.RunAsync("hearer", app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            app.MapPost("/parcels", (Parcel parcel) => heard.Enqueue(parcel)).WithTopic("pubsub", "parcels");
        });
        using var dapr = town.Client("sender");
        await dapr.PublishEventAsync("pubsub", "parcels", new Parcel("자전거", 12), Ct);
        await town.SettleAsync();
        Assert.Equal([new Parcel("자전거", 12)], heard);
    }

    [Fact]
    public async Task The_envelope_says_what_daprd_says_and_metadata_travels_as_headers()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["sender", "hearer"]);
        var body = "";
        IHeaderDictionary headers = new HeaderDictionary();
        await town.RunAsync("hearer", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text("""[{"topic":"t","pubsubName":"pubsub","route":"in"},{"topic":"unrouted","pubsubName":"pubsub"}]"""));
            app.MapPost("/in", async (HttpRequest request) =>
            {
                headers = new HeaderDictionary(request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase));
                body = await new StreamReader(request.Body).ReadToEndAsync();
            });
        });
        using var dapr = town.Client("sender");
        await dapr.PublishByteEventAsync("pubsub", "t", Encoding.UTF8.GetBytes("""{"big":12345678901234567890,"a":"<"}"""), "application/json",
            new Dictionary<string, string> { ["partitionKey"] = "order-2", ["cloudevent.id"] = "the-id", ["CloudEvent.Type"] = "the-type", ["own"] = "header" }, Ct);
        await town.SettleAsync();

        var sent = JsonElement.Parse(body);
        Assert.Equal("the-id", sent.GetProperty("id").GetString());
        Assert.Equal("the-type", sent.GetProperty("type").GetString());
        Assert.Equal(town.Id("sender"), sent.GetProperty("source").GetString());
        Assert.Equal("1.0", sent.GetProperty("specversion").GetString());
        Assert.Equal("t", sent.GetProperty("topic").GetString());
        Assert.Equal("pubsub", sent.GetProperty("pubsubname").GetString());
        Assert.Equal("12345678901234567890", sent.GetProperty("data").GetProperty("big").GetRawText());
        Assert.Contains("\\u003c", body, StringComparison.Ordinal);
        Assert.Equal(sent.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), sent.EnumerateObject().Select(p => p.Name));
        Assert.Equal("application/cloudevents+json", headers.ContentType);
        Assert.Equal("header", headers["own"]);
        Assert.Equal("order-2", headers["__key"]);
        Assert.Equal("4", headers["__partition"]);
        Assert.Equal("0", headers["__offset"]);
        Assert.Equal(sent.GetProperty("traceparent").GetString()![3..35], headers["traceparent"].ToString()[3..35]);
    }

    [Fact]
    public async Task An_event_the_app_made_keeps_its_fields_and_is_given_no_id()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["sender"]);
        using var dapr = town.Client("sender");
        await dapr.PublishEventAsync("pubsub", "t", new CloudEvent<int>(5) { Type = "five" }, Ct);
        var message = JsonElement.Parse((await Single(town, "t")).Value!);
        Assert.Equal("five", message.GetProperty("type").GetString());
        Assert.Equal(town.Id("sender"), message.GetProperty("source").GetString());
        Assert.False(message.TryGetProperty("id", out _));
    }

    [Theory]
    [InlineData(200, "", true)]
    [InlineData(204, "", true)]
    [InlineData(200, "thanks", true)]
    [InlineData(200, """{"status":""}""", true)]
    [InlineData(200, """{"Status":"SUCCESS"}""", true)]
    [InlineData(200, """{"status":"DROP"}""", true)]
    [InlineData(404, "", true)]
    [InlineData(200, """{"status":"RETRY"}""", false)]
    [InlineData(200, """{"status":"success"}""", false)]
    [InlineData(307, "", false)]
    [InlineData(400, "", false)]
    [InlineData(409, "", false)]
    [InlineData(500, "", false)]
    public async Task An_answer_takes_the_message_or_asks_for_it_again(int status, string text, bool taken)
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        var times = 0;
        await Hearer(town, "a", async context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref times) == 1 ? status : 200;
            if (times == 1)
            {
                await context.Response.WriteAsync(text);
            }
        });
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", "t", 1, Ct);
        await town.SettleAsync();
        Assert.Equal(1, times);
        await town.TurnAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(taken ? 1 : 2, times);
        Assert.True(town.StandIn.IsIdle);
    }

    [Fact]
    public async Task A_message_nobody_takes_holds_up_its_partition_and_no_other()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        var heard = new ConcurrentQueue<string>();
        var fixedNow = false;
        await Hearer(town, "a", async context =>
        {
            var name = (await JsonDocument.ParseAsync(context.Request.Body)).RootElement.GetProperty("data").GetString()!;
            if (name == "bad" && !fixedNow)
            {
                context.Response.StatusCode = 500;
                return;
            }

            heard.Enqueue(name);
        });
        using var dapr = town.Client("a");
        // order-1 lives in partition 1 and order-2 in partition 4 of six.
        await dapr.PublishEventAsync("pubsub", "t", "bad", Key("order-1"), Ct);
        await dapr.PublishEventAsync("pubsub", "t", "behind", Key("order-1"), Ct);
        await dapr.PublishEventAsync("pubsub", "t", "elsewhere", Key("order-2"), Ct);
        await town.SettleAsync();
        Assert.Equal(["elsewhere"], heard);
        Assert.True(town.StandIn.IsWaitingForClock);
        fixedNow = true;
        await town.TurnAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(["elsewhere", "bad", "behind"], heard);
    }

    [Fact]
    public async Task What_is_refused_to_the_end_becomes_a_dead_letter_with_its_key_and_bytes()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"], """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                retries:
                  twice: {policy: constant, duration: 1s, maxRetries: 2}
              targets:
                components:
                  pubsub: {inbound: {retry: twice}}
            """);
        var times = 0;
        await Hearer(town, "a", context =>
        {
            Interlocked.Increment(ref times);
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        }, "\"deadLetterTopic\":\"t-dead\",");
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", "t", "bad", Key("order-1"), Ct);
        await town.SettleAsync();
        await town.TurnAsync(TimeSpan.FromSeconds(1));
        await town.TurnAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(3, times);
        Assert.True(town.StandIn.IsIdle);
        var (sent, dead) = (await Single(town, "t"), await Single(town, "t-dead"));
        Assert.Equal(sent.Value, dead.Value);
        Assert.Equal("order-1", dead.Key);
        Assert.Equal("0", dead.Headers["__offset"]);
    }

    [Fact]
    public async Task The_first_rule_that_matches_decides_where_an_event_goes()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"], """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: s}
            spec:
              pubsubname: pubsub
              topic: t
              routes:
                rules:
                  - match: event.type == "one" || event.type == "uno"
                    path: /one
                  - match: event.type in ["two", "one"] && event.data.n != 5
                    path: /two
                default: /rest
            scopes: [<a>]
            """);
        var heard = new ConcurrentQueue<string>();
        await town.RunAsync("a", app => app.MapPost("/{route}", (string route) => heard.Enqueue(route)));
        using var dapr = town.Client("a");
        foreach (var (type, n) in new[] { ("one", 5), ("two", 4), ("two", 5), ("uno", 1), ("three", 1) })
        {
            await dapr.PublishEventAsync("pubsub", "t", new { n }, new Dictionary<string, string> { ["cloudevent.type"] = type, ["partitionKey"] = "k" }, Ct);
        }

        await town.SettleAsync();
        Assert.Equal(["one", "two", "rest", "one", "rest"], heard);
    }

    [Fact]
    public async Task A_rule_that_cannot_be_read_stops_the_start()
    {
        var error = await Assert.ThrowsAsync<TownException>(() => TestTown.StartAsync(redis.Address, ["a"], """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: s}
            spec: {pubsubname: pubsub, topic: t, routes: {rules: [{match: event.type.startsWith("x"), path: /x}]}}
            """));
        Assert.Contains("2.yaml", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_wait_for_an_app_that_is_away_and_outlive_a_restart()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        var heard = new ConcurrentQueue<string>();
        await Hear(town, heard);
        using (var dapr = town.Client("a"))
        {
            await dapr.PublishEventAsync("pubsub", "t", "one", Key("k"), Ct);
            await town.SettleAsync();
            await town.Sidecar("a").DisconnectAppAsync();
            await dapr.PublishEventAsync("pubsub", "t", "two", Key("k"), Ct);
            Assert.True(town.StandIn.IsIdle);
        }

        await town.RestartAsync();
        await Hear(town, heard);
        await town.SettleAsync();
        Assert.Equal(["one", "two"], heard);
    }

    private static Task<WebApplication> Hear(TestTown town, ConcurrentQueue<string> heard) => Hearer(town, "a", async context =>
        heard.Enqueue((await JsonDocument.ParseAsync(context.Request.Body)).RootElement.GetProperty("data").GetString()!));

    private static Task<WebApplication> Hearer(TestTown town, string app, RequestDelegate handle, string more = "") => town.RunAsync(app, a =>
    {
        a.MapGet("/dapr/subscribe", () => Results.Text($$"""[{"topic":"t",{{more}}"pubsubname":"pubsub","route":"/in"}]"""));
        a.MapPost("/in", handle);
    });

    private static Dictionary<string, string> Key(string key) => new() { ["partitionKey"] = key };

    private static async Task<BrokerMessage> Single(TestTown town, string topic)
    {
        var all = new List<BrokerMessage>();
        await foreach (var message in town.StandIn.Broker.Read(topic))
        {
            all.Add(message);
        }

        return Assert.Single(all);
    }
}
