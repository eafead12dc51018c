using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars;

/// <summary>A stand-in with apps made on the spot; what it waits for, the test's clock decides.</summary>
public sealed class TestSidecars : IAsyncDisposable
{
    private readonly List<WebApplication> apps = [];
    private readonly string home = Directory.CreateTempSubdirectory("town").FullName;
    private readonly string suffix = Guid.NewGuid().ToString("N")[..6];
    private StandInOptions options = null!;

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero));

    public Local.StandIn StandIn { get; private set; } = null!;

    /// <summary>An app id of this test alone: the Redis is shared.</summary>
    public string Id(string app) => $"{app}-{suffix}";

    public static async Task<TestSidecars> StartAsync(string redis, string[] apps, params string[] yaml)
    {
        var town = new TestSidecars();
        var resources = Directory.CreateDirectory(Path.Combine(town.home, "components")).FullName;
        string[] all = [Yaml.StateStore, Yaml.PubSub(), .. yaml];
        for (var i = 0; i < all.Length; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(resources, $"{i}.yaml"), apps.Aggregate(all[i], (text, app) => text.Replace($"<{app}>", town.Id(app), StringComparison.Ordinal)));
        }

        town.options = new StandInOptions
        {
            Sidecars = [.. apps.Select(a => new SidecarOptions(town.Id(a)))],
            ResourcesPaths = [resources],
            Redis = redis,
            DataDirectory = Path.Combine(town.home, "data"),
            Clock = town.Clock,
            Logging = LoggerFactory.Create(l => l.AddSimpleConsole().SetMinimumLevel(LogLevel.Error)),
        };
        town.StandIn = await Local.StandIn.StartAsync(town.options);
        return town;
    }

    public Sidecar Sidecar(string app) => StandIn.Sidecar(Id(app));

    public DaprClient Client(string app) =>
        new DaprClientBuilder().UseHttpEndpoint($"http://127.0.0.1:{Sidecar(app).HttpPort}").UseGrpcEndpoint($"http://127.0.0.1:{Sidecar(app).GrpcPort}").Build();

    public HttpClient Http(string app) => new() { BaseAddress = new Uri($"http://127.0.0.1:{Sidecar(app).HttpPort}") };

    /// <summary>An address with the two slashes the actor SDK sends.</summary>
    public Uri Doubled(string app, string path) => new($"http://127.0.0.1:{Sidecar(app).HttpPort}//{path}");

    /// <summary>Starts an app and connects it to its sidecar.</summary>
    public async Task<WebApplication> RunAsync(string app, Action<WebApplication> map, Action<IServiceCollection>? services = null, int replica = 0)
    {
        var sidecar = StandIn.Sidecars.Where(s => s.AppId == Id(app)).ElementAt(replica);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DAPR_HTTP_ENDPOINT"] = $"http://localhost:{sidecar.HttpPort}",
            ["DAPR_GRPC_ENDPOINT"] = $"http://localhost:{sidecar.GrpcPort}",
        });
        builder.Services.AddDaprClient();
        services?.Invoke(builder.Services);
        var made = builder.Build();
        map(made);
        await made.StartAsync();
        apps.Add(made);
        var address = made.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await sidecar.ConnectAppAsync(new Uri(address), TestContext.Current.CancellationToken);
        return made;
    }

    /// <summary>Waits, on the machine's own time, until the stand-in is quiet or only the clock can help.</summary>
    public async Task SettleAsync()
    {
        var limit = DateTime.UtcNow.AddSeconds(10);
        while (!StandIn.IsIdle && !StandIn.IsWaitingForClock)
        {
            Assert.True(DateTime.UtcNow < limit, "the town does not settle");
            await Task.Yield();
        }
    }

    /// <summary>Settles, then turns the clock, again and again, as long as somebody waits for it.</summary>
    public async Task TurnAsync(TimeSpan by)
    {
        await SettleAsync();
        Clock.Advance(by);
        await SettleAsync();
    }

    /// <summary>Stops the stand-in and starts it anew on the same disk.</summary>
    public async Task RestartAsync()
    {
        await StandIn.DisposeAsync();
        StandIn = await Local.StandIn.StartAsync(options);
    }

    public async ValueTask DisposeAsync()
    {
        await StandIn.DisposeAsync();
        foreach (var app in apps)
        {
            await app.DisposeAsync();
        }

        Directory.Delete(home, recursive: true);
    }
}
