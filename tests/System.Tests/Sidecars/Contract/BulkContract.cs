using System.Text;
using System.Text.Json;
using Dapr;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Autogen = Dapr.Client.Autogen.Grpc.v1;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class BulkContract(SidecarTarget target)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string Small => Yaml.PubSub("    - name: maxMessageBytes\n      value: \"2000\"");

    [Theory, Trait("Feature", "publish: bulk")]
    [InlineData("v1.0")]
    [InlineData("v1.0-alpha1")]
    public async Task Each_entry_of_a_list_becomes_an_event_of_its_own(string version)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = await Hearing.Start(town, "a");
        using var answer = await Publish(town, """
            [
              {"entryId":"1","event":{"b":1.50,"a":9007199254740993,"c":"<"},"contentType":"application/json"},
              {"entryId":"2","event":"plain","contentType":"text/plain; charset=utf-8"},
              {"entryId":"3","event":"AP8H","contentType":"application/octet-stream"},
              {"entryId":"4","event":{"specversion":"1.0","type":"own","data":4},"contentType":"application/cloudevents+json"}
            ]
            """, version: version);
        Assert.Equal((204, ""), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct)));
        await town.UntilAsync(() => heard.Count == 4, Soon);
        var events = heard.Select(h => h.Event).ToArray();
        // Over HTTP the list is decoded into float64: only strings keep big numbers.
        Assert.Equal("""{"a":9007199254740992,"b":1.5,"c":"\u003c"}""", Of("application/json").GetProperty("data").GetRawText());
        Assert.Equal("plain", Of("text/plain; charset=utf-8").GetProperty("data").GetString());
        Assert.Equal("AP8H", Of("application/octet-stream").GetProperty("data_base64").GetString());
        Assert.Single(events, e => e.GetProperty("type").GetString() == "own" && !e.TryGetProperty("id", out _));
        Assert.Equal(3, events.Where(e => e.TryGetProperty("id", out _)).Select(e => e.GetProperty("id").GetString()).Distinct().Count());
        Assert.Equal(4, events.Select(e => e.GetProperty("traceparent").GetString()).Distinct().Count());

        JsonElement Of(string type) => events.Single(e => e.TryGetProperty("datacontenttype", out var t) && t.GetString() == type);
    }

    [Fact, Trait("Feature", "publish: bulk")]
    public async Task An_entrys_metadata_shape_its_envelope_and_the_requests_go_to_the_broker()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = await Hearing.Start(town, "a");
        using var answer = await Publish(town, """
            [
              {"entryId":"1","event":"own","contentType":"text/plain","metadata":{"cloudevent.type":"entry","partitionKey":"order-2","own":"x"}},
              {"entryId":"2","event":"none","contentType":"text/plain"}
            ]
            """, "?metadata.cloudevent.type=request&metadata.partitionKey=order-1&metadata.all=y");
        Assert.Equal(204, (int)answer.StatusCode);
        await town.UntilAsync(() => heard.Count == 2, Soon);
        var (own, none) = (heard.Single(h => h.Data == "own"), heard.Single(h => h.Data == "none"));
        Assert.Equal(("entry", "com.dapr.event.sent"), (TypeOf(own), TypeOf(none)));
        Assert.Equal(("order-1", "order-1"), (own.Headers["__key"].ToString(), none.Headers["__key"].ToString()));
        Assert.Equal(("x", "", "y", "y"), (own.Headers["own"].ToString(), none.Headers["own"].ToString(), own.Headers["all"].ToString(), none.Headers["all"].ToString()));

        static string? TypeOf(Heard heard) => heard.Event.GetProperty("type").GetString();
    }

    [Theory, Trait("Feature", "publish: bulk")]
    [InlineData("""{"entryId":"1","event":"twice","contentType":"text/plain"}""")]
    [InlineData("""{"event":"no id","contentType":"text/plain"}""")]
    [InlineData("""{"entryId":"2","event":{"n":1},"contentType":"text/plain"}""")]
    [InlineData("""{"entryId":"2","event":{"n":1},"contentType":"application/octet-stream"}""")]
    [InlineData("""{"entryId":"2","event":"not base64!","contentType":"application/octet-stream"}""")]
    [InlineData("""{"entryId":"2","event":{"n":1}}""")]
    [InlineData("7")]
    [InlineData("")]
    public async Task An_entry_that_makes_no_sense_refuses_the_whole_list(string bad)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = await Hearing.Start(town, "a");
        using var answer = await Publish(town, $$"""[{"entryId":"1","event":"good","contentType":"text/plain"},{{bad}}]""");
        Assert.Equal((400, "ERR_PUBSUB_EVENTS_SER"), await SidecarUnderTest.ErrorOf(answer));
        await town.StaysAsync(() => heard.IsEmpty, TimeSpan.FromSeconds(2));
    }

    [Fact, Trait("Feature", "publish: bulk")]
    public async Task What_the_broker_refuses_is_told_entry_by_entry_and_the_rest_is_published()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Small]);
        var heard = await Hearing.Start(town, "a");
        using var answer = await Publish(town, $$"""
            [
              {"entryId":"first","event":"first","contentType":"text/plain"},
              {"entryId":"big","event":"{{new string('x', 2000)}}","contentType":"text/plain"},
              {"entryId":"last","event":"last","contentType":"text/plain"}
            ]
            """);
        Assert.Equal(500, (int)answer.StatusCode);
        var said = JsonElement.Parse(await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal("ERR_PUBSUB_PUBLISH_MESSAGE", said.GetProperty("errorCode").GetString());
        var failed = Assert.Single(said.GetProperty("failedEntries").EnumerateArray());
        Assert.Equal("big", failed.GetProperty("entryId").GetString());
        Assert.NotEqual("", failed.GetProperty("error").GetString());
        await town.UntilAsync(() => heard.Count == 2, Soon);
        Assert.Equal(["first", "last"], heard.Select(h => h.Data).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "publish: bulk")]
    public async Task A_policy_publishes_again_only_what_failed()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Small, """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                retries:
                  two: {policy: constant, duration: 1s, maxRetries: 2}
              targets:
                components:
                  pubsub: {outbound: {retry: two}}
            """]);
        var heard = await Hearing.Start(town, "a");
        var began = town.Now;
        using var answer = await town.AfterAsync(Publish(town, $$"""
            [{"entryId":"good","event":"good","contentType":"text/plain"},{"entryId":"big","event":"{{new string('x', 2000)}}","contentType":"text/plain"}]
            """), Soon);
        Assert.Equal(500, (int)answer.StatusCode);
        Assert.InRange(town.Now - began, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4));
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        await town.StaysAsync(() => heard.Count == 1, TimeSpan.FromSeconds(2));
    }

    [Theory, Trait("Feature", "publish: bulk")]
    [InlineData("nobody", "t", 404, "ERR_PUBSUB_NOT_FOUND")]
    [InlineData("pubsub", "closed", 403, "ERR_PUBSUB_FORBIDDEN")]
    public async Task A_list_goes_where_a_single_event_might_go_only(string pubsub, string topic, int status, string code)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Yaml.PubSub("    - name: protectedTopics\n      value: closed")]);
        using var http = town.Http("a");
        using var answer = await http.PostAsync($"/v1.0/publish/bulk/{pubsub}/{topic}", new StringContent("""[{"entryId":"1","event":1,"contentType":"application/json"}]"""), Ct);
        Assert.Equal((status, code), await SidecarUnderTest.ErrorOf(answer));
    }

    [Fact, Trait("Feature", "publish: bulk")]
    public async Task Over_grpc_many_go_in_one_call_and_one_failure_is_the_error_of_all()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Small]);
        var heard = await Hearing.Start(town, "a");
        using var dapr = town.Client("a");
        Assert.Empty((await dapr.BulkPublishEventAsync("pubsub", town.Topic("t"), ["one", "two"], cancellationToken: Ct)).FailedEntries);
        await town.UntilAsync(() => heard.Count == 2, Soon);

        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.BulkPublishEventAsync("pubsub", town.Topic("t"), ["three", new string('x', 2000)], cancellationToken: Ct));
        Assert.Equal(StatusCode.Internal, Assert.IsType<RpcException>(error.InnerException).StatusCode);
        await town.UntilAsync(() => heard.Count == 3, Soon);

        using var channel = GrpcChannel.ForAddress(town.Sidecar("a").Grpc);
        var request = new Autogen.BulkPublishRequest { PubsubName = "pubsub", Topic = town.Topic("t") };
        request.Entries.Add(new Autogen.BulkPublishRequestEntry { EntryId = "same", ContentType = "text/plain", Event = ByteString.CopyFromUtf8("four") });
        request.Entries.Add(request.Entries[0].Clone());
        var twice = await Assert.ThrowsAsync<RpcException>(async () => await new Autogen.Dapr.DaprClient(channel).BulkPublishEventAsync(request, cancellationToken: Ct));
        Assert.Equal(StatusCode.InvalidArgument, twice.StatusCode);
        Assert.Equal(["one", "three", "two"], heard.Select(h => h.Data).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "subscriptions: bulk")]
    public async Task Of_a_batch_only_what_was_not_taken_is_sent_again_by_policy_and_then_becomes_a_dead_letter()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "undertaker"], [Yaml.PubSub(), """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            scopes: [<a>]
            spec:
              policies:
                retries:
                  once: {policy: constant, duration: 1s, maxRetries: 1}
              targets:
                components:
                  pubsub: {inbound: {retry: once}}
            """]);
        var dead = await Hearing.Start(town, "undertaker", topic: "dead");
        var batches = new List<string>();
        await Hearing.Start(town, "a", async (message, context) =>
        {
            var entries = message.Event.GetProperty("entries").EnumerateArray()
                .Select(e => (Id: e.GetProperty("entryId").GetString(), Data: e.GetProperty("event").GetProperty("data").GetString()!)).ToArray();
            batches.Add(string.Join(',', entries.Select(e => e.Data)));
            await context.Response.WriteAsJsonAsync(new { statuses = entries.Select(e => new { entryId = e.Id, status = e.Data }) });
        }, more: $"\"deadLetterTopic\":\"{town.Topic("dead")}\",\"bulkSubscribe\":{{\"enabled\":true,\"maxMessagesCount\":3,\"maxAwaitDurationMs\":1000}},");
        using var dapr = town.Client("a");
        foreach (var wanted in new[] { "SUCCESS", "RETRY", "DROP" })
        {
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), wanted, new Dictionary<string, string> { ["partitionKey"] = "k" }, Ct);
        }

        await town.UntilAsync(() => dead.Count == 2, Soon, () => string.Join(" | ", batches));
        Assert.Equal(["SUCCESS,RETRY,DROP", "RETRY"], batches);
        Assert.Equal(["DROP", "RETRY"], dead.Select(h => h.Data).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "subscriptions: bulk")]
    public async Task A_rule_that_cannot_be_decided_fails_its_message_and_no_other_of_the_batch()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "undertaker"]);
        var dead = await Hearing.Start(town, "undertaker", topic: "dead");
        var heard = new List<string?>();
        await town.RunAsync("a", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text($$$"""
                [{"topic":"{{{town.Topic("t")}}}","pubsubname":"pubsub","deadLetterTopic":"{{{town.Topic("dead")}}}","bulkSubscribe":{"enabled":true,"maxMessagesCount":2,"maxAwaitDurationMs":1000},
                "routes":{"rules":[{"match":"event.data.n > 1","path":"/in"}],"default":"/in"}}]
                """));
            app.MapPost("/in", async (HttpRequest request) =>
            {
                var entries = JsonElement.Parse(await new StreamReader(request.Body).ReadToEndAsync()).GetProperty("entries").EnumerateArray().ToArray();
                heard.AddRange(entries.Select(e => e.GetProperty("event").GetProperty("data").GetRawText()));
                return new { statuses = entries.Select(e => new { entryId = e.GetProperty("entryId").GetString(), status = "SUCCESS" }) };
            });
        });
        using var dapr = town.Client("a");
        var key = new Dictionary<string, string> { ["partitionKey"] = "k" };
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), new { m = 1 }, key, Ct);
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), new { n = 1 }, key, Ct);
        await town.UntilAsync(() => heard.Count > 0 && !dead.IsEmpty, Soon);
        await town.StaysAsync(() => (heard.Count, dead.Count) == (1, 1), TimeSpan.FromSeconds(6));
        Assert.Equal(("""{"n":1}""", """{"m":1}"""), (heard[0], dead.Single().Event.GetProperty("data").GetRawText()));
    }

    private static async Task<HttpResponseMessage> Publish(SidecarUnderTest town, string entries, string query = "", string version = "v1.0")
    {
        using var http = town.Http("a");
        using var content = new StringContent(entries, Encoding.UTF8, "application/json");
        return await http.PostAsync($"/{version}/publish/bulk/pubsub/{town.Topic("t")}{query}", content, Ct);
    }
}
