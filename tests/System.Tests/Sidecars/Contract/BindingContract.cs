using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class BindingContract(SidecarTarget target)
{
    private const string Cron = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: tick}
        spec:
          type: bindings.cron
          version: v1
          metadata:
            - {name: schedule, value: "@every 2s"}
        """;

    private const string CronInput = Cron + "\n    - {name: direction, value: \"output, input\"}";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "bindings: cron")]
    public async Task The_app_is_told_at_each_tick_whatever_it_answers()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [CronInput]);
        var ticks = new ConcurrentQueue<DateTimeOffset>();
        await town.RunAsync("a", app => app.MapPost("/tick", () =>
        {
            ticks.Enqueue(town.Now);
            return Results.StatusCode(500);
        }));
        await town.UntilAsync(() => ticks.Count == 3, Soon);
        Assert.All(ticks.Zip(ticks.Skip(1)), pair => Assert.Equal(2, Math.Round((pair.Second - pair.First).TotalSeconds)));
    }

    [Fact, Trait("Feature", "bindings: cron")]
    public async Task An_app_that_has_no_such_route_is_not_told()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Cron]);
        var asked = await WithoutRoute(town);
        await town.StaysAsync(() => asked.All(call => call == "OPTIONS /tick"), TimeSpan.FromSeconds(5));
        Assert.NotEmpty(asked);
    }

    [Fact, Trait("Feature", "bindings: cron")]
    public async Task An_app_is_told_unasked_where_the_direction_is_input_and_never_where_it_is_output()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [CronInput, CronInput.Replace("tick", "tock", StringComparison.Ordinal).Replace(", input", "", StringComparison.Ordinal)]);
        var asked = await WithoutRoute(town);
        await town.UntilAsync(() => asked.Count == 2, Soon);
        Assert.Equal(["POST /tick", "POST /tick"], asked);
    }

    [Theory, Trait("Feature", "bindings: cron")]
    [InlineData(204)]
    [InlineData(500)]
    public async Task A_policy_repeats_a_tick_until_the_app_answers_200(int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [CronInput.Replace("2s", "10s", StringComparison.Ordinal), """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                retries:
                  two: {policy: constant, duration: 1s, maxRetries: 2}
              targets:
                components:
                  tick: {inbound: {retry: two}}
            """]);
        var ticks = new ConcurrentQueue<DateTimeOffset>();
        await town.RunAsync("a", app => app.MapPost("/tick", () =>
        {
            ticks.Enqueue(town.Now);
            return Results.StatusCode(status);
        }));
        await town.UntilAsync(() => ticks.Count == 4, TimeSpan.FromSeconds(25));
        Assert.Equal([1, 1, 8], ticks.Zip(ticks.Skip(1), (one, next) => Math.Round((next - one).TotalSeconds)));
    }

    [Fact, Trait("Feature", "health: of the app")]
    public async Task While_an_app_is_ill_it_is_not_told()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [CronInput], s => s with { HealthEverySeconds = 1 });
        var (well, ticks) = (true, 0);
        await town.RunAsync("a", app =>
        {
            app.MapGet("/healthz", () => well ? Results.Ok() : Results.StatusCode(500));
            app.MapPost("/tick", () => Interlocked.Increment(ref ticks));
        });
        await town.UntilAsync(() => ticks == 2, Soon);
        well = false;
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(6));
        var before = ticks;
        await town.StaysAsync(() => ticks == before, TimeSpan.FromSeconds(5));
        well = true;
        await town.UntilAsync(() => ticks > before, Soon);
    }

    private static async Task<ConcurrentQueue<string>> WithoutRoute(SidecarUnderTest town)
    {
        var asked = new ConcurrentQueue<string>();
        await town.RunAsync("a", app => app.Use(next => context =>
        {
            if (!context.Request.Path.StartsWithSegments("/dapr"))
            {
                asked.Enqueue($"{context.Request.Method} {context.Request.Path}");
            }

            return next(context);
        }));
        return asked;
    }

    [Fact, Trait("Feature", "bindings: http")]
    public async Task A_binding_calls_an_address_outside_and_brings_back_what_it_answered()
    {
        await using var outside = WebApplication.CreateSlimBuilder().Build();
        outside.Urls.Add("http://127.0.0.1:0");
        outside.MapPost("/base/echo", async (HttpRequest request) => Results.Text($"{request.Headers["X-Own"]} {await new StreamReader(request.Body).ReadToEndAsync()}", statusCode: 201));
        outside.MapGet("/base/gone", () => Results.Text("no", statusCode: 410));
        await outside.StartAsync(Ct);
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [$$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: outside}
            spec:
              type: bindings.http
              version: v1
              metadata:
                - {name: url, value: "{{outside.Urls.Single()}}/base"}
            """]);
        using var dapr = town.Client("a");
        var request = new BindingRequest("outside", "post") { Data = Encoding.UTF8.GetBytes("""{"n":1}""") };
        request.Metadata["path"] = "/echo";
        request.Metadata["X-Own"] = "mine";
        var answer = await dapr.InvokeBindingAsync(request, Ct);
        Assert.Equal("""mine {"n":1}""", Encoding.UTF8.GetString(answer.Data.Span));
        Assert.Equal("201", answer.Metadata["statusCode"]);

        using var http = town.Http("a");
        using var failed = await http.PostAsync("/v1.0/bindings/outside", new StringContent(JsonSerializer.Serialize(new { operation = "get", metadata = new { path = "/gone" } })), Ct);
        Assert.Equal((500, "ERR_INVOKE_OUTPUT_BINDING"), await SidecarUnderTest.ErrorOf(failed));
        Assert.Equal("410", Assert.Single(failed.Headers.GetValues("metadata.statusCode")));
        using var unknown = await http.PostAsync("/v1.0/bindings/nobody", new StringContent("""{"operation":"get"}"""), Ct);
        Assert.Equal((500, "ERR_INVOKE_OUTPUT_BINDING"), await SidecarUnderTest.ErrorOf(unknown));
    }
}
