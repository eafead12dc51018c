using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Dapr;
using Dapr.Client;
using Grpc.Core;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class StateContract(SidecarTarget target)
{
    private const string Store = "statestore";

    private const string Memory = """
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: memory}
        spec: {type: state.in-memory, version: v1}
        """;

    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "state: absent values")]
    public async Task A_missing_key_is_nothing_and_has_no_etag()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        var (value, etag) = await dapr.GetStateAndETagAsync<string>(Store, "nobody", cancellationToken: Ct);
        Assert.Null(value);
        Assert.Equal("", etag);

        using var http = town.Http("a");
        using var answer = await http.GetAsync("/v1.0/state/statestore/nobody", Ct);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact, Trait("Feature", "state: etag corners")]
    public async Task A_second_writer_with_an_old_etag_is_told_so()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync(Store, "k", "one", cancellationToken: Ct);
        var (_, etag) = await dapr.GetStateAndETagAsync<string>(Store, "k", cancellationToken: Ct);
        Assert.Equal("1", etag);
        Assert.True(await dapr.TrySaveStateAsync(Store, "k", "two", etag, FirstWrite, cancellationToken: Ct));
        Assert.False(await dapr.TrySaveStateAsync(Store, "k", "three", etag, FirstWrite, cancellationToken: Ct));
        Assert.Equal("two", await dapr.GetStateAsync<string>(Store, "k", cancellationToken: Ct));
        Assert.False(await dapr.TryDeleteStateAsync(Store, "k", "1", cancellationToken: Ct));
        Assert.True(await dapr.TryDeleteStateAsync(Store, "k", "2", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: etag corners")]
    public async Task An_etag_on_a_missing_key_creates_it()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        Assert.True(await dapr.TrySaveStateAsync(Store, "k", "one", "7", cancellationToken: Ct));
        Assert.Equal("1", (await dapr.GetStateAndETagAsync<string>(Store, "k", cancellationToken: Ct)).etag);
        Assert.True(await dapr.TryDeleteStateAsync(Store, "none", "9", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: etag corners")]
    public async Task An_etag_that_is_no_number_is_refused_not_lost()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        Assert.Equal(StatusCode.InvalidArgument, await CodeOf(() => dapr.TrySaveStateAsync(Store, "k", "one", "abc", cancellationToken: Ct)));
    }

    [Theory, Trait("Feature", "state: etag corners")]
    [InlineData("")]
    [InlineData("0")]
    public async Task An_empty_etag_and_a_zero_overwrite_whatever_is_there(string etag)
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var http = town.Http("a");
        foreach (var value in new[] { "one", "two" })
        {
            using var saved = await http.PostAsJsonAsync("/v1.0/state/statestore", new[] { new { key = "k", value, etag } }, Ct);
            Assert.Equal(204, (int)saved.StatusCode);
        }

        Assert.Equal("\"two\"", await http.GetStringAsync("/v1.0/state/statestore/k", Ct));
    }

    [Fact, Trait("Feature", "state: etag corners")]
    public async Task After_a_first_write_a_save_without_etag_is_an_error_and_no_conflict()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync(Store, "k", "one", cancellationToken: Ct);
        await dapr.SaveStateAsync(Store, "k", "two", FirstWrite, cancellationToken: Ct);
        Assert.Equal(StatusCode.Internal, await CodeOf(() => dapr.SaveStateAsync(Store, "k", "three", cancellationToken: Ct)));
        Assert.True(await dapr.TrySaveStateAsync(Store, "k", "three", "2", FirstWrite, cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: transactions")]
    public async Task A_transaction_that_fails_in_one_part_keeps_the_other()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync(Store, "old", "one", cancellationToken: Ct);
        await dapr.SaveStateAsync(Store, "old", "two", cancellationToken: Ct);
        Assert.Equal(StatusCode.Internal, await CodeOf(() => dapr.ExecuteStateTransactionAsync(Store,
        [
            new StateTransactionRequest("old", Encoding.UTF8.GetBytes("\"three\""), StateOperationType.Upsert, "1"),
            new StateTransactionRequest("new", Encoding.UTF8.GetBytes("\"there\""), StateOperationType.Upsert),
        ], cancellationToken: Ct)));
        Assert.Equal("two", await dapr.GetStateAsync<string>(Store, "old", cancellationToken: Ct));
        Assert.Equal("there", await dapr.GetStateAsync<string>(Store, "new", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: bulk")]
    public async Task Many_keys_are_read_and_deleted_in_one_call()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveBulkStateAsync(Store, [new SaveStateItem<int>("one", 1, null!), new SaveStateItem<int>("two", 2, null!)], Ct);
        var many = await dapr.GetBulkStateAsync(Store, ["one", "two", "none"], null, cancellationToken: Ct);
        Assert.Equal([("none", "", ""), ("one", "1", "1"), ("two", "2", "1")], many.Select(m => (m.Key, m.Value, m.ETag)).Order());
        await dapr.DeleteBulkStateAsync(Store, [new BulkDeleteStateItem("one", null!), new BulkDeleteStateItem("two", null!)], Ct);
        Assert.Null(await dapr.GetStateAsync<int?>(Store, "one", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: time to live")]
    public async Task A_save_without_a_time_to_live_leaves_the_old_one_running_and_a_negative_one_ends_it()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        foreach (var key in new[] { "kept", "gone" })
        {
            await dapr.SaveStateAsync(Store, key, 1, metadata: Ttl("2"), cancellationToken: Ct);
            await dapr.SaveStateAsync(Store, key, 2, cancellationToken: Ct);
        }

        await dapr.SaveStateAsync(Store, "kept", 3, metadata: Ttl("-1"), cancellationToken: Ct);
        Assert.Equal(2, await dapr.GetStateAsync<int?>(Store, "gone", cancellationToken: Ct));
        // The store has a clock of its own, which no test turns.
        var limit = DateTime.UtcNow.AddSeconds(15);
        while (await dapr.GetStateAsync<int?>(Store, "gone", cancellationToken: Ct) is not null)
        {
            Assert.True(DateTime.UtcNow < limit, "it never expired");
            await Task.Yield();
        }

        Assert.Equal(3, await dapr.GetStateAsync<int?>(Store, "kept", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: values")]
    public async Task Bytes_saved_over_grpc_come_back_as_they_were()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync(Store, "k", 9007199254740993, cancellationToken: Ct);
        Assert.Equal(9007199254740993, await dapr.GetStateAsync<long>(Store, "k", cancellationToken: Ct));
        var many = await dapr.GetBulkStateAsync(Store, ["k", "none"], null, cancellationToken: Ct);
        Assert.Equal(["9007199254740993", ""], many.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => m.Value));
    }

    [Fact, Trait("Feature", "state: keys")]
    public async Task Two_apps_do_not_see_each_others_keys_and_two_bars_are_refused()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"]);
        using var a = town.Client("a");
        using var b = town.Client("b");
        await a.SaveStateAsync(Store, "k", "mine", cancellationToken: Ct);
        Assert.Null(await b.GetStateAsync<string>(Store, "k", cancellationToken: Ct));
        Assert.Equal(StatusCode.InvalidArgument, await CodeOf(() => a.GetStateAsync<string>(Store, "b||k", cancellationToken: Ct)));
    }

    [Fact, Trait("Feature", "state: keys")]
    public async Task A_key_lives_in_redis_under_its_app_and_a_plain_string_of_another_writer_is_read()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync(Store, "k", "v", cancellationToken: Ct);
        await using var redis = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(target.Redis);
        var database = redis.GetDatabase();
        Assert.Equal("\"v\"", (string?)await database.HashGetAsync($"{town.Id("a")}||k", "data"));
        Assert.Equal("1", (string?)await database.HashGetAsync($"{town.Id("a")}||k", "version"));
        await database.StringSetAsync($"{town.Id("a")}||plain", "\"old\"");
        Assert.Equal("old", await dapr.GetStateAsync<string>(Store, "plain", cancellationToken: Ct));
    }

    [Fact, Trait("Feature", "state: http")]
    public async Task Over_http_state_has_etags_a_plus_is_a_space_and_slashes_may_be_doubled()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var http = town.Http("a");
        using var saved = await http.PostAsJsonAsync(new Uri($"{town.Sidecar("a").Http}/v1.0/state//statestore/"), new[] { new { key = "two words", value = new { n = 1 } } }, Ct);
        Assert.Equal(HttpStatusCode.NoContent, saved.StatusCode);
        using var read = await http.GetAsync("/v1.0/state/statestore/two+words", Ct);
        Assert.Equal("""{"n":1}""", await read.Content.ReadAsStringAsync(Ct));
        Assert.Equal("1", Assert.Single(read.Headers.NonValidated["ETag"]).Trim('"'));
        using var conflict = await http.PostAsJsonAsync("/v1.0/state/statestore", new[] { new { key = "two words", value = 2, etag = "5" } }, Ct);
        Assert.Equal((409, "ERR_STATE_SAVE"), await SidecarUnderTest.ErrorOf(conflict));
    }

    [Fact, Trait("Feature", "state: in-memory")]
    public async Task The_store_in_memory_is_its_sidecars_own_and_stricter_with_etags()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a", "b"], [Memory]);
        using var a = town.Client("a");
        using var b = town.Client("b");
        await a.SaveStateAsync("memory", "k", "mine", cancellationToken: Ct);
        Assert.Equal("mine", await a.GetStateAsync<string>("memory", "k", cancellationToken: Ct));
        Assert.Null(await b.GetStateAsync<string>("memory", "k", cancellationToken: Ct));
        Assert.False(await a.TrySaveStateAsync("memory", "none", "one", "7", cancellationToken: Ct));
        Assert.Equal(StatusCode.Aborted, await CodeOf(() => a.SaveStateAsync("memory", "k", "two", FirstWrite, cancellationToken: Ct)));
    }

    [Fact, Trait("Feature", "state: errors")]
    public async Task A_store_nobody_knows_is_named_by_its_error()
    {
        await using var town = await SidecarUnderTest.StartAsync(target, ["a"]);
        using var http = town.Http("a");
        using var answer = await http.GetAsync("/v1.0/state/nostore/k", Ct);
        Assert.Equal((400, "ERR_STATE_STORE_NOT_FOUND"), await SidecarUnderTest.ErrorOf(answer));
    }

    private static Dictionary<string, string> Ttl(string seconds) => new() { ["ttlInSeconds"] = seconds.ToString(CultureInfo.InvariantCulture) };

    private static async Task<StatusCode> CodeOf(Func<Task> call) =>
        ((RpcException)(await Assert.ThrowsAsync<DaprException>(call)).InnerException!).StatusCode;
}
