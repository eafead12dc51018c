using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using SecondhandTrade.SystemTests.Sidecars;

namespace SecondhandTrade.SystemTests.ShippedPolicies;

/// <summary>What components/resiliency.yaml and the shipped subscriptions make of an event that an app does not take.</summary>
public sealed class DeliveryPolicy(GarnetFixture redis)
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    public static TheoryData<string, string, string, string> Subscriptions => new()
    {
        { "payment", "reservations", "ReserveCanceled", "/events/reserve-canceled" },
        { "reservation", "payments", "PaymentAuthorized", "/events/payment-authorized" },
        { "trade", "stock", "StockCommitted", "/events/stock-committed" },
        { "stock", "trades", "TradeHandedOver", "/events/trade-handed-over" },
        { "notification", "trades", "TradeResolved", "/events/trade-resolved" },
        { "mypage", "reservations", "ReserveHeld", "/events/reservations" },
    };

    [Theory]
    [MemberData(nameof(Subscriptions))]
    public async Task An_event_refused_to_the_end_becomes_a_dead_letter_with_its_key_and_bytes_and_the_next_goes_on(string app, string topic, string type, string route)
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var (times, rest) = (0, new ConcurrentQueue<string>());
        var script = await town.Play(app);
        script.With((context, body) =>
        {
            // Notification keeps the dead letters, its own too.
            if (context.Request.Path.StartsWithSegments("/events/dead"))
            {
                return Task.CompletedTask;
            }

            if (Name(body) == "bad")
            {
                Interlocked.Increment(ref times);
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            }
            else
            {
                rest.Enqueue($"{context.Request.Path} {Name(body)}");
            }

            return Task.CompletedTask;
        });
        // order-1 and order-2 live in different partitions.
        await town.Publish("gateway", topic, type, "order-1", new { name = "bad" });
        await town.Publish("gateway", topic, type, "order-1", new { name = "behind" });
        await town.Publish("gateway", topic, type, "order-2", new { name = "elsewhere" });

        // Asked again with growing pauses for about two and a half minutes; nothing overtakes in the partition, nothing waits in another.
        await ScriptedTown.Until(() => !rest.IsEmpty, "the other partition waits");
        var turned = TimeSpan.Zero;
        while (town.Topic($"{app}-dead").Count == 0)
        {
            Assert.Equal([$"{route} elsewhere"], rest);
            Assert.True(turned < TimeSpan.FromMinutes(6), "the message is not given up");
            await town.Turn(Step);
            turned += Step;
        }

        await ScriptedTown.Until(() => town.StandIn.IsIdle, "the next does not go on");
        Assert.InRange(turned, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5));
        Assert.Equal(1 + 16, times);
        Assert.Equal([$"{route} elsewhere", $"{route} behind"], rest);
        var sent = town.Topic(topic).Single(m => Name(Encoding.UTF8.GetString(m.Value!)) == "bad");
        var dead = Assert.Single(town.Topic($"{app}-dead"));
        Assert.Equal((sent.Key, Encoding.UTF8.GetString(sent.Value!)), (dead.Key, Encoding.UTF8.GetString(dead.Value!)));
        Assert.Equal("order-1", dead.Key);
        await town.Turn(TimeSpan.FromMinutes(5));
        Assert.Equal(1 + 16, times);
    }

    [Fact]
    public async Task An_event_taken_after_a_minute_is_no_dead_letter()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        payment.With(409);
        await town.Publish("reservation", "reservations", "ReserveCanceled", "order-1", new { name = "late" });
        for (var turned = TimeSpan.Zero; turned < TimeSpan.FromMinutes(1); turned += Step)
        {
            await town.Turn(Step);
        }

        Assert.False(town.StandIn.IsIdle);
        payment.With(204);
        for (var turns = 0; turns < 10 && !town.StandIn.IsIdle; turns++)
        {
            await town.Turn(Step);
        }

        Assert.True(town.StandIn.IsIdle);
        Assert.Empty(town.Topic("payment-dead"));
    }

    [Fact]
    public async Task A_dead_letter_that_cannot_be_kept_is_asked_for_again_until_it_can()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var (payment, notification) = (await town.Play("payment"), await town.Play("notification"));
        payment.With(500);
        notification.With((context, _) =>
        {
            context.Response.StatusCode = context.Request.Path.StartsWithSegments("/events/dead") ? 503 : 200;
            return Task.CompletedTask;
        });
        await town.Publish("reservation", "reservations", "ReserveCanceled", "order-1", new { name = "bad" });
        for (var turned = TimeSpan.Zero; Dead() < 5; turned += Step)
        {
            Assert.True(turned < TimeSpan.FromMinutes(10), $"{Dead()} tries");
            await town.Turn(Step);
        }

        Assert.False(town.StandIn.IsIdle);
        var before = Dead();
        notification.With(200);
        for (var turns = 0; turns < 10 && !town.StandIn.IsIdle; turns++)
        {
            await town.Turn(Step);
        }

        Assert.True(town.StandIn.IsIdle);
        Assert.Equal(before + 1, Dead());

        int Dead() => notification.Calls.Count(call => call.StartsWith("POST /events/dead/payment ", StringComparison.Ordinal));
    }

    private static string? Name(string envelope) => JsonNode.Parse(envelope)?["data"]?["name"]?.ToString();
}
