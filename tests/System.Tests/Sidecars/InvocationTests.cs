using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class InvocationTests(GarnetFixture redis)
{
    private const string ThreeTries = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies:
            timeouts: {short: 2s}
            retries:
              two: {policy: constant, duration: 1s, maxRetries: 2}
            circuitBreakers:
              three: {maxRequests: 1, timeout: 30s, trip: consecutiveFailures >= 3}
          targets:
            apps:
              <retried>: {retry: two}
              <slow>: {timeout: short}
              <broken>: {circuitBreaker: three}
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private sealed record Question(string Text);

    [Fact]
    public async Task A_call_reaches_the_app_with_verb_query_headers_and_body_and_its_answer_comes_back_whole()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "b"]);
        await town.RunAsync("b", app => app.MapPost("/ask/{name}", async (string name, string q, Question question, HttpContext context) =>
        {
            context.Response.StatusCode = 418;
            context.Response.Headers["X-Answer"] = context.Request.Headers["X-Question"];
            await context.Response.WriteAsync($"{name} {q} {question.Text} {context.Request.Headers["dapr-caller-app-id"]} {context.Request.Headers["traceparent"].ToString()[3..35]}");
        }));
        using var dapr = town.Client("a");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/ask/kim?q=1%2B1") { Content = JsonContent.Create(new Question("왜")) };
        request.Headers.Add("X-Question", "why");
        request.Headers.Add("traceparent", "00-11111111111111111111111111111111-2222222222222222-01");
        using var client = dapr.CreateInvokableHttpClient(town.Id("b"));
        using var answer = await client.SendAsync(request, Ct);
        Assert.Equal(418, (int)answer.StatusCode);
        Assert.Equal("why", Assert.Single(answer.Headers.GetValues("X-Answer")));
        Assert.Equal($"kim 1+1 왜 {town.Id("a")} 11111111111111111111111111111111", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task An_app_nobody_knows_or_that_is_away_is_error_500_and_says_so()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "b"]);
        using var http = town.Http("a");
        foreach (var id in new[] { "nobody", town.Id("b") })
        {
            using var answer = await http.GetAsync($"/v1.0/invoke/{id}/method/x", Ct);
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.Contains("ERR_DIRECT_INVOKE", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_call_is_repeated_by_policy_and_the_last_answer_is_the_one_told()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "retried"], ThreeTries);
        var bodies = new List<string>();
        await town.RunAsync("retried", app => app.MapPost("/x", async (HttpRequest request) =>
        {
            bodies.Add(await new StreamReader(request.Body).ReadToEndAsync());
            return Results.Text($"try {bodies.Count}", statusCode: 409);
        }));
        using var http = town.Http("a");
        var call = http.PostAsync($"/v1.0/invoke/{town.Id("retried")}/method/x", new StringContent("body"), Ct);
        await Until(() => town.StandIn.IsWaitingForClock);
        await town.TurnAsync(TimeSpan.FromSeconds(1));
        await town.TurnAsync(TimeSpan.FromSeconds(1));
        using var answer = await call;
        Assert.Equal(409, (int)answer.StatusCode);
        Assert.Equal("try 3", await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal(["body", "body", "body"], bodies);
    }

    [Fact]
    public async Task A_call_without_a_length_is_never_repeated()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "retried"], ThreeTries);
        var times = 0;
        await town.RunAsync("retried", app => app.MapPost("/x", async (HttpRequest request) =>
        {
            times++;
            await request.Body.CopyToAsync(Stream.Null);
            return Results.StatusCode(500);
        }));
        using var http = town.Http("a");
        using var answer = await http.PostAsJsonAsync($"/v1.0/invoke/{town.Id("retried")}/method/x", new Question("x"), Ct);
        Assert.Equal(500, (int)answer.StatusCode);
        Assert.Equal(1, times);
    }

    [Fact]
    public async Task A_call_that_takes_too_long_is_error_500_by_the_clock()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "slow"], ThreeTries);
        var asked = new TaskCompletionSource();
        await town.RunAsync("slow", app => app.MapGet("/x", async (HttpContext context) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        }));
        using var http = town.Http("a");
        var call = http.GetAsync($"/v1.0/invoke/{town.Id("slow")}/method/x", Ct);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        town.Clock.Advance(TimeSpan.FromSeconds(2));
        using var answer = await call;
        Assert.Equal(500, (int)answer.StatusCode);
        Assert.Contains("context deadline exceeded", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_breaker_opens_on_failures_even_on_404_and_closes_after_one_success()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "broken"], ThreeTries);
        var (status, times) = (404, 0);
        await town.RunAsync("broken", app => app.MapGet("/x", () =>
        {
            times++;
            return Results.StatusCode(status);
        }));
        using var http = town.Http("a");
        async Task<(int, string)> Call()
        {
            using var answer = await http.GetAsync($"/v1.0/invoke/{town.Id("broken")}/method/x", Ct);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct));
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(404, (await Call()).Item1);
        }

        var (refused, why) = await Call();
        Assert.Equal((500, 3), (refused, times));
        Assert.Contains("circuit breaker is open", why, StringComparison.Ordinal);

        status = 200;
        town.Clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(200, (await Call()).Item1);
        Assert.Equal(200, (await Call()).Item1);
        Assert.Equal(5, times);
    }

    [Fact]
    public async Task Replicas_take_turns()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "b", "b"]);
        await town.RunAsync("b", app => app.MapGet("/who", () => "first"), replica: 0);
        await town.RunAsync("b", app => app.MapGet("/who", () => "second"), replica: 1);
        using var http = town.Http("a");
        var answers = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            answers.Add(await http.GetStringAsync($"/v1.0/invoke/{town.Id("b")}/method/who", Ct));
        }

        Assert.Equal(2, answers.Count(a => a == "first"));
    }

    [Fact]
    public async Task Outbound_health_comes_first_and_health_only_with_the_app()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        Assert.True(await dapr.CheckOutboundHealthAsync(Ct));
        Assert.False(await dapr.CheckHealthAsync(Ct));
        await town.RunAsync("a", _ => { });
        Assert.True(await dapr.CheckHealthAsync(Ct));
        await town.Sidecar("a").DisconnectAppAsync();
        Assert.False(await dapr.CheckHealthAsync(Ct));
    }

    [Fact]
    public async Task What_is_not_supported_is_refused_by_name()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var http = town.Http("a");
        using var answer = await http.PostAsync("/v1.0-alpha1/lock/redis", new StringContent("{}", Encoding.UTF8, "application/json"), Ct);
        Assert.Equal(501, (int)answer.StatusCode);
        Assert.Contains("/v1.0-alpha1/lock/redis", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);

        using var dapr = town.Client("a");
        var error = await Assert.ThrowsAsync<Dapr.DaprException>(() => dapr.InvokeBindingAsync("b", "create", "x", cancellationToken: Ct));
        var inner = (Grpc.Core.RpcException)error.InnerException!;
        Assert.Equal(Grpc.Core.StatusCode.Unimplemented, inner.StatusCode);
        Assert.Contains("InvokeBinding", inner.Status.Detail, StringComparison.Ordinal);
    }

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
