using System.Net;
using System.Net.Http.Json;
using System.Text;
using Dapr;
using Dapr.Client;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class StateTests(GarnetFixture redis)
{
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_missing_key_is_nothing_and_has_no_etag()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        var (value, etag) = await dapr.GetStateAndETagAsync<string>("statestore", "nobody", cancellationToken: Ct);
        Assert.Null(value);
        Assert.Equal("", etag);

        using var http = town.Http("a");
        using var answer = await http.GetAsync("/v1.0/state/statestore/nobody", Ct);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Fact]
    public async Task A_second_writer_with_an_old_etag_is_told_so()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync("statestore", "k", "one", cancellationToken: Ct);
        var (_, etag) = await dapr.GetStateAndETagAsync<string>("statestore", "k", cancellationToken: Ct);
        Assert.Equal("1", etag);
        Assert.True(await dapr.TrySaveStateAsync("statestore", "k", "two", etag, FirstWrite, cancellationToken: Ct));
        Assert.False(await dapr.TrySaveStateAsync("statestore", "k", "three", etag, FirstWrite, cancellationToken: Ct));
        Assert.Equal("two", await dapr.GetStateAsync<string>("statestore", "k", cancellationToken: Ct));
        Assert.False(await dapr.TryDeleteStateAsync("statestore", "k", "1", cancellationToken: Ct));
        Assert.True(await dapr.TryDeleteStateAsync("statestore", "k", "2", cancellationToken: Ct));
    }

    [Fact]
    public async Task An_etag_on_a_missing_key_creates_it()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        Assert.True(await dapr.TrySaveStateAsync("statestore", "k", "one", "7", cancellationToken: Ct));
        Assert.Equal("1", (await dapr.GetStateAndETagAsync<string>("statestore", "k", cancellationToken: Ct)).etag);
        Assert.True(await dapr.TryDeleteStateAsync("statestore", "none", "9", cancellationToken: Ct));
    }

    [Fact]
    public async Task An_etag_that_is_no_number_is_refused_not_lost()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.TrySaveStateAsync("statestore", "k", "one", "abc", cancellationToken: Ct));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, ((Grpc.Core.RpcException)error.InnerException!).StatusCode);
    }

    [Fact]
    public async Task After_a_first_write_a_save_without_etag_is_an_error_and_no_conflict()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync("statestore", "k", "one", cancellationToken: Ct);
        await dapr.SaveStateAsync("statestore", "k", "two", FirstWrite, cancellationToken: Ct);
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.SaveStateAsync("statestore", "k", "three", cancellationToken: Ct));
        Assert.Equal(Grpc.Core.StatusCode.Internal, ((Grpc.Core.RpcException)error.InnerException!).StatusCode);
        Assert.True(await dapr.TrySaveStateAsync("statestore", "k", "three", "2", FirstWrite, cancellationToken: Ct));
    }

    [Fact]
    public async Task A_transaction_that_fails_in_one_part_keeps_the_other()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync("statestore", "old", "one", cancellationToken: Ct);
        await dapr.SaveStateAsync("statestore", "old", "two", cancellationToken: Ct);
        var error = await Assert.ThrowsAsync<DaprException>(() => dapr.ExecuteStateTransactionAsync("statestore",
        [
            new StateTransactionRequest("old", Encoding.UTF8.GetBytes("\"three\""), StateOperationType.Upsert, "1"),
            new StateTransactionRequest("new", Encoding.UTF8.GetBytes("\"there\""), StateOperationType.Upsert),
        ], cancellationToken: Ct));
        Assert.Equal(Grpc.Core.StatusCode.Internal, ((Grpc.Core.RpcException)error.InnerException!).StatusCode);
        Assert.Equal("two", await dapr.GetStateAsync<string>("statestore", "old", cancellationToken: Ct));
        Assert.Equal("there", await dapr.GetStateAsync<string>("statestore", "new", cancellationToken: Ct));
    }

    [Fact]
    public async Task Bytes_saved_over_grpc_come_back_as_they_were()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        await dapr.SaveStateAsync("statestore", "k", 9007199254740993, cancellationToken: Ct);
        Assert.Equal(9007199254740993, await dapr.GetStateAsync<long>("statestore", "k", cancellationToken: Ct));
        var many = await dapr.GetBulkStateAsync("statestore", ["k", "none"], null, cancellationToken: Ct);
        Assert.Equal(["9007199254740993", ""], many.Select(m => m.Value));
    }

    [Fact]
    public async Task Two_apps_do_not_see_each_others_keys_and_two_bars_are_refused()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a", "b"]);
        using var a = town.Client("a");
        using var b = town.Client("b");
        await a.SaveStateAsync("statestore", "k", "mine", cancellationToken: Ct);
        Assert.Null(await b.GetStateAsync<string>("statestore", "k", cancellationToken: Ct));
        var error = await Assert.ThrowsAsync<DaprException>(() => a.GetStateAsync<string>("statestore", "b||k", cancellationToken: Ct));
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, ((Grpc.Core.RpcException)error.InnerException!).StatusCode);
    }

    [Fact]
    public async Task Over_http_state_has_etags_a_plus_is_a_space_and_slashes_may_be_doubled()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var http = town.Http("a");
        using var saved = await http.PostAsJsonAsync(town.Doubled("a", "v1.0/state//statestore/"), new[] { new { key = "two words", value = new { n = 1 } } }, Ct);
        Assert.Equal(HttpStatusCode.NoContent, saved.StatusCode);
        using var read = await http.GetAsync("/v1.0/state/statestore/two+words", Ct);
        Assert.Equal("""{"n":1}""", await read.Content.ReadAsStringAsync(Ct));
        Assert.Equal("1", Assert.Single(read.Headers.NonValidated["ETag"]));
        using var conflict = await http.PostAsJsonAsync("/v1.0/state/statestore", new[] { new { key = "two words", value = 2, etag = "5" } }, Ct);
        Assert.Equal(HttpStatusCode.Conflict, conflict.StatusCode);
        Assert.Contains("ERR_STATE_SAVE", await conflict.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }
}
