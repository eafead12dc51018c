using System.Text;

namespace SecondhandTrade.SystemTests.Sidecars;

public sealed class RefusalTests(GarnetFixture redis)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_not_supported_is_refused_by_name()
    {
        await using var town = await TestTown.StartAsync(redis.Address, ["a"]);
        using var http = town.Http("a");
        using var answer = await http.PostAsync("/v1.0-alpha1/lock/redis", new StringContent("{}", Encoding.UTF8, "application/json"), Ct);
        Assert.Equal(501, (int)answer.StatusCode);
        Assert.Contains("/v1.0-alpha1/lock/redis", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);

        using var dapr = town.Client("a");
        var error = await Assert.ThrowsAsync<Dapr.DaprException>(() => dapr.GetConfiguration("c", ["k"], cancellationToken: Ct));
        var inner = (Grpc.Core.RpcException)error.InnerException!;
        Assert.Equal(Grpc.Core.StatusCode.Unimplemented, inner.StatusCode);
        Assert.Contains("GetConfiguration", inner.Status.Detail, StringComparison.Ordinal);
    }
}
