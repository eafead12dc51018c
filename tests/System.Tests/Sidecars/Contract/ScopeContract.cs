using System.Collections.Concurrent;
using System.Net.Http.Json;
using Dapr;
using Dapr.Client;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class ScopeContract(SidecarTarget target)
{
    private const string Token = "a-token";

    private static readonly string[] Prefixes = ["", "DAPR_", "APP_", "CONTRACT_"];

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "scopes: components")]
    public async Task A_component_is_there_for_the_apps_it_names_only()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], [Yaml.StateStore + "\nscopes: [<a>]\n"]);
        using var a = town.Http("a");
        using var seen = await a.GetAsync("/v1.0/state/statestore/k", Ct);
        Assert.Equal(204, (int)seen.StatusCode);
        using var b = town.Http("b");
        using var unseen = await b.GetAsync("/v1.0/state/statestore/k", Ct);
        Assert.Equal((500, "ERR_STATE_STORE_NOT_CONFIGURED"), await SidecarUnderTest.ErrorOf(unseen));
    }

    [Fact, Trait("Feature", "scopes: topics")]
    public async Task An_app_publishes_to_the_topics_it_may_only()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], [Yaml.PubSub("    - name: publishingScopes\n      value: \"<a>=open-<a>;<b>=\"")]);
        using var a = town.Http("a");
        using var b = town.Http("b");
        using var allowed = await a.PostAsync($"/v1.0/publish/pubsub/open-{town.Id("a")}", new StringContent("1"), Ct);
        Assert.Equal(204, (int)allowed.StatusCode);
        foreach (var (http, topic) in new[] { (a, "other"), (b, $"open-{town.Id("a")}") })
        {
            using var refused = await http.PostAsync($"/v1.0/publish/pubsub/{topic}", new StringContent("1"), Ct);
            Assert.Equal((403, "ERR_PUBSUB_FORBIDDEN"), await SidecarUnderTest.ErrorOf(refused));
        }
    }

    [Fact, Trait("Feature", "scopes: topics")]
    public async Task An_app_hears_the_topics_it_may_only()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], [Yaml.PubSub("    - name: subscriptionScopes\n      value: \"<a>=open-<a>\"")]);
        var heard = new ConcurrentQueue<string>();
        string[] topics = [$"open-{town.Id("a")}", $"other-{town.Id("a")}"];
        foreach (var app in new[] { "a", "b" })
        {
            await town.RunAsync(app, w =>
            {
                w.MapGet("/dapr/subscribe", () => topics.Select((topic, i) => new { topic, pubsubname = "pubsub", route = $"/{i}" }));
                w.MapPost("/{n}", (string n) => heard.Enqueue(app + n));
            });
        }

        using var dapr = town.Client("a");
        foreach (var topic in topics)
        {
            await dapr.PublishEventAsync("pubsub", topic, 1, Ct);
        }

        await town.UntilAsync(() => heard.Count == 3, Soon);
        await town.StaysAsync(() => heard.Order().SequenceEqual(["a0", "b0", "b1"]), TimeSpan.FromSeconds(2), () => string.Join(' ', heard));
    }

    [Theory, Trait("Feature", "scopes: topics")]
    [InlineData("open", 204, null)]
    [InlineData("closed", 403, "ERR_PUBSUB_FORBIDDEN")]
    public async Task Where_a_component_allows_topics_no_other_is_published_to(string topic, int status, string? code)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Yaml.PubSub("    - name: allowedTopics\n      value: \"open-<a>,more\"")]);
        using var http = town.Http("a");
        using var answer = await http.PostAsync($"/v1.0/publish/pubsub/{topic}-{town.Id("a")}", new StringContent("1"), Ct);
        Assert.Equal((status, code), await SidecarUnderTest.ErrorOf(answer));
    }

    [Fact, Trait("Feature", "scopes: app ids")]
    public async Task Two_app_ids_that_differ_in_case_are_two_apps()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["shop", "SHOP"]);
        foreach (var app in new[] { "shop", "SHOP" })
        {
            await town.RunAsync(app, w => w.MapGet("/who", () => app));
        }

        using var dapr = town.Client("shop");
        using var http = town.Http("shop");
        foreach (var app in new[] { "shop", "SHOP" })
        {
            Assert.Equal(app, await http.GetStringAsync($"/v1.0/invoke/{town.Id(app)}/method/who", Ct));
            using var client = dapr.CreateInvokableHttpClient(town.Id(app));
            Assert.Equal(app, await client.GetStringAsync("/who", Ct));
        }

        await dapr.SaveStateAsync("statestore", "k", "small", cancellationToken: Ct);
        using var other = town.Client("SHOP");
        Assert.Null(await other.GetStateAsync<string?>("statestore", "k", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "pubsub: in-memory")]
    public async Task The_bus_in_memory_is_its_sidecars_own_and_offers_a_message_once()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], ["""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: bus}
            spec: {type: pubsub.in-memory, version: v1}
            """]);
        var heard = new ConcurrentQueue<string>();
        foreach (var app in new[] { "a", "b" })
        {
            await town.RunAsync(app, w =>
            {
                w.MapGet("/dapr/subscribe", () => Results.Text("""[{"topic":"t","pubsubname":"bus","route":"/in"}]"""));
                w.MapPost("/in", (HttpContext context) =>
                {
                    heard.Enqueue(app);
                    context.Response.StatusCode = 500;
                });
            });
        }

        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("bus", "t", 1, Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        await town.StaysAsync(() => heard.SequenceEqual(["a"]), TimeSpan.FromSeconds(6));
    }

    [Fact, Trait("Feature", "limits")]
    public async Task More_than_four_mebibytes_are_refused()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        var big = new byte[(4 << 20) + 1];
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.SaveByteStateAsync("statestore", "k", big, cancellationToken: Ct));
        Assert.Equal(StatusCode.ResourceExhausted, ((RpcException)error.InnerException!).StatusCode);
        await dapr.SaveByteStateAsync("statestore", "k", big.AsMemory(0, 3 << 20), cancellationToken: Ct);
        Assert.Equal(3 << 20, (await dapr.GetByteStateAsync("statestore", "k", cancellationToken: Ct)).Length);
    }

    [Theory, Trait("Feature", "limits")]
    [InlineData("POST", "publish/pubsub/t", "\"<big>\"", 500, "ERR_PUBSUB_PUBLISH_MESSAGE")]
    [InlineData("POST", "publish/bulk/pubsub/t", """[{"entryId":"1","contentType":"text/plain","event":"<big>"}]""", 400, "ERR_PUBSUB_EVENTS_SER")]
    [InlineData("POST", "state/statestore", """[{"key":"k","value":"<big>"}]""", 400, "ERR_MALFORMED_REQUEST")]
    [InlineData("PUT", "actors/T/1/state", """[{"operation":"upsert","request":{"key":"k","value":"<big>"}}]""", 400, "ERR_MALFORMED_REQUEST")]
    [InlineData("PUT", "actors/T/1/method/m", "\"<big>\"", 400, "ERR_BAD_REQUEST")]
    public async Task More_than_four_mebibytes_over_HTTP_are_refused_as_each_api_refuses(string verb, string path, string body, int status, string code)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        await town.RunAsync("a", new ScriptedActors(() => town.Now).Map);
        using var http = town.Http("a");
        (await http.PutAsync("/v1.0/actors/T/1/method/m", null, Ct)).Dispose();
        using var request = new HttpRequestMessage(new HttpMethod(verb), $"/v1.0/{path}") { Content = new StringContent(body.Replace("<big>", new string('x', 4 << 20), StringComparison.Ordinal)) };
        using var answer = await http.SendAsync(request, Ct);
        Assert.Equal((status, code), await SidecarUnderTest.ErrorOf(answer));
    }

    [Theory, Trait("Feature", "limits")]
    [InlineData(null, 7_000, 200)]
    [InlineData(null, 9_000, 431)]
    [InlineData(16 << 10, 9_000, 200)]
    [InlineData(16 << 10, 19_000, 200)]
    [InlineData(16 << 10, 21_000, 431)]
    public async Task Headers_may_be_as_long_as_the_sidecar_is_told_and_four_kibibytes_more(int? size, int length, int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], null, s => s with { ReadBufferSize = size });
        using var http = town.Http("a");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1.0/metadata");
        request.Headers.Add("X-Long", new string('x', length));
        using var answer = await http.SendAsync(request, Ct);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact, Trait("Feature", "limits")]
    public async Task An_app_is_asked_no_more_at_a_time_than_it_takes()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "caller"], null, s => s with { MaxConcurrency = 2 });
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = 0;
        await town.RunAsync("a", app => app.MapGet("/x", async () =>
        {
            Interlocked.Increment(ref asked);
            await gate.Task;
        }));
        using var http = town.Http("caller");
        var calls = Enumerable.Range(0, 3).Select(_ => http.GetAsync($"/v1.0/invoke/{town.Id("a")}/method/x", Ct)).ToArray();
        await town.UntilAsync(() => asked == 2, Soon, held: true);
        await town.StaysAsync(() => asked == 2, TimeSpan.FromSeconds(2), held: true);
        gate.SetResult();
        foreach (var call in calls)
        {
            Assert.Equal(200, (int)(await call).StatusCode);
        }

        Assert.Equal(3, asked);
    }

    [Fact, Trait("Feature", "tokens")]
    public async Task A_sidecar_with_a_token_asks_it_of_everybody_but_those_who_ask_for_its_health()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], null, s => s with { ApiToken = Token });
        using var http = town.Http("a");
        using var health = await http.GetAsync("/v1.0/healthz/outbound", Ct);
        Assert.Equal(204, (int)health.StatusCode);
        using var refused = await http.GetAsync("/v1.0/state/statestore/k", Ct);
        Assert.Equal(401, (int)refused.StatusCode);

        using var dapr = town.Client("a", Token);
        await dapr.SaveStateAsync("statestore", "k", 1, cancellationToken: Ct);
        // The SDK forgets the token in this one call.
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.SaveBulkStateAsync("statestore", [new SaveStateItem<int>("k", 2, null!)], Ct));
        Assert.Equal(StatusCode.Unauthenticated, ((RpcException)error.InnerException!).StatusCode);
    }

    [Fact, Trait("Feature", "tokens")]
    public async Task An_app_is_sent_its_own_token_and_not_the_callers_with_all_it_is_sent()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], null, s => s with { ApiToken = Token, AppApiToken = "app-token" });
        var tokens = new ConcurrentDictionary<string, string>();
        await town.RunAsync("a", app =>
        {
            app.Use((context, next) =>
            {
                tokens[context.Request.Path.Value!] = context.Request.Headers["dapr-api-token"].ToString();
                return next();
            });
            app.MapGet("/dapr/config", () => Results.Text("""{"entities":["T"]}"""));
            app.MapGet("/dapr/subscribe", () => Results.Text($$"""[{"topic":"{{town.Topic("t")}}","pubsubname":"pubsub","route":"/in"}]"""));
            app.Map("/{**rest}", () => Results.Ok());
        });
        using var http = town.Http("a");
        http.DefaultRequestHeaders.Add("dapr-api-token", Token);
        (await http.GetAsync($"/v1.0/invoke/{town.Id("a")}/method/x", Ct)).Dispose();
        (await http.PutAsync("/v1.0/actors/T/1/method/m", null, Ct)).Dispose();
        (await http.PostAsync($"/v1.0/publish/pubsub/{town.Topic("t")}", new StringContent("1"), Ct)).Dispose();
        await town.UntilAsync(() => tokens.ContainsKey("/in"), Soon);
        Assert.Equal(
            ["/actors/T/1/method/m app-token", "/dapr/config app-token", "/dapr/subscribe app-token", "/in app-token", "/x app-token"],
            tokens.Select(t => $"{t.Key} {t.Value}").Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "secrets")]
    public async Task A_secret_of_the_environment_is_read()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], ["""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: secrets}
            spec: {type: secretstores.local.env, version: v1}
            """]);
        using var dapr = town.Client("a");
        var secret = await dapr.GetSecretAsync("secrets", "PATH", cancellationToken: Ct);
        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), secret["PATH"]);
        using var http = town.Http("a");
        using var unknown = await http.GetAsync("/v1.0/secrets/nobody/k", Ct);
        Assert.Equal((401, "ERR_SECRET_STORE_NOT_FOUND"), await SidecarUnderTest.ErrorOf(unknown));
    }

    [Fact, Trait("Feature", "secrets")]
    public async Task The_towns_tokens_are_no_secrets_that_one_may_ask_for()
    {
        using var tokens = new Variables(("APP_API_TOKEN", "the-apps"), ("DAPR_API_TOKEN", Token), ("CONTRACT_SECRET", "readable"));
        await using var town = await SidecarUnderTest.StartAsync(
            target, ["a"], [.. Prefixes.Select((prefix, i) => $$"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: secrets{{i}}}
            spec: {type: secretstores.local.env, version: v1, metadata: [{name: prefix, value: "{{prefix}}"}]}
            """)], s => s with { ApiToken = Token, AppApiToken = "the-apps" });
        using var http = town.Http("a");
        http.DefaultRequestHeaders.Add("dapr-api-token", Token);
        foreach (var path in new[] { "0/APP_API_TOKEN", "0/DAPR_API_TOKEN", "0/app_api_token", "1/API_TOKEN", "2/API_TOKEN", "0/bulk", "1/bulk", "2/bulk" })
        {
            var said = await http.GetStringAsync($"/v1.0/secrets/secrets{path}", Ct);
            Assert.DoesNotContain("the-apps", said, StringComparison.Ordinal);
            Assert.DoesNotContain(Token, said, StringComparison.Ordinal);
        }

        Assert.Contains("readable", await http.GetStringAsync("/v1.0/secrets/secrets0/bulk", Ct), StringComparison.Ordinal);
        Assert.Equal("""{"SECRET":"readable"}""", await http.GetStringAsync("/v1.0/secrets/secrets3/SECRET", Ct));
    }

    [Fact, Trait("Feature", "secrets")]
    public async Task A_secret_of_a_file_is_read_by_its_path()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], ["""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: secrets}
            spec: {type: secretstores.local.file, version: v1, metadata: [{name: secretsFile, value: <home>/secrets.json}]}
            """, """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: dotted}
            spec: {type: secretstores.local.file, version: v1, metadata: [{name: secretsFile, value: <home>/secrets.json}, {name: nestedSeparator, value: "."}]}
            """], WithSecrets);
        using var dapr = town.Client("a");
        foreach (var (store, name, value) in new[] { ("secrets", "plain", "open"), ("secrets", "store:prefix", "from-afar"), ("dotted", "store.prefix", "from-afar") })
        {
            var secret = await dapr.GetSecretAsync(store, name, cancellationToken: Ct);
            Assert.Equal((name, value), (secret.Single().Key, secret.Single().Value));
        }

        var all = await dapr.GetBulkSecretAsync("dotted", cancellationToken: Ct);
        Assert.Equal(["plain", "store.prefix"], all.Keys.Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "components: secretKeyRef, envRef, {appID}")]
    public async Task What_a_component_is_told_may_be_a_secret_a_variable_or_its_apps_name()
    {
        using var variable = new Variables(("CONTRACT_PREFIX", "from-around"));
        await using var town = await SidecarUnderTest.StartAsync(
            target, ["a", "b"], [
            """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata: {name: secrets}
            spec: {type: secretstores.local.file, version: v1, metadata: [{name: secretsFile, value: <home>/secrets.json}]}
            """,
            Keyed("secret", "secretKeyRef: {name: 'store:prefix', key: 'store:prefix'}") + "\nauth: {secretStore: secrets}\n", Keyed("afar", "value: from-afar"),
            Keyed("variable", "envRef: CONTRACT_PREFIX"), Keyed("around", "value: from-around"), Keyed("named", "value: 'of-{appID}'"), Keyed("as", "value: of-<a>"),
            ], WithSecrets);
        using var a = town.Client("a");
        using var b = town.Client("b");
        foreach (var (told, plain) in new[] { ("secret", "afar"), ("variable", "around"), ("named", "as") })
        {
            await a.SaveStateAsync(told, town.Id("k"), told, cancellationToken: Ct);
            Assert.Equal(told, await b.GetStateAsync<string?>(plain, town.Id("k"), cancellationToken: Ct));
            Assert.Equal(told == "named" ? null : told, await b.GetStateAsync<string?>(told, town.Id("k"), cancellationToken: Ct));
        }

        static string Keyed(string name, string prefix) => Yaml.StateStore.Replace("name: statestore", $"name: {name}", StringComparison.Ordinal)
            .Replace("value: \"true\"", "value: \"false\"", StringComparison.Ordinal) + $"\n    - name: keyPrefix\n      {prefix}";
    }

    [Fact, Trait("Feature", "components: secretKeyRef, envRef, {appID}")]
    public async Task A_consumer_named_after_its_app_hears_what_the_other_heard()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], [Yaml.PubSub("    - name: consumerID\n      value: \"readers-{appID}\"")]);
        var heard = new ConcurrentQueue<string>();
        foreach (var app in new[] { "a", "b" })
        {
            await town.RunAsync(app, w =>
            {
                w.MapGet("/dapr/subscribe", () => Results.Text($$"""[{"topic":"{{town.Topic("t")}}","pubsubname":"pubsub","route":"/in"}]"""));
                w.MapPost("/in", () => heard.Enqueue(app));
            });
        }

        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), 1, Ct);
        await town.UntilAsync(() => heard.Order().SequenceEqual(["a", "b"]), Soon, () => string.Join(' ', heard));
    }

    private static Setting WithSecrets(Setting setting)
    {
        File.WriteAllText(Path.Combine(setting.Home, "secrets.json"), """{"plain":"open","store":{"prefix":"from-afar"}}""");
        return setting;
    }

    [Fact, Trait("Feature", "metadata")]
    public async Task A_sidecar_tells_its_app_and_components_and_keeps_what_it_is_told()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var http = town.Http("a");
        using var put = await http.PutAsync("/v1.0/metadata/own", new StringContent("value"), Ct);
        Assert.Equal(204, (int)put.StatusCode);
        var json = await http.GetFromJsonAsync<System.Text.Json.JsonElement>("/v1.0/metadata", Ct);
        Assert.Equal((town.Id("a"), "value"), (json.GetProperty("id").GetString(), json.GetProperty("extended").GetProperty("own").GetString()));
        Assert.Equal(["pubsub", "statestore"], json.GetProperty("components").EnumerateArray().Select(c => c.GetProperty("name").GetString()).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "metadata")]
    public async Task Over_gRPC_it_tells_its_actors_too()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var actors = new ScriptedActors(() => town.Now);
        await town.RunAsync("a", actors.Map);
        using var http = town.Http("a");
        (await http.PutAsync("/v1.0/actors/T/1/method/m", null, Ct)).Dispose();
        using var dapr = town.Client("a");
        var metadata = await dapr.GetMetadataAsync(Ct);
        Assert.Equal(town.Id("a"), metadata.Id);
        Assert.Equal(("T", 1), metadata.Actors.Select(a => (a.Type, a.Count)).Single());
    }

    /// <summary>Variables of this process, and of the tools that it starts, until the end of the test.</summary>
    private sealed class Variables : IDisposable
    {
        private readonly (string Name, string? Was)[] before;

        public Variables(params (string Name, string Value)[] set)
        {
            before = [.. set.Select(v => (v.Name, Environment.GetEnvironmentVariable(v.Name)))];
            foreach (var (name, value) in set)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }

        public void Dispose()
        {
            foreach (var (name, was) in before)
            {
                Environment.SetEnvironmentVariable(name, was);
            }
        }
    }
}
