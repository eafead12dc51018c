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
            - {name: direction, value: input}
        """;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "bindings: cron")]
    public async Task The_app_is_told_at_each_tick_whatever_it_answers()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Cron]);
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
        var asked = new ConcurrentQueue<string>();
        await town.RunAsync("a", app => app.Use(next => context =>
        {
            if (context.Request.Path == "/tick")
            {
                asked.Enqueue(context.Request.Method);
            }

            return next(context);
        }));
        await town.StaysAsync(() => asked.All(verb => verb == "OPTIONS"), TimeSpan.FromSeconds(5));
        Assert.NotEmpty(asked);
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
