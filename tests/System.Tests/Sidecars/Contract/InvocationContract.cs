using System.Net.Http.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Autogen = Dapr.Client.Autogen.Grpc.v1;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class InvocationContract(SidecarTarget target)
{
    private const string Policies = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        spec:
          policies:
            timeouts: {short: 2s}
            retries:
              two: {policy: constant, duration: 1s, maxRetries: 2}
              picky: {policy: constant, duration: 1s, maxRetries: 2, matching: {httpStatusCodes: "500-599"}}
              patient: {policy: exponential, maxInterval: 60s, maxRetries: -1}
              DaprBuiltInActorRetries: {policy: constant, duration: 2s, maxRetries: 1}
              DaprBuiltInActorNotFoundRetries: {policy: constant, duration: 1s, maxRetries: 3}
            circuitBreakers:
              three: {maxRequests: 1, timeout: 3s, trip: consecutiveFailures >= 3}
              cautious: {maxRequests: 2, timeout: 3s, trip: consecutiveFailures >= 2}
          targets:
            apps:
              <retried>: {retry: two}
              <picky>: {retry: picky}
              <slow>: {timeout: short, retry: two}
              <patient>: {retry: patient}
              <builtin>: {retry: DaprBuiltInServiceRetries}
              <raised>: {retry: DaprBuiltInActorRetries}
              <protected>: {retry: DaprBuiltInActorNotFoundRetries}
              <broken>: {circuitBreaker: three}
              <cautious>: {circuitBreaker: cautious}
        """;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private sealed record Question(string Text);

    [Fact, Trait("Feature", "invocation: passing through")]
    public async Task A_call_reaches_the_app_with_verb_query_headers_and_body_and_its_answer_comes_back_whole()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
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

    [Fact, Trait("Feature", "invocation: passing through")]
    public async Task Another_apps_headers_name_both_ends_and_what_belongs_to_one_connection_stays_there()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        var heard = new HeaderDictionary();
        await town.RunAsync("b", app => app.MapGet("/one/{**path}", (HttpContext context) =>
        {
            heard = new HeaderDictionary(context.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase));
            return context.Request.Path.Value;
        }));
        using var http = town.Http("a");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1.0/invoke/{town.Id("b")}/method/one//two");
        request.Headers.TryAddWithoutValidation("Keep-Alive", "timeout=5");
        request.Headers.TryAddWithoutValidation("dapr-api-token", "secret");
        request.Headers.Add("X-Own", "kept");
        using var answer = await http.SendAsync(request, Ct);
        Assert.Equal("/one/two", await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal((town.Id("a"), town.Id("b"), "kept"), (heard["dapr-caller-app-id"].ToString(), heard["dapr-callee-app-id"].ToString(), heard["X-Own"].ToString()));
        Assert.True(heard.ContainsKey("X-Forwarded-For") && heard.ContainsKey("X-Forwarded-Host") && heard.ContainsKey("Forwarded"));
        Assert.False(heard.ContainsKey("Keep-Alive") || heard.ContainsKey("dapr-api-token"));
    }

    [Fact, Trait("Feature", "invocation: addresses")]
    public async Task An_app_may_be_named_by_a_header_or_with_its_namespace_and_without_a_name_there_is_none()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        await town.RunAsync("b", app => app.MapGet("/x", (HttpRequest request) => request.Headers.ContainsKey("dapr-app-id") ? "told" : "stripped"));
        using var http = town.Http("a");
        Assert.Equal("stripped", await http.GetStringAsync($"/v1.0/invoke/{town.Id("b")}.default/method/x", Ct));
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/x"))
        {
            request.Headers.Add("dapr-app-id", town.Id("b"));
            using var answer = await http.SendAsync(request, Ct);
            Assert.Equal("stripped", await answer.Content.ReadAsStringAsync(Ct));
        }

        using var none = await http.GetAsync("/x", Ct);
        Assert.Equal(404, (int)none.StatusCode);
    }

    [Theory, Trait("Feature", "invocation: addresses")]
    [InlineData("one//two/", "/one/two")]
    [InlineData("a%2Fb", "/a/b")]
    [InlineData("x/../y", "/y")]
    [InlineData("x/..%2fevents/y", "/events/y")]
    [InlineData("..%2f..%2fy", "/y")]
    [InlineData("a%252fb", "/a%2fb")]
    [InlineData("a/%252e%252e/b", "/a/%2e%2e/b")]
    [InlineData("a%20b", "/a%20b")]
    [InlineData("a+%2B'", "/a++'")]
    [InlineData("%EC%99%9C", "/%EC%99%9C")]
    public async Task A_path_is_decoded_once_and_tidied_before_the_app_sees_it(string sent, string seen)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        await town.RunAsync("b", app =>
        {
            app.MapGet("/dapr/{what}", () => Results.NotFound());
            app.MapGet("/{**rest}", (HttpContext context) => context.Features.Get<IHttpRequestFeature>()!.RawTarget);
        });
        using var http = town.Http("a");
        Assert.Equal($"{seen}?q=%2F", await http.GetStringAsync(town.Exactly("a", $"/v1.0/invoke/{town.Id("b")}/method/{sent}?q=%2F"), Ct));
        using var named = new HttpRequestMessage(HttpMethod.Get, town.Exactly("a", $"/{sent}"));
        named.Headers.Add("dapr-app-id", town.Id("b"));
        using var answer = await http.SendAsync(named, Ct);
        Assert.Equal(seen, await answer.Content.ReadAsStringAsync(Ct));
    }

    [Theory, Trait("Feature", "invocation: addresses")]
    [InlineData("a%3Fb")]
    [InlineData("a%23b")]
    [InlineData("a%0Db")]
    [InlineData("a%25b")]
    public async Task A_path_with_a_character_that_would_cut_it_short_is_error_500(string sent)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        var asked = 0;
        await town.RunAsync("b", app =>
        {
            app.MapGet("/dapr/{what}", () => Results.NotFound());
            app.MapGet("/{**rest}", () => Interlocked.Increment(ref asked));
        });
        using var http = town.Http("a");
        using var answer = await town.AfterAsync(http.GetAsync(town.Exactly("a", $"/v1.0/invoke/{town.Id("b")}/method/{sent}"), Ct), Soon);
        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await SidecarUnderTest.ErrorOf(answer));
        Assert.Equal(0, asked);
    }

    [Fact, Trait("Feature", "invocation: grpc")]
    public async Task The_older_call_over_grpc_reaches_the_app_too()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        await town.RunAsync("b", app => app.MapPost("/x", async (HttpRequest request) => Results.Text($"{await new StreamReader(request.Body).ReadToEndAsync()}!", "text/x-own")));
        using var channel = GrpcChannel.ForAddress(town.Sidecar("a").Grpc);
        var answer = await new Autogen.Dapr.DaprClient(channel).InvokeServiceAsync(
            new Autogen.InvokeServiceRequest
            {
                Id = town.Id("b"),
                Message = new Autogen.InvokeRequest { Method = "x", ContentType = "text/plain", Data = new Any { Value = ByteString.CopyFromUtf8("hi") }, HttpExtension = new Autogen.HTTPExtension { Verb = Autogen.HTTPExtension.Types.Verb.Post } },
            },
            cancellationToken: Ct);
        Assert.Equal(("hi!", "text/x-own"), (answer.Data.Value.ToStringUtf8(), answer.ContentType));
    }

    [Fact, Trait("Feature", "invocation: errors")]
    public async Task An_app_nobody_knows_or_that_is_away_is_error_500()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        using var http = town.Http("a");
        foreach (var id in new[] { "nobody", town.Id("b") })
        {
            using var answer = await town.AfterAsync(http.GetAsync($"/v1.0/invoke/{id}/method/x", Ct), Soon);
            Assert.Equal((500, "ERR_DIRECT_INVOKE"), await SidecarUnderTest.ErrorOf(answer));
        }
    }

    [Fact, Trait("Feature", "resiliency: retries")]
    public async Task A_call_is_repeated_by_policy_and_the_last_answer_is_the_one_told()
    {
        await using var town = await Town("retried");
        var bodies = new List<string>();
        await town.RunAsync("retried", app => app.MapPost("/x", async (HttpRequest request) =>
        {
            bodies.Add(await new StreamReader(request.Body).ReadToEndAsync());
            return Results.Text($"try {bodies.Count}", statusCode: 409);
        }));
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.PostAsync($"/v1.0/invoke/{town.Id("retried")}/method/x", new StringContent("body"), Ct), Soon);
        Assert.Equal((409, "try 3"), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct)));
        Assert.Equal(["body", "body", "body"], bodies);
        Assert.InRange(town.Now - began, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4));
    }

    [Theory, Trait("Feature", "resiliency: retries")]
    [InlineData(404, 1)]
    [InlineData(503, 3)]
    public async Task Only_what_a_policy_matches_is_repeated(int status, int times)
    {
        await using var town = await Town("picky");
        var asked = 0;
        await town.RunAsync("picky", app => app.MapGet("/x", () => Results.StatusCode(++asked > 0 ? status : 0)));
        using var http = town.Http("a");
        using var answer = await town.AfterAsync(http.GetAsync($"/v1.0/invoke/{town.Id("picky")}/method/x", Ct), Soon);
        Assert.Equal((status, times), ((int)answer.StatusCode, asked));
    }

    [Theory, Trait("Feature", "resiliency: retries")]
    [InlineData("plain", 1)]
    [InlineData("picky", 3)]
    public async Task A_connection_the_app_breaks_is_repeated_by_any_policy_but_never_without_one(string app, int times)
    {
        // What daprd repeats by itself is only what did not reach the other sidecar.
        await using var town = await Town(app);
        var asked = 0;
        await town.RunAsync(app, a => a.MapPost("/x", (HttpContext context) =>
        {
            asked++;
            context.Abort();
        }));
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.PostAsync($"/v1.0/invoke/{town.Id(app)}/method/x", new StringContent("body"), Ct), Soon);
        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await SidecarUnderTest.ErrorOf(answer));
        Assert.Equal(times, asked);
        Assert.InRange(town.Now - began, TimeSpan.FromSeconds(times - 1), TimeSpan.FromSeconds(times));
    }

    [Theory, Trait("Feature", "resiliency: built-in names")]
    [InlineData("builtin", 3, 1)]
    [InlineData("raised", 3, 2)]
    [InlineData("protected", 5, 1)]
    public async Task A_target_may_name_what_is_built_in_which_has_three_retries_at_least_and_one_of_which_is_protected(string app, int retries, int pause)
    {
        await using var town = await Town(app);
        var asked = 0;
        await town.RunAsync(app, a => a.MapGet("/x", () => Results.StatusCode(++asked > 0 ? 500 : 0)));
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.GetAsync($"/v1.0/invoke/{town.Id(app)}/method/x", Ct), Soon);
        Assert.Equal((500, 1 + retries), ((int)answer.StatusCode, asked));
        Assert.InRange(town.Now - began, TimeSpan.FromSeconds(retries * pause), TimeSpan.FromSeconds(retries * pause + 2));
    }

    [Fact, Trait("Feature", "resiliency: retries")]
    public async Task Exponential_pauses_grow_and_end_after_a_quarter_of_an_hour_however_many_retries_are_allowed()
    {
        Assert.SkipUnless(target is StandInTarget, "a quarter of an hour passes only on a clock the test turns");
        await using var town = await Town("patient");
        var asked = new List<DateTimeOffset>();
        await town.RunAsync("patient", a => a.MapGet("/x", () =>
        {
            asked.Add(town.Now);
            return Results.StatusCode(503);
        }));
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.GetAsync($"/v1.0/invoke/{town.Id("patient")}/method/x", Ct), TimeSpan.FromMinutes(20));
        Assert.Equal(503, (int)answer.StatusCode);
        // 500 ms that grow by half up to a minute, each half of that more or less: a last pause has 90 s at most.
        Assert.InRange(asked[^1] - began, TimeSpan.FromMinutes(13.4), TimeSpan.FromMinutes(15));
        Assert.True(town.Now - began <= TimeSpan.FromMinutes(15));
        Assert.InRange(asked.Count, 15, 50);
        var pauses = asked.Zip(asked.Skip(1), (one, next) => next - one).ToArray();
        Assert.InRange(pauses[0], TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(1.5));
        Assert.InRange(pauses[5..].Max(), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(91));
    }

    [Fact, Trait("Feature", "resiliency: retries")]
    public async Task A_call_without_a_length_is_never_repeated()
    {
        await using var town = await Town("retried");
        var times = 0;
        await town.RunAsync("retried", app => app.MapPost("/x", async (HttpRequest request) =>
        {
            times++;
            await request.Body.CopyToAsync(Stream.Null);
            return Results.StatusCode(500);
        }));
        using var http = town.Http("a");
        using var answer = await town.AfterAsync(http.PostAsJsonAsync($"/v1.0/invoke/{town.Id("retried")}/method/x", new Question("x"), Ct), Soon);
        Assert.Equal((500, 1), ((int)answer.StatusCode, times));
    }

    [Fact, Trait("Feature", "resiliency: timeouts")]
    public async Task Each_attempt_has_the_whole_timeout_and_too_late_is_error_500()
    {
        await using var town = await Town("slow");
        var asked = 0;
        await town.RunAsync("slow", app => app.MapGet("/x", async (HttpContext context) =>
        {
            asked++;
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        }));
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.GetAsync($"/v1.0/invoke/{town.Id("slow")}/method/x", Ct), TimeSpan.FromSeconds(30), held: true);
        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await SidecarUnderTest.ErrorOf(answer));
        Assert.Equal(3, asked);
        // Three times two seconds, and a second between each.
        Assert.InRange(town.Now - began, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(12));
    }

    [Fact, Trait("Feature", "resiliency: breakers")]
    public async Task A_breaker_opens_on_failures_even_on_404_and_closes_after_one_success()
    {
        await using var town = await Town("broken");
        var (status, times) = (404, 0);
        await town.RunAsync("broken", app => app.MapGet("/x", () =>
        {
            times++;
            return Results.StatusCode(status);
        }));
        using var http = town.Http("a");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(404, (await Call(http, town.Id("broken"))).Status);
        }

        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await Call(http, town.Id("broken")));
        Assert.Equal(3, times);

        status = 200;
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(3.5));
        Assert.Equal(200, (await Call(http, town.Id("broken"))).Status);
        Assert.Equal(200, (await Call(http, town.Id("broken"))).Status);
        Assert.Equal(5, times);
    }

    [Fact, Trait("Feature", "resiliency: breakers")]
    public async Task Each_method_of_an_app_has_a_breaker_of_its_own()
    {
        await using var town = await Town("broken");
        await town.RunAsync("broken", app =>
        {
            app.MapGet("/x", () => Results.StatusCode(500));
            app.MapGet("/y", () => "y");
        });
        using var http = town.Http("a");
        for (var i = 0; i < 3; i++)
        {
            (await http.GetAsync($"/v1.0/invoke/{town.Id("broken")}/method/x", Ct)).Dispose();
        }

        Assert.Equal((500, "ERR_DIRECT_INVOKE"), await Call(http, town.Id("broken")));
        Assert.Equal("y", await http.GetStringAsync($"/v1.0/invoke/{town.Id("broken")}/method/y", Ct));
    }

    [Fact, Trait("Feature", "resiliency: breakers")]
    public async Task A_half_open_breaker_needs_as_many_successes_as_it_lets_through_and_one_failure_opens_it_again()
    {
        await using var town = await Town("cautious");
        var answers = new Queue<int>([500, 500, 200, 500, 200, 200, 200]);
        await town.RunAsync("cautious", app => app.MapGet("/x", () => Results.StatusCode(answers.Dequeue())));
        using var http = town.Http("a");
        async Task Expect(params int[] statuses)
        {
            foreach (var status in statuses)
            {
                Assert.Equal(status, (await Call(http, town.Id("cautious"))).Status);
            }
        }

        await Expect(500, 500);
        Assert.Equal("ERR_DIRECT_INVOKE", (await Call(http, town.Id("cautious"))).Code);
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(3.5));
        await Expect(200, 500);
        Assert.Equal("ERR_DIRECT_INVOKE", (await Call(http, town.Id("cautious"))).Code);
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(3.5));
        await Expect(200, 200, 200);
        Assert.Empty(answers);
    }

    [Fact, Trait("Feature", "invocation: replicas")]
    public async Task Replicas_take_turns()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b", "b"]);
        await town.RunAsync("b", app => app.MapGet("/who", () => "first"), replica: 0);
        await town.RunAsync("b", app => app.MapGet("/who", () => "second"), replica: 1);
        using var http = town.Http("a");
        var answers = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add(await http.GetStringAsync($"/v1.0/invoke/{town.Id("b")}/method/who", Ct));
        }

        Assert.Equal(["first", "second"], answers.Distinct().Order(StringComparer.Ordinal));
    }

    private Task<SidecarUnderTest> Town(string callee) => SidecarUnderTest.StartAsync(target, ["a", callee], [Policies]);

    private static async Task<(int Status, string? Code)> Call(HttpClient http, string app)
    {
        using var answer = await http.GetAsync($"/v1.0/invoke/{app}/method/x", Ct);
        return await SidecarUnderTest.ErrorOf(answer);
    }
}
