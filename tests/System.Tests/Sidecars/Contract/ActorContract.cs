using System.Text;
using System.Text.Json;
using Dapr.Actors;
using Dapr.Actors.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class ActorContract(SidecarTarget target)
{
    private const string Reentrant = """{"entities":["T"],"reentrancy":{"enabled":true}}""";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory, Trait("Feature", "actors: methods")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_actor_keeps_what_it_is_told_and_is_found_from_another_sidecar(bool json)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "other"]);
        var diary = new Diary();
        await RunCounter(town, diary, json);
        Assert.Equal(2, await Proxy(town, "other", "one", json).Add(2));
        Assert.Equal(5, await Proxy(town, "other", "one", json).Add(3));
        await town.StopAsync("host");
        await RunCounter(town, diary, json);
        Assert.Equal(6, await Proxy(town, "other", "one", json).Add(1));
        Assert.Equal(["awake", "awake"], diary.Lines);
    }

    [Fact, Trait("Feature", "actors: exceptions")]
    public async Task An_actors_exception_travels_to_its_caller()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "other"]);
        await RunCounter(town, new Diary());
        var error = await Assert.ThrowsAsync<ActorMethodInvocationException>(() => Proxy(town, "other", "one").Fail());
        Assert.Contains("as told", error.ToString(), StringComparison.Ordinal);
    }

    [Fact, Trait("Feature", "actors: exceptions")]
    public async Task A_typed_failure_is_a_200_with_its_header_and_its_bytes_and_is_not_repeated()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "other"]);
        byte[] bytes = [0, 255, 1, 128, 10];
        var actors = await Host(town, async (_, context) =>
        {
            context.Response.Headers["X-DaprErrorResponseHeader"] = "<e>x</e>";
            context.Response.ContentType = "application/octet-stream; charset=utf-8";
            await context.Response.Body.WriteAsync(bytes);
        });
        foreach (var from in new[] { "host", "other" })
        {
            using var http = town.Http(from);
            using var answer = await http.PutAsync($"/v1.0/actors/T/{from}/method/m", null, Ct);
            Assert.Equal(200, (int)answer.StatusCode);
            Assert.Equal("<e>x</e>", Assert.Single(answer.Headers.GetValues("X-DaprErrorResponseHeader")));
            Assert.Equal("application/octet-stream; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(bytes, await answer.Content.ReadAsByteArrayAsync(Ct));
        }

        Assert.Equal(2, actors.Calls.Length);
    }

    [Theory, Trait("Feature", "actors: addresses")]
    [InlineData("PUT", "//v1.0/actors/T/1/method/m")]
    [InlineData("POST", "/v1.0/actors/T/1/method/m/")]
    [InlineData("GET", "/v1.0//actors/T/1/method/m")]
    [InlineData("DELETE", "//v1.0/actors/T/1/method/m")]
    public async Task However_the_slashes_and_the_verb_the_app_is_asked_with_put(string verb, string path)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var actors = await Host(town);
        using var answer = await Send(town, "host", verb, path);
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("PUT /actors/T/1/method/m", actors.Paths());
    }

    [Theory, Trait("Feature", "actors: addresses")]
    [InlineData("PUT", "//v1.0/actors/T/1/state")]
    [InlineData("POST", "//v1.0/actors/T/1/state/")]
    public async Task State_is_saved_with_put_and_post_and_two_slashes_in_front(string verb, string path)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Awake(town);
        using var saved = await Send(town, "host", verb, path, """[{"operation":"upsert","request":{"key":"k","value":"v"}}]""");
        Assert.Equal(204, (int)saved.StatusCode);
        using var read = await Send(town, "host", "GET", "//v1.0/actors/T/1/state/k");
        Assert.Equal((200, "\"v\""), ((int)read.StatusCode, await read.Content.ReadAsStringAsync(Ct)));
    }

    [Theory, Trait("Feature", "actors: addresses")]
    [InlineData("a%2Fb", "/a/b")]
    [InlineData("x%2F..%2Fb", "/b")]
    [InlineData("a%20b", "/a%20b")]
    public async Task A_method_is_decoded_once_and_tidied_before_the_app_sees_it(string sent, string seen)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var actors = await Host(town);
        using var answer = await Send(town, "host", "PUT", $"/v1.0/actors/T/1/method/{sent}");
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal($"PUT /actors/T/1/method{seen}", actors.Paths());
    }

    [Theory, Trait("Feature", "actors: addresses")]
    [InlineData("a%3Fb", 400, "ERR_BAD_REQUEST")]
    [InlineData("a%23b", 400, "ERR_BAD_REQUEST")]
    [InlineData("a/b", 404, "ERR_DIRECT_INVOKE")]
    public async Task A_method_with_a_character_of_addresses_is_refused(string sent, int status, string code)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var actors = await Host(town);
        using var answer = await Send(town, "host", "PUT", $"/v1.0/actors/T/1/method/{sent}");
        Assert.Equal((status, code), await SidecarUnderTest.ErrorOf(answer));
        Assert.Empty(actors.Calls);
    }

    [Theory, Trait("Feature", "actors: addresses")]
    [InlineData("a%23b")]
    [InlineData("a%5Cb")]
    [InlineData("a%3Fb")]
    public async Task An_id_with_a_character_of_addresses_is_refused(string id)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Host(town);
        using var answer = await Send(town, "host", "PUT", $"/v1.0/actors/T/{id}/method/m");
        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Theory, Trait("Feature", "actors: answers")]
    [InlineData(204)]
    [InlineData(201)]
    [InlineData(404)]
    [InlineData(500)]
    public async Task Whatever_the_app_answers_but_200_is_an_error_of_the_call(int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Host(town, (_, context) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        using var answer = await town.AfterAsync(Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m"), Soon);
        Assert.Equal((500, "ERR_ACTOR_INVOKE_METHOD"), await SidecarUnderTest.ErrorOf(answer));
    }

    [Fact, Trait("Feature", "actors: placement")]
    public async Task An_actor_type_nobody_hosts_is_not_found()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Host(town);
        using var answer = await town.AfterAsync(Send(town, "host", "PUT", "/v1.0/actors/Nobody/one/method/x"), Soon);
        Assert.Equal((404, "ERR_ACTOR_NO_ADDRESS"), await SidecarUnderTest.ErrorOf(answer));
    }

    [Fact, Trait("Feature", "actors: idle")]
    public async Task An_idle_actor_is_put_away_counted_from_the_start_of_its_last_turn()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var actors = await Host(town, config: """{"entities":["T"],"actorIdleTimeout":"3s"}""");
        for (var i = 0; i < 2; i++)
        {
            (await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m")).Dispose();
            await town.StaysAsync(() => actors.Calls.All(c => c.Verb == "PUT"), TimeSpan.FromSeconds(2), actors.Paths);
        }

        await town.UntilAsync(() => actors.Calls is [.., { Verb: "DELETE", Path: "/actors/T/1" }], Soon, actors.Paths);
        Assert.Equal(3, actors.Calls.Length);
    }

    [Theory, Trait("Feature", "actors: idle")]
    [InlineData(500)]
    [InlineData(204)]
    [InlineData(0)]
    public async Task However_the_app_answers_to_being_told_the_actor_is_put_away_once_and_comes_back_when_called(int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var actors = await Host(town, (call, context) =>
        {
            if (call.Verb == "DELETE" && status == 0)
            {
                context.Abort();
            }
            else if (call.Verb == "DELETE")
            {
                context.Response.StatusCode = status;
            }

            return Task.CompletedTask;
        }, """{"entities":["T"],"actorIdleTimeout":"2s"}""");
        (await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m")).Dispose();
        await town.UntilAsync(() => actors.Calls is [.., { Verb: "DELETE" }], Soon, actors.Paths);
        await town.StaysAsync(() => actors.Calls.Length == 2, TimeSpan.FromSeconds(4), actors.Paths);
        using var put = await Send(town, "host", "PUT", "/v1.0/actors/T/1/state", """[{"operation":"upsert","request":{"key":"k","value":1}}]""");
        Assert.Equal((400, "ERR_ACTOR_INSTANCE_MISSING"), await SidecarUnderTest.ErrorOf(put));
        using var again = await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m");
        Assert.Equal(200, (int)again.StatusCode);
        await town.UntilAsync(() => actors.Calls is [_, _, _, { Verb: "DELETE" }], Soon, actors.Paths);
    }

    [Fact, Trait("Feature", "actors: turns")]
    public async Task One_actor_has_one_turn_at_a_time_and_another_goes_on()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "other"]);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (inside, most) = (0, 0);
        var actors = await Host(town, async (call, _) =>
        {
            if (call.Path.StartsWith("/actors/T/1/", StringComparison.Ordinal))
            {
                most = Math.Max(most, Interlocked.Increment(ref inside));
                await gate.Task;
                Interlocked.Decrement(ref inside);
            }
        });
        var calls = Enumerable.Range(0, 4).Select(i => Send(town, i % 2 == 0 ? "host" : "other", "PUT", "/v1.0/actors/T/1/method/m")).ToArray();
        await town.UntilAsync(() => inside == 1, Soon);
        (await Send(town, "other", "PUT", "/v1.0/actors/T/2/method/m")).Dispose();
        gate.SetResult();
        foreach (var call in calls)
        {
            (await call).Dispose();
        }

        Assert.Equal((1, 5), (most, actors.Calls.Length));
    }

    [Fact, Trait("Feature", "actors: turns")]
    public async Task A_turn_is_free_again_when_its_caller_has_left()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var actors = await Host(town, (call, _) => call.Path.EndsWith("/hold", StringComparison.Ordinal) ? gate.Task : Task.CompletedTask);
        using var leaving = new CancellationTokenSource();
        using var http = town.Http("host");
        var left = http.PutAsync("/v1.0/actors/T/1/method/hold", null, leaving.Token);
        await town.UntilAsync(() => actors.Calls.Length == 1, Soon, actors.Paths);
        var next = Send(town, "host", "PUT", "/v1.0/actors/T/1/method/next");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        // The app is still in the old turn; that the queue moves on is all that is promised.
        using var answer = await next.WaitAsync(Soon, Ct);
        Assert.Equal(200, (int)answer.StatusCode);
        gate.SetResult();
    }

    [Theory, Trait("Feature", "actors: reentrancy")]
    [InlineData(Reentrant, true)]
    [InlineData("""{"entities":["T"]}""", false)]
    public async Task A_chain_of_calls_comes_back_to_its_actor_only_where_the_app_says_so(string config, bool enters)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        var inner = new TaskCompletionSource<int?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var patience = new CancellationTokenSource();
        var actors = await Host(town, async (call, _) =>
        {
            if (call.Path.EndsWith("/outer", StringComparison.Ordinal))
            {
                try
                {
                    using var answer = await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/inner", chain: call.Headers.GetValueOrDefault("Dapr-Reentrancy-Id"), ct: patience.Token);
                    inner.SetResult((int)answer.StatusCode);
                }
                catch (OperationCanceledException)
                {
                    inner.SetResult(null);
                }
            }
        }, config);
        var outer = Send(town, "host", "PUT", "/v1.0/actors/T/1/method/outer");
        await town.UntilAsync(() => actors.Calls.Length >= 1, Soon, actors.Paths);
        if (enters)
        {
            Assert.Equal(200, await inner.Task.WaitAsync(Soon, Ct));
            Assert.Equal(actors.Calls[0].Headers["Dapr-Reentrancy-Id"], actors.Calls[1].Headers["Dapr-Reentrancy-Id"]);
        }
        else
        {
            await town.StaysAsync(() => actors.Calls.Length == 1, TimeSpan.FromSeconds(1), actors.Paths, held: true);
            await patience.CancelAsync();
            Assert.Null(await inner.Task);
        }

        (await outer).Dispose();
    }

    [Fact, Trait("Feature", "actors: reentrancy")]
    public async Task A_chain_may_be_thirty_two_calls_deep()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        (int Status, string? Code) last = default;
        var actors = await Host(town, async (call, _) =>
        {
            using var answer = await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m", chain: call.Headers["Dapr-Reentrancy-Id"]);
            if (!answer.IsSuccessStatusCode)
            {
                last = await SidecarUnderTest.ErrorOf(answer);
            }
        }, Reentrant);
        (await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m")).Dispose();
        Assert.Equal((500, "ERR_ACTOR_STACK_DEPTH"), last);
        Assert.Equal(32, actors.Calls.Length);
    }

    [Fact, Trait("Feature", "actors: state")]
    public async Task State_outside_a_turn_is_refused_and_a_missing_key_is_no_content()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Host(town);
        using var put = await Send(town, "host", "PUT", "//v1.0/actors/T/none/state", """[{"operation":"upsert","request":{"key":"x","value":1}}]""");
        Assert.Equal((400, "ERR_ACTOR_INSTANCE_MISSING"), await SidecarUnderTest.ErrorOf(put));
        using var get = await Send(town, "host", "GET", "//v1.0/actors/T/none/state/x");
        Assert.Equal((204, ""), ((int)get.StatusCode, await get.Content.ReadAsStringAsync(Ct)));
    }

    [Fact, Trait("Feature", "actors: state")]
    public async Task A_body_that_is_no_list_of_operations_is_malformed()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Awake(town);
        using var put = await Send(town, "host", "PUT", "/v1.0/actors/T/1/state", "[{");
        Assert.Equal((400, "ERR_MALFORMED_REQUEST"), await SidecarUnderTest.ErrorOf(put));
    }

    [Fact, Trait("Feature", "actors: state")]
    public async Task Numbers_in_actor_state_are_lost_as_daprd_loses_them_and_strings_are_not()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"]);
        await Awake(town);
        using var put = await Send(town, "host", "PUT", "/v1.0/actors/T/1/state",
            """[{"operation":"upsert","request":{"key":"x","value":{"b":9007199254740993,"a":1.0,"c":0.12345678,"d":"9007199254740993"}}}]""");
        Assert.Equal(204, (int)put.StatusCode);
        using var http = town.Http("host");
        var read = JsonElement.Parse(await http.GetStringAsync("/v1.0/actors/T/1/state/x", Ct));
        Assert.Equal(["1", "9007199254740992", "0.123457", "\"9007199254740993\""], "abcd".Select(n => read.GetProperty($"{n}").GetRawText()));
    }

    [Fact, Trait("Feature", "actors: state")]
    public async Task The_state_of_actors_lives_under_app_type_and_id_whatever_the_prefix()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"], [Yaml.StateStore + "\n    - name: keyPrefix\n      value: none\n"]);
        await Awake(town);
        (await Send(town, "host", "PUT", "/v1.0/actors/T/1/state", """[{"operation":"upsert","request":{"key":"k","value":"v"}}]""")).Dispose();
        await using var redis = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(target.Redis);
        Assert.Equal("\"v\"", (string?)await redis.GetDatabase().HashGetAsync($"{town.Id("host")}||T||1||k", "data"));
    }

    [Theory, Trait("Feature", "actors: state")]
    [InlineData(false, 500)]
    [InlineData(true, 204)]
    public async Task A_time_to_live_of_actor_state_needs_its_feature(bool on, int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"], null, setting =>
        {
            var file = Path.Combine(setting.Home, "config.yaml");
            File.WriteAllText(file, $"apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: c}}\nspec:\n  features:\n    - name: ActorStateTTL\n      enabled: {(on ? "true" : "false")}\n");
            return setting with { ConfigFile = file };
        });
        await Awake(town);
        using var put = await Send(town, "host", "PUT", "/v1.0/actors/T/1/state", """[{"operation":"upsert","request":{"key":"k","value":"v","metadata":{"ttlInSeconds":"60"}}}]""");
        Assert.Equal((status, on ? null : "ERR_ACTOR_STATE_TRANSACTION_SAVE"), await SidecarUnderTest.ErrorOf(put));
    }

    [Fact, Trait("Feature", "resiliency: actors")]
    public async Task A_policy_repeats_a_typed_failure_and_its_timeout_does_not_count_the_wait_for_the_turn()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"], [Yaml.StateStore, """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                timeouts: {short: 3s}
                retries:
                  two: {policy: constant, duration: 1s, maxRetries: 2}
              targets:
                actors:
                  T: {retry: two}
                  U: {timeout: short}
            """]);
        var gates = Enumerable.Range(0, 2).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        var actors = await Host(town, async (call, context) =>
        {
            if (call.Path.EndsWith("/fail", StringComparison.Ordinal))
            {
                context.Response.Headers["X-DaprErrorResponseHeader"] = "x";
            }
            else if (call.Path.Contains("/hold", StringComparison.Ordinal))
            {
                await gates[call.Path[^1] - '0'].Task;
            }
        }, """{"entities":["T","U"]}""");
        using var failed = await town.AfterAsync(Send(town, "host", "PUT", "/v1.0/actors/T/1/method/fail"), Soon);
        Assert.Equal((200, 3), ((int)failed.StatusCode, actors.Calls.Length));

        // Two turns of almost two seconds each go before: together they take longer than the timeout, and neither does.
        var held = new List<Task<HttpResponseMessage>>();
        for (var i = 0; i < gates.Length; i++)
        {
            held.Add(Send(town, "host", "PUT", $"/v1.0/actors/U/2/method/hold{i}"));
            await town.UntilAsync(() => actors.To("/actors/U/2/method/hold0").Length == 1, Soon, actors.Paths, held: true);
        }

        await town.StaysAsync(() => true, TimeSpan.FromSeconds(0.1), held: true);
        var queued = Send(town, "host", "PUT", "/v1.0/actors/U/2/method/m");
        for (var i = 0; i < gates.Length; i++)
        {
            await town.UntilAsync(() => actors.To($"/actors/U/2/method/hold{i}").Length == 1, Soon, actors.Paths, held: true);
            await town.StaysAsync(() => !queued.IsCompleted && actors.To("/actors/U/2/method/m").Length == 0, TimeSpan.FromSeconds(1.7), actors.Paths, held: true);
            gates[i].SetResult();
            Assert.Equal(200, (int)(await held[i]).StatusCode);
        }

        using var answer = await queued;
        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Theory, Trait("Feature", "resiliency: actors")]
    [InlineData("host", 409, 3)]
    [InlineData("host", 404, 1)]
    [InlineData("other", 404, 3)]
    public async Task A_policy_repeats_what_an_actor_fails_with_whatever_it_matches_but_not_a_missing_method_at_home(string from, int status, int times)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host", "other"], [Yaml.StateStore, """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                retries:
                  picky: {policy: constant, duration: 1s, maxRetries: 2, matching: {httpStatusCodes: "503"}}
              targets:
                actors:
                  T: {retry: picky}
            """]);
        var actors = await Host(town, (_, context) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        using var failed = await town.AfterAsync(Send(town, from, "PUT", "/v1.0/actors/T/1/method/m"), Soon);
        Assert.Equal((500, "ERR_ACTOR_INVOKE_METHOD"), await SidecarUnderTest.ErrorOf(failed));
        Assert.Equal(times, actors.Calls.Length);
    }

    [Fact, Trait("Feature", "resiliency: actors")]
    public async Task A_breaker_of_an_actor_type_opens_on_its_failures_and_keeps_calls_from_all_its_actors()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["host"], [Yaml.StateStore, """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                circuitBreakers:
                  two: {maxRequests: 1, timeout: 3s, trip: consecutiveFailures >= 2}
              targets:
                actors:
                  T: {circuitBreaker: two, circuitBreakerScope: type}
            """]);
        var status = 500;
        var actors = await Host(town, (_, context) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        for (var i = 0; i < 4; i++)
        {
            using var failed = await Send(town, "host", "PUT", $"/v1.0/actors/T/{i}/method/m");
            Assert.Equal((500, "ERR_ACTOR_INVOKE_METHOD"), await SidecarUnderTest.ErrorOf(failed));
        }

        Assert.Equal("PUT /actors/T/0/method/m, PUT /actors/T/1/method/m", actors.Paths());
        status = 200;
        await town.StaysAsync(() => true, TimeSpan.FromSeconds(3.5));
        using var answer = await Send(town, "host", "PUT", "/v1.0/actors/T/2/method/m");
        Assert.Equal(200, (int)answer.StatusCode);
    }

    private static async Task<ScriptedActors> Host(SidecarUnderTest town, Func<Asked, HttpContext, Task>? answer = null, string config = """{"entities":["T"]}""")
    {
        var actors = new ScriptedActors(() => town.Now) { Config = config, Answer = answer };
        await town.RunAsync("host", actors.Map);
        return actors;
    }

    private static async Task Awake(SidecarUnderTest town)
    {
        await Host(town);
        (await Send(town, "host", "PUT", "/v1.0/actors/T/1/method/m")).Dispose();
    }

    private static async Task<HttpResponseMessage> Send(SidecarUnderTest town, string app, string verb, string path, string? body = null, string? chain = null, CancellationToken ct = default)
    {
        using var http = town.Http(app);
        using var request = new HttpRequestMessage(new HttpMethod(verb), town.Exactly(app, path));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "text/plain");
        if (chain is not null)
        {
            request.Headers.Add("Dapr-Reentrancy-Id", chain);
        }

        return await http.SendAsync(request, ct);
    }

    private static ICounter Proxy(SidecarUnderTest town, string app, string id, bool json = true) =>
        new ActorProxyFactory(new ActorProxyOptions { HttpEndpoint = $"http://localhost:{town.Sidecar(app).HttpPort}", UseJsonSerialization = json })
            .CreateActorProxy<ICounter>(new ActorId(id), "Counter");

    private static Task<WebApplication> RunCounter(SidecarUnderTest town, Diary diary, bool json = true) => town.RunAsync(
        "host",
        app => app.MapActorsHandlers(),
        services =>
        {
            services.AddSingleton(diary);
            services.AddActors(o =>
            {
                o.UseJsonSerialization = json;
                o.Actors.RegisterActor<Counter>();
            });
        });
}
