using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class HealthContract(SidecarTarget target)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "health: start-up")]
    public async Task Outbound_health_comes_first_and_health_only_with_the_app()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        Assert.True(await dapr.CheckOutboundHealthAsync(Ct));
        Assert.False(await dapr.CheckHealthAsync(Ct));
        using (var http = town.Http("a"))
        {
            using var answer = await http.GetAsync("/v1.0/healthz", Ct);
            Assert.Equal((500, "ERR_HEALTH_NOT_READY"), await SidecarUnderTest.ErrorOf(answer));
        }

        await town.RunAsync("a", _ => { });
        Assert.True(await dapr.CheckHealthAsync(Ct));
    }

    [Fact, Trait("Feature", "health: start-up")]
    public async Task The_app_is_asked_for_its_actors_first_and_then_for_its_subscriptions_once_each_and_told_by_whom()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var asked = new ConcurrentQueue<string>();
        await town.RunAsync("a", app => app.Use((context, next) =>
        {
            if (context.Request.Path.StartsWithSegments("/dapr"))
            {
                asked.Enqueue($"{context.Request.Path} {context.Request.Headers["dapr-app-id"]}");
            }

            return next();
        }));
        Assert.Equal([$"/dapr/config {town.Id("a")}", $"/dapr/subscribe {town.Id("a")}"], asked);
    }

    [Fact, Trait("Feature", "health: of the app")]
    public async Task While_an_app_is_ill_no_actor_no_message_and_no_call_reaches_it_and_afterwards_all_do()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["caller", "a"], null, s => s with { HealthEverySeconds = 1 });
        var (well, configs) = (false, 0);
        var heard = new ConcurrentQueue<string>();
        await town.RunAsync("a", app =>
        {
            app.MapGet("/healthz", () => well ? Results.Ok() : Results.StatusCode(500));
            app.MapGet("/dapr/config", () =>
            {
                configs++;
                return Results.Text("""{"entities":["T"]}""");
            });
            app.MapGet("/dapr/subscribe", () => Results.Text($$"""[{"topic":"{{town.Topic("t")}}","pubsubname":"pubsub","route":"/in"}]"""));
            app.MapPost("/in", () => heard.Enqueue("message"));
            app.MapGet("/call", () => heard.Enqueue("call"));
            app.Map("/actors/{**rest}", () => heard.Enqueue("actor"));
        }, ready: false);
        using var http = town.Http("a");
        using var other = town.Http("caller");
        await town.StaysAsync(() => configs == 0, TimeSpan.FromSeconds(3));
        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await Call());

        well = true;
        await town.UntilAsync(() => configs == 1, Soon);
        await town.AfterAsync(Reached(), Soon);
        Assert.Equal(200, (await Call()).Status);

        well = false;
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(6));
        var before = heard.Count;
        using var dapr = town.Client("caller");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), 1, Ct);
        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await Call());
        Assert.Equal((404, "ERR_ACTOR_NO_ADDRESS"), await Actor());
        Assert.Equal(before, heard.Count);

        well = true;
        await town.UntilAsync(() => heard.Contains("message"), Soon);
        Assert.Equal(200, (await Actor()).Status);
        Assert.Equal(200, (await Call()).Status);
        Assert.Equal(1, configs);

        async Task<(int Status, string? Code)> Call()
        {
            using var answer = await town.AfterAsync(other.GetAsync($"/v1.0/invoke/{town.Id("a")}/method/call", Ct), Soon);
            return await SidecarUnderTest.ErrorOf(answer);
        }

        async Task<(int Status, string? Code)> Actor()
        {
            using var answer = await town.AfterAsync(http.PutAsync("/v1.0/actors/T/1/method/m", null, Ct), Soon);
            return await SidecarUnderTest.ErrorOf(answer);
        }

        async Task<bool> Reached()
        {
            while ((await http.GetAsync("/v1.0/healthz", Ct)).StatusCode != System.Net.HttpStatusCode.NoContent)
            {
                await Task.Yield();
            }

            return true;
        }
    }
}
