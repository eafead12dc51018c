using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Dapr;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class DeliveryContract(SidecarTarget target)
{
    private const string ThreeTries = """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata: {name: r}
        scopes: [<a>]
        spec:
          policies:
            retries:
              twice: {policy: constant, duration: 1s, maxRetries: 2}
          targets:
            components:
              pubsub: {inbound: {retry: twice}}
        """;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private sealed record Parcel(string Name, int Weight);

    [Fact, Trait("Feature", "publish: through the SDK")]
    public async Task What_one_app_publishes_another_hears_through_the_real_sdk()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = new ConcurrentQueue<Parcel>();
        await town.RunAsync("hearer", app =>
        {
            app.UseCloudEvents();
            app.MapSubscribeHandler();
            app.MapPost("/parcels", (Parcel parcel) => heard.Enqueue(parcel)).WithTopic("pubsub", town.Topic("parcels"));
        });
        using var dapr = town.Client("sender");
        await dapr.PublishEventAsync("pubsub", town.Topic("parcels"), new Parcel("자전거", 12), Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        Assert.Equal([new Parcel("자전거", 12)], heard);
    }

    [Fact, Trait("Feature", "publish: envelope")]
    public async Task The_envelope_says_what_daprd_says_and_metadata_travels_as_headers()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = await Hearing.Start(town, "hearer");
        using var dapr = town.Client("sender");
        await dapr.PublishByteEventAsync("pubsub", town.Topic("t"), Encoding.UTF8.GetBytes("""{"big":12345678901234567890,"a":"<"}"""), "application/json",
            new Dictionary<string, string> { ["partitionKey"] = "order-2", ["cloudevent.id"] = "the-id", ["CloudEvent.Type"] = "the-type", ["own"] = "header" }, Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        var (_, body, headers) = heard.Single();
        var sent = JsonElement.Parse(body);
        Assert.Equal("the-id", sent.GetProperty("id").GetString());
        Assert.Equal("the-type", sent.GetProperty("type").GetString());
        Assert.Equal(town.Id("sender"), sent.GetProperty("source").GetString());
        Assert.Equal("1.0", sent.GetProperty("specversion").GetString());
        Assert.Equal(town.Topic("t"), sent.GetProperty("topic").GetString());
        Assert.Equal("pubsub", sent.GetProperty("pubsubname").GetString());
        Assert.Equal("12345678901234567890", sent.GetProperty("data").GetProperty("big").GetRawText());
        Assert.Contains("\\u003c", body, StringComparison.Ordinal);
        Assert.Equal(sent.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), sent.EnumerateObject().Select(p => p.Name));
        Assert.Equal("application/cloudevents+json", headers.ContentType);
        Assert.Equal("header", headers["own"]);
        Assert.Equal("order-2", headers["__key"]);
        Assert.Equal("0", headers["__offset"]);
        Assert.Equal(sent.GetProperty("traceparent").GetString()![3..35], headers["traceparent"].ToString()[3..35]);
    }

    [Fact, Trait("Feature", "publish: envelope")]
    public async Task An_event_the_app_made_keeps_its_fields_and_is_given_no_id()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = await Hearing.Start(town, "hearer");
        using var dapr = town.Client("sender");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), new CloudEvent<int>(5) { Type = "five" }, Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        var message = heard.Single().Event;
        Assert.Equal(("five", "Dapr"), (message.GetProperty("type").GetString(), message.GetProperty("source").GetString()));
        Assert.False(message.TryGetProperty("id", out _));
    }

    [Fact, Trait("Feature", "publish: envelope")]
    public async Task What_an_event_the_app_made_lacks_is_filled_in_and_a_null_is_a_lack_only_of_source_type_and_version()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = await Hearing.Start(town, "hearer");
        using var answer = await Post(town, """{"source":null,"type":null,"time":null,"tracestate":null,"topic":"elsewhere","data":"x"}""", "application/cloudevents+json");
        Assert.Equal(204, (int)answer.StatusCode);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        var message = heard.Single().Event;
        Assert.Equal(("Dapr", "com.dapr.event.sent", "1.0"), (Text("source"), Text("type"), Text("specversion")));
        Assert.Equal((town.Topic("t"), "pubsub"), (Text("topic"), Text("pubsubname")));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (message.GetProperty("time").ValueKind, message.GetProperty("tracestate").ValueKind));
        Assert.Equal(Text("traceid"), Text("traceparent"));

        string? Text(string name) => message.GetProperty(name).GetString();
    }

    [Fact, Trait("Feature", "publish: envelope")]
    public async Task Only_application_json_is_taken_for_json_and_an_event_of_the_app_that_is_none_is_error_500()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = await Hearing.Start(town, "hearer");
        using var text = await Post(town, """{"n":1}""", "application/vnd.own+json");
        Assert.Equal(204, (int)text.StatusCode);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        Assert.Equal("""{"n":1}""", heard.Single().Data);
        using var wrong = await Post(town, "[1]", "application/cloudevents+json");
        Assert.Equal((500, "ERR_PUBSUB_CLOUD_EVENTS_SER"), await SidecarUnderTest.ErrorOf(wrong));
    }

    [Fact, Trait("Feature", "publish: envelope")]
    public async Task Raw_bytes_go_as_they_are_and_arrive_in_an_event_of_their_own()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["sender", "hearer"]);
        var heard = await Hearing.Start(town, "hearer", more: "\"metadata\":{\"rawPayload\":\"true\"},");
        using var dapr = town.Client("sender");
        byte[] bytes = [0, 255, 7];
        await dapr.PublishByteEventAsync("pubsub", town.Topic("t"), bytes, "application/octet-stream", new Dictionary<string, string> { ["rawPayload"] = "true" }, Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        Assert.Equal(bytes, heard.Single().Event.GetProperty("data_base64").GetBytesFromBase64());
    }

    [Theory, Trait("Feature", "publish: partitions")]
    [InlineData("order-1", "1")]
    [InlineData("order-2", "4")]
    [InlineData("customer-42", "0")]
    [InlineData("a", "0")]
    public async Task A_key_lives_in_the_partition_sarama_puts_it_in(string key, string partition)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = await Hearing.Start(town, "a");
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), 1, Key(key), Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        Assert.Equal(partition, heard.Single().Headers["__partition"]);
    }

    [Fact, Trait("Feature", "publish: bulk")]
    public async Task Many_events_published_in_one_call_arrive_each_for_itself()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = await Hearing.Start(town, "a");
        using var dapr = town.Client("a");
        var answer = await dapr.BulkPublishEventAsync("pubsub", town.Topic("t"), ["one", "two"], cancellationToken: Ct);
        Assert.Empty(answer.FailedEntries);
        await town.UntilAsync(() => heard.Count == 2, Soon);
        Assert.Equal(["one", "two"], heard.Select(h => h.Data).Order(StringComparer.Ordinal));
    }

    [Fact, Trait("Feature", "publish: errors")]
    public async Task A_pubsub_nobody_knows_is_not_found()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var http = town.Http("a");
        using var answer = await http.PostAsync("/v1.0/publish/nobody/t", new StringContent("1"), Ct);
        Assert.Equal((404, "ERR_PUBSUB_NOT_FOUND"), await SidecarUnderTest.ErrorOf(answer));
        using var dapr = town.Client("a");
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.PublishEventAsync("nobody", "t", 1, Ct));
        Assert.Equal(StatusCode.InvalidArgument, Assert.IsType<RpcException>(error.InnerException).StatusCode);
    }

    [Theory, Trait("Feature", "delivery: answers")]
    [InlineData(200, "", true)]
    [InlineData(204, "", true)]
    [InlineData(200, "thanks", true)]
    [InlineData(200, """{"status":""}""", true)]
    [InlineData(200, """{"Status":"SUCCESS"}""", true)]
    [InlineData(200, """{"status":"DROP"}""", true)]
    [InlineData(404, "", true)]
    [InlineData(200, """{"status":"RETRY"}""", false)]
    [InlineData(200, """{"status":"success"}""", false)]
    [InlineData(307, "", false)]
    [InlineData(400, "", false)]
    [InlineData(409, "", false)]
    [InlineData(500, "", false)]
    public async Task An_answer_takes_the_message_or_asks_for_it_again(int status, string text, bool taken)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var times = 0;
        await Hearing.Start(town, "a", async (_, context) =>
        {
            var first = Interlocked.Increment(ref times) == 1;
            context.Response.StatusCode = first ? status : 200;
            if (first && text.Length > 0)
            {
                await context.Response.WriteAsync(text);
            }
        });
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), 1, Ct);
        await town.UntilAsync(() => times == 1, Soon);
        await town.StaysAsync(() => times == 1, TimeSpan.FromSeconds(4));
        if (taken)
        {
            await town.StaysAsync(() => times == 1, TimeSpan.FromSeconds(3));
        }
        else
        {
            await town.UntilAsync(() => times == 2, TimeSpan.FromSeconds(4));
        }
    }

    [Fact, Trait("Feature", "delivery: order")]
    public async Task A_message_nobody_takes_holds_up_its_partition_and_no_other()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var taken = new ConcurrentQueue<string?>();
        var fixedNow = false;
        await Hearing.Start(town, "a", (message, context) =>
        {
            if (message.Data == "bad" && !fixedNow)
            {
                context.Response.StatusCode = 500;
            }
            else
            {
                taken.Enqueue(message.Data);
            }

            return Task.CompletedTask;
        });
        using var dapr = town.Client("a");
        // order-1 lives in partition 1 and order-2 in partition 4 of six.
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "bad", Key("order-1"), Ct);
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "behind", Key("order-1"), Ct);
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "elsewhere", Key("order-2"), Ct);
        await town.UntilAsync(() => !taken.IsEmpty, Soon);
        await town.StaysAsync(() => taken.SequenceEqual(["elsewhere"]), TimeSpan.FromSeconds(8));
        fixedNow = true;
        await town.UntilAsync(() => taken.Count == 3, Soon);
        Assert.Equal(["elsewhere", "bad", "behind"], taken);
    }

    [Theory, Trait("Feature", "delivery: dead letters")]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    public async Task What_is_refused_to_the_end_becomes_a_dead_letter_with_its_key_and_bytes(bool policy, int tries)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "undertaker"], policy ? [Yaml.PubSub(), ThreeTries] : [Yaml.PubSub()]);
        var dead = await Hearing.Start(town, "undertaker", topic: "t-dead");
        var tried = await Hearing.Start(town, "a", (_, context) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        }, more: $"\"deadLetterTopic\":\"{town.Topic("t-dead")}\",");
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "bad", Key("order-1"), Ct);
        await town.UntilAsync(() => !dead.IsEmpty, Soon);
        Assert.Equal(tries, tried.Count);
        Assert.Equal(tried.First().Body, dead.Single().Body);
        Assert.Equal("order-1", dead.Single().Headers["__key"]);
        Assert.Equal(town.Topic("t"), dead.Single().Event.GetProperty("topic").GetString());
    }

    [Theory, Trait("Feature", "delivery: dead letters")]
    [InlineData(404, "")]
    [InlineData(200, """{"status":"DROP"}""")]
    public async Task What_the_app_drops_becomes_a_dead_letter_at_once(int status, string text)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "undertaker"], [Yaml.PubSub(), ThreeTries]);
        var dead = await Hearing.Start(town, "undertaker", topic: "t-dead");
        var tried = await Hearing.Start(town, "a", async (_, context) =>
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(text);
        }, more: $"\"deadLetterTopic\":\"{town.Topic("t-dead")}\",");
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "dropped", Ct);
        await town.UntilAsync(() => !dead.IsEmpty, Soon);
        await town.StaysAsync(() => (tried.Count, dead.Count) == (1, 1), TimeSpan.FromSeconds(6));
        Assert.Equal(tried.Single().Body, dead.Single().Body);
    }

    [Theory, Trait("Feature", "delivery: dead letters")]
    [InlineData(500)]
    [InlineData(404)]
    public async Task A_dead_letter_needs_the_right_to_publish_it_and_without_it_the_message_comes_again(int status)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "other"], [Yaml.PubSub("    - name: publishingScopes\n      value: \"<a>=\"")]);
        var dead = await Hearing.Start(town, "other", topic: "t-dead");
        var tried = await Hearing.Start(town, "a", (_, context) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        }, more: $"\"deadLetterTopic\":\"{town.Topic("t-dead")}\",");
        using var dapr = town.Client("other");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), "bad", Ct);
        await town.UntilAsync(() => tried.Count == 2, Soon);
        Assert.Empty(dead);
    }

    [Fact, Trait("Feature", "resiliency: retries")]
    public async Task A_component_that_is_named_in_one_direction_has_no_default_policy_in_the_other()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Yaml.PubSub("    - name: maxMessageBytes\n      value: \"2000\""), ThreeTries
            .Replace("scopes: [<a>]\n", "", StringComparison.Ordinal).Replace("retries:", "retries:\n      DefaultRetryPolicy: {policy: constant, duration: 3s, maxRetries: 2}", StringComparison.Ordinal)]);
        using var http = town.Http("a");
        var began = town.Now;
        using var answer = await town.AfterAsync(http.PostAsync($"/v1.0/publish/pubsub/{town.Topic("t")}", new StringContent(new string('x', 2000)), Ct), Soon);
        Assert.Equal((500, "ERR_PUBSUB_PUBLISH_MESSAGE"), await SidecarUnderTest.ErrorOf(answer));
        Assert.InRange(town.Now - began, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact, Trait("Feature", "resiliency: breakers")]
    public async Task A_component_has_one_breaker_for_both_directions()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Yaml.PubSub(), """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata: {name: r}
            spec:
              policies:
                circuitBreakers:
                  two: {maxRequests: 1, timeout: 12s, trip: consecutiveFailures >= 2}
              targets:
                components:
                  pubsub: {inbound: {circuitBreaker: two}, outbound: {circuitBreaker: two}}
            """]);
        var (asked, broken) = (0, true);
        await Hearing.Start(town, "a", (_, context) =>
        {
            asked++;
            context.Response.StatusCode = broken ? 500 : 200;
            return Task.CompletedTask;
        });
        using var http = town.Http("a");
        Assert.Equal(204, (await Publish("/v1.0/publish/pubsub/other")).Status);
        Assert.Equal(204, (await Publish($"/v1.0/publish/pubsub/{town.Topic("t")}")).Status);
        // Offered again after five seconds, it is the second failure: from now on nothing goes in or out.
        await town.UntilAsync(() => asked == 2, Soon);
        // The app has answered before its sidecar has counted the answer.
        await town.StaysAsync(() => asked == 2, TimeSpan.FromSeconds(1));
        Assert.Equal((500, "ERR_PUBSUB_PUBLISH_MESSAGE"), await Publish("/v1.0/publish/pubsub/other"));
        await town.StaysAsync(() => asked == 2, TimeSpan.FromSeconds(8));
        broken = false;
        await town.UntilAsync(() => asked == 3, Soon);
        await town.StaysAsync(() => asked == 3, TimeSpan.FromSeconds(1));
        Assert.Equal(204, (await Publish("/v1.0/publish/pubsub/other")).Status);

        async Task<(int Status, string? Code)> Publish(string path)
        {
            using var answer = await http.PostAsync(path, new StringContent("1"), Ct);
            return await SidecarUnderTest.ErrorOf(answer);
        }
    }

    [Fact, Trait("Feature", "delivery: expiry")]
    public async Task An_event_that_has_expired_is_not_delivered()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using (var dapr = town.Client("a"))
        {
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), "late", new Dictionary<string, string>(Key("k")) { ["ttlInSeconds"] = "1" }, Ct);
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), "lasting", Key("k"), Ct);
        }

        await town.StaysAsync(() => true, TimeSpan.FromSeconds(3));
        var heard = await Hearing.Start(town, "a");
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
        Assert.Equal(["lasting"], heard.Select(h => h.Data));
    }

    [Fact, Trait("Feature", "subscriptions: rules")]
    public async Task The_first_rule_that_matches_decides_where_an_event_goes()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"], [Yaml.PubSub(), """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata: {name: s}
            spec:
              pubsubname: pubsub
              topic: t-<a>
              routes:
                rules:
                  # No event has the field, and where the other half decides that does not matter.
                  - match: event.data.none == 1 && event.type == "none"
                    path: /none
                  - match: event.type == "one" || event.type == "uno"
                    path: /one
                  - match: event.type in ["two", "one"] && event.data.n != 5
                    path: /two
                default: /rest
            scopes: [<a>]
            """]);
        var heard = new ConcurrentQueue<string>();
        await town.RunAsync("a", app => app.MapPost("/{route}", (string route) => heard.Enqueue(route)));
        using var dapr = town.Client("a");
        foreach (var (type, n) in new[] { ("one", 4), ("two", 4), ("two", 5), ("uno", 1), ("three", 1) })
        {
            await dapr.PublishEventAsync("pubsub", $"t-{town.Id("a")}", new { n }, new Dictionary<string, string> { ["cloudevent.type"] = type, ["partitionKey"] = "k" }, Ct);
        }

        await town.UntilAsync(() => heard.Count == 5, Soon);
        Assert.Equal(["one", "two", "rest", "one", "rest"], heard);
    }

    [Theory, Trait("Feature", "subscriptions: parsing")]
    [InlineData("""{"topic":"<t>","pubsubName":"pubsub","route":"in"}""")]
    [InlineData("""{"Topic":"<t>","PUBSUBNAME":"pubsub","routes":{"default":"/in"}}""")]
    [InlineData("""{"topic":"<t>-none","pubsubname":"pubsub"},{"topic":"<t>","pubsubname":"pubsub","routes":{"rules":[{"match":"event.type == \"no\"","path":"no"},{"match":"event.type != \"\"","path":"in"}]}}""")]
    public async Task A_subscription_is_understood_however_it_is_spelt(string entries)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var heard = new ConcurrentQueue<string>();
        await town.RunAsync("a", app =>
        {
            app.MapGet("/dapr/subscribe", () => Results.Text($"[{entries.Replace("<t>", town.Topic("t"), StringComparison.Ordinal)}]"));
            app.MapPost("/in", () => heard.Enqueue("in"));
        });
        using var dapr = town.Client("a");
        await dapr.PublishEventAsync("pubsub", town.Topic("t"), 1, Ct);
        await town.UntilAsync(() => !heard.IsEmpty, Soon);
    }

    [Fact, Trait("Feature", "subscriptions: waiting")]
    public async Task Messages_wait_for_an_app_that_is_away_and_outlive_a_restart()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "sender"]);
        var before = await Hearing.Start(town, "a");
        using (var dapr = town.Client("sender"))
        {
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), "one", Key("k"), Ct);
            await town.UntilAsync(() => before.Count == 1, Soon);
            // Positions are kept once a second, and one that is not brings the message again.
            await town.StaysAsync(() => before.Count == 1, TimeSpan.FromSeconds(2));
            await town.StopAsync("a");
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), "two", Key("k"), Ct);
        }

        await town.RestartAsync();
        var after = await Hearing.Start(town, "a");
        await town.UntilAsync(() => after.Count == 1, Soon);
        Assert.Equal(["one", "two"], before.Concat(after).Select(h => h.Data));
    }

    [Fact, Trait("Feature", "subscriptions: bulk")]
    public async Task Messages_come_together_and_one_the_app_says_nothing_of_brings_the_batch_again()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        var batches = new ConcurrentQueue<string?[]>();
        await Hearing.Start(town, "a", async (message, context) =>
        {
            Assert.Equal("application/json", context.Request.ContentType);
            var entries = message.Event.GetProperty("entries").EnumerateArray().ToArray();
            batches.Enqueue([.. entries.Select(e => e.GetProperty("event").GetProperty("data").GetString())]);
            var answered = batches.Count == 1 ? entries.Take(1) : entries;
            await context.Response.WriteAsJsonAsync(new { statuses = answered.Select(e => new { entryId = e.GetProperty("entryId").GetString(), status = "SUCCESS" }) });
        }, more: "\"bulkSubscribe\":{\"enabled\":true,\"maxMessagesCount\":2,\"maxAwaitDurationMs\":1000},");
        using var dapr = town.Client("a");
        foreach (var name in new[] { "one", "two", "three" })
        {
            await dapr.PublishEventAsync("pubsub", town.Topic("t"), name, Key("k"), Ct);
        }

        await town.UntilAsync(() => batches.Count == 3, Soon, () => string.Join(" | ", batches.Select(b => string.Join(',', b))));
        Assert.Equal(["one,two", "one,two", "three"], batches.Select(b => string.Join(',', b)));
    }

    private static async Task<HttpResponseMessage> Post(SidecarUnderTest town, string body, string contentType)
    {
        using var http = town.Http("sender");
        using var content = new StringContent(body, Encoding.UTF8, contentType);
        return await http.PostAsync($"/v1.0/publish/pubsub/{town.Topic("t")}", content, Ct);
    }

    private static Dictionary<string, string> Key(string key) => new() { ["partitionKey"] = key };
}
