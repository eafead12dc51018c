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
    public async Task An_app_is_sent_its_own_token_and_not_the_callers()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], null, s => s with { ApiToken = Token, AppApiToken = "app-token" });
        await town.RunAsync("a", app => app.MapGet("/x", (HttpRequest request) => request.Headers["dapr-api-token"].ToString()));
        using var http = town.Http("a");
        http.DefaultRequestHeaders.Add("dapr-api-token", Token);
        Assert.Equal("app-token", await http.GetStringAsync($"/v1.0/invoke/{town.Id("a")}/method/x", Ct));
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
