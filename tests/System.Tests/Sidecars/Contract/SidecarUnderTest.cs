using System.Text.Json;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>Sidecars with apps made on the spot, the same for the stand-in and for the real daprd; a test speaks to them over the wire only.</summary>
public sealed class SidecarUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    private readonly List<(int Index, WebApplication App)> apps = [];
    private readonly string home = Directory.CreateTempSubdirectory("contract").FullName;
    private readonly string suffix = Guid.NewGuid().ToString("N")[..6];
    private readonly string[] names;
    private TargetRun run = null!;

    private SidecarUnderTest(string[] names) => this.names = names;

    /// <summary>Starts a sidecar for each name; &lt;name&gt; in the resources stands for its id, &lt;redis&gt; and &lt;kafka&gt; for the addresses.</summary>
    public static async Task<SidecarUnderTest> StartAsync(SidecarTarget target, string[] apps, string[]? yaml = null, Func<Setting, Setting>? with = null)
    {
        Assert.SkipWhen(target.Missing is not null, target.Missing ?? "");
        var made = new SidecarUnderTest(apps);
        var resources = Directory.CreateDirectory(Path.Combine(made.home, "components")).FullName;
        string[] all = yaml ?? [Yaml.StateStore, Yaml.PubSub()];
        for (var i = 0; i < all.Length; i++)
        {
            var text = apps.Distinct().Aggregate(all[i], (t, app) => t.Replace($"<{app}>", made.Id(app), StringComparison.Ordinal))
                .Replace("localhost:6379", target.Redis, StringComparison.Ordinal).Replace("localhost:9092", target.Kafka, StringComparison.Ordinal)
                .Replace("<home>", made.home, StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(resources, $"{i}.yaml"), text);
        }

        var setting = new Setting { Apps = [.. apps.Select(made.Id)], ResourcesPath = resources, Home = made.home };

        made.run = await target.StartAsync(with?.Invoke(setting) ?? setting);
        return made;
    }

    /// <summary>An app id of this test alone: stores and brokers are shared.</summary>
    public string Id(string app) => $"{app}-{suffix}";

    /// <summary>A topic of this test alone.</summary>
    public string Topic(string name) => $"{name}-{suffix}";

    public DateTimeOffset Now => run.Clock.GetUtcNow();

    public SidecarAddress Sidecar(string app, int replica = 0) => run.Sidecar(IndexOf(app, replica));

    public DaprClient Client(string app, string? token = null)
    {
        var builder = new DaprClientBuilder().UseHttpEndpoint(Sidecar(app).Http.ToString()).UseGrpcEndpoint(Sidecar(app).Grpc.ToString());
        return (token is null ? builder : builder.UseDaprApiToken(token)).Build();
    }

    /// <summary>An address as it stands: the client of .NET would tidy it, and what goes over the wire is the test's business.</summary>
    public Uri Exactly(string app, string path) =>
        new(Sidecar(app).Http.ToString().TrimEnd('/') + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    public HttpClient Http(string app) => new(new Counted(run.Asking)) { BaseAddress = Sidecar(app).Http };

    /// <summary>Starts an app and gives it to its sidecar.</summary>
    public async Task<WebApplication> RunAsync(string app, Action<WebApplication> map, Action<IServiceCollection>? services = null, int replica = 0, bool ready = true)
    {
        var index = IndexOf(app, replica);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{run.AppPort(index)}");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DAPR_HTTP_ENDPOINT"] = run.Sidecar(index).Http.ToString(),
            ["DAPR_GRPC_ENDPOINT"] = run.Sidecar(index).Grpc.ToString(),
        });
        builder.Services.AddDaprClient();
        services?.Invoke(builder.Services);
        var made = builder.Build();
        map(made);
        await made.StartAsync();
        apps.Add((index, made));
        var address = made.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await run.ConnectAsync(index, new Uri(address), ready);
        return made;
    }

    /// <summary>Where an app that is a process of its own is to listen.</summary>
    public int PortOf(string app) => run.AppPort(IndexOf(app, 0)) is > 0 and var port ? port : Ports.Free(1)[0];

    /// <summary>Gives such an app to its sidecar, now that it listens.</summary>
    public Task ConnectAsync(string app, int port) => run.ConnectAsync(IndexOf(app, 0), new Uri($"http://127.0.0.1:{port}"), ready: true);

    /// <summary>Ends an app, and its sidecar with it, as a pod goes.</summary>
    public async Task StopAsync(string app, int replica = 0)
    {
        var index = IndexOf(app, replica);
        await run.ForgetAsync(index);
        foreach (var (_, stopped) in apps.Where(a => a.Index == index).ToArray())
        {
            await stopped.DisposeAsync();
        }

        apps.RemoveAll(a => a.Index == index);
    }

    /// <summary>Ends all sidecars and apps and starts the sidecars anew.</summary>
    public async Task RestartAsync()
    {
        foreach (var (_, app) in apps)
        {
            await app.DisposeAsync();
        }

        apps.Clear();
        await run.RestartAsync();
    }

    /// <summary>Waits until it is so, while up to <paramref name="within"/> passes on the sidecars' clock.</summary>
    public async Task UntilAsync(Func<bool> condition, TimeSpan within, Func<string>? seen = null, bool held = false)
    {
        var end = Now + within;
        var limit = DateTime.UtcNow + within + TimeSpan.FromSeconds(10);
        while (!condition())
        {
            Assert.True(Now <= end && DateTime.UtcNow < limit, $"it never happened; seen: {seen?.Invoke()}");
            await run.PassAsync(Step, condition, held);
        }
    }

    /// <summary>Lets the time pass and holds that it stays so.</summary>
    public async Task StaysAsync(Func<bool> condition, TimeSpan during, Func<string>? seen = null, bool held = false)
    {
        for (var end = Now + during; Now < end;)
        {
            await run.PassAsync(Step < end - Now ? Step : end - Now, () => !condition(), held);
            Assert.True(condition(), $"it did not stay so; seen: {seen?.Invoke()}");
        }
    }

    /// <summary>Waits for an answer that comes only as time passes.</summary>
    public async Task<T> AfterAsync<T>(Task<T> answer, TimeSpan within, bool held = false)
    {
        // An answer that is on its way to the test is not rest either.
        run.Asking.Begin();
        try
        {
            await UntilAsync(() => answer.IsCompleted, within, held: held);
            return await answer;
        }
        finally
        {
            run.Asking.End();
        }
    }

    /// <summary>Status and errorCode of a sidecar's own answer, and that it is JSON with the two names.</summary>
    public static async Task<(int Status, string? Code)> ErrorOf(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        if (body.Length == 0)
        {
            return ((int)answer.StatusCode, null);
        }

        var json = JsonElement.Parse(body);
        Assert.Equal(JsonValueKind.String, json.GetProperty("message").ValueKind);
        return ((int)answer.StatusCode, json.GetProperty("errorCode").GetString());
    }

    public async ValueTask DisposeAsync()
    {
        if (run is not null)
        {
            await run.DisposeAsync();
        }

        foreach (var (_, app) in apps)
        {
            await app.DisposeAsync();
        }

        Directory.Delete(home, recursive: true);
    }

    private int IndexOf(string app, int replica) => names.Select((name, i) => (name, i)).Where(n => n.name == app).ElementAt(replica).i;
}
