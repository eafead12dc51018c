using System.Text;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class RefusalTests(GarnetFixture redis)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", "/v1.0-alpha1/lock/redis", Traits = ["Refused", "distributed locks"])]
    [InlineData("GET", "/v1.0/configuration/redis", Traits = ["Refused", "configuration stores"])]
    [InlineData("POST", "/v1.0-beta1/workflows/dapr/w/start", Traits = ["Refused", "workflows"])]
    [InlineData("POST", "/v1.0-alpha1/jobs/j", Traits = ["Refused", "jobs"])]
    [InlineData("PUT", "/v1.0-alpha1/crypto/c/encrypt", Traits = ["Refused", "cryptography"])]
    [InlineData("POST", "/v1.0-alpha2/conversation/c/converse", Traits = ["Refused", "conversations"])]
    [InlineData("POST", "/v1.0/shutdown", Traits = ["Refused", "shutdown by the app"])]
    public async Task What_is_not_supported_is_refused_by_name(string verb, string path)
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a"]);
        using var http = town.Http("a");
        using var request = new HttpRequestMessage(new HttpMethod(verb), path) { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        using var answer = await http.SendAsync(request, Ct);
        Assert.Equal(501, (int)answer.StatusCode);
        var said = await answer.Content.ReadAsStringAsync(Ct);
        Assert.Contains("ERR_NOT_SUPPORTED_LOCALLY", said, StringComparison.Ordinal);
        Assert.Contains($"{verb} {path}", said, StringComparison.Ordinal);
    }

    [Fact, Trait("Refused", "configuration stores")]
    public async Task What_is_not_supported_is_refused_by_name_over_gRPC_too()
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a"]);
        using var dapr = town.Client("a");
        var error = await Assert.ThrowsAsync<Dapr.DaprException>(() => dapr.GetConfiguration("c", ["k"], cancellationToken: Ct));
        var inner = (Grpc.Core.RpcException)error.InnerException!;
        Assert.Equal(Grpc.Core.StatusCode.Unimplemented, inner.StatusCode);
        Assert.Contains("GetConfiguration", inner.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("failure_policy")]
    [InlineData("failurePolicy")]
    public async Task A_failure_policy_that_daprd_would_overlook_is_refused_and_no_reminder_is_made(string name)
    {
        await using var town = await TestSidecars.StartAsync(redis.Address, ["a"]);
        var actors = new Contract.ScriptedActors(() => town.Clock.GetUtcNow());
        await town.RunAsync("a", actors.Map);
        using var http = town.Http("a");
        using var content = new StringContent($"{{\"dueTime\":\"1s\",\"{name}\":{{\"drop\":{{}}}}}}", Encoding.UTF8, "application/json");
        using var answer = await http.PutAsync("/v1.0/actors/T/1/reminders/r", content, Ct);
        Assert.Equal(501, (int)answer.StatusCode);
        Assert.Contains("failure policy of the reminder r", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var read = await http.GetAsync("/v1.0/actors/T/1/reminders/r", Ct);
        Assert.Equal(404, (int)read.StatusCode);
    }
}
