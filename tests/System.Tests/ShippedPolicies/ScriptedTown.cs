using System.Collections.Concurrent;
using System.Text;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.ShippedPolicies;

/// <summary>What the sidecar told a caller.</summary>
public sealed record Told(int Status, string Body)
{
    public bool IsRefusal(string because) => Status == 500 && Body.Contains("\"ERR_DIRECT_INVOKE\"", StringComparison.Ordinal) && Body.Contains(because, StringComparison.Ordinal);
}

/// <summary>The components as they ship, a sidecar for each app of the town, and apps that answer as a test scripts them, on a clock the test turns.</summary>
public sealed class ScriptedTown : IAsyncDisposable
{
    private static readonly string[] Ids = ["reservation", "trade", "stock", "notification", "payment", "mypage", "gateway"];

    private readonly string data = Directory.CreateTempSubdirectory("scripted-").FullName;
    private readonly List<WebApplication> apps = [];
    // A call that waits for the clock would wait for ever.
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private ScriptedTown()
    {
    }

    public WatchedClock Clock { get; } = new();

    public StandIn StandIn { get; private set; } = null!;

    public static async Task<ScriptedTown> Open(string redis)
    {
        var town = new ScriptedTown();
        town.StandIn = await StandIn.StartAsync(new StandInOptions
        {
            Sidecars = [.. Ids.Select(id => new SidecarOptions(id))],
            ResourcesPaths = [Path.Combine(TestTown.Root, "components")],
            ConfigFile = Path.Combine(TestTown.Root, "components", "config.yaml"),
            Redis = redis,
            DataDirectory = town.data,
            Clock = town.Clock,
        });
        return town;
    }

    /// <summary>Starts an app that answers everything it is sent as the script says.</summary>
    public async Task<Script> Play(string app)
    {
        var script = new Script();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var played = builder.Build();
        played.MapFallback(script.Answer);
        await played.StartAsync();
        apps.Add(played);
        await StandIn.Sidecar(app).ConnectAppAsync(new Uri(played.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()), TestContext.Current.CancellationToken);
        return script;
    }

    /// <summary>Sends a POST with a length, as the services do, from one app to another.</summary>
    public Task<Told> Post(string from, string to, string path, string body = "{}") => Send(from, to, HttpMethod.Post, path, new StringContent(body, Encoding.UTF8, "application/json"));

    public Task<Told> Get(string from, string to, string path) => Send(from, to, HttpMethod.Get, path, null);

    /// <summary>Publishes as an app does; all of one key are in one partition, in order.</summary>
    public async Task Publish(string from, string topic, string type, string key, object data)
    {
        using var dapr = new DaprClientBuilder().UseHttpEndpoint($"http://127.0.0.1:{StandIn.Sidecar(from).HttpPort}").UseGrpcEndpoint($"http://127.0.0.1:{StandIn.Sidecar(from).GrpcPort}").Build();
        await dapr.PublishEventAsync("pubsub", topic, data, new Dictionary<string, string> { ["partitionKey"] = key, ["cloudevent.type"] = type }, TestContext.Current.CancellationToken);
    }

    public IReadOnlyList<BrokerMessage> Topic(string topic) => [.. StandIn.Broker.Read(topic)];

    /// <summary>Waits until nothing moves before the clock does.</summary>
    public Task Settle() => Until(() => StandIn.IsIdle || StandIn.IsWaitingForClock, "the town does not settle");

    public async Task Turn(TimeSpan by)
    {
        await Settle();
        // Off the test's own context: there, whoever waited goes on before the clock has done turning, and is not taken for still waiting.
        await Task.Run(() => Clock.Advance(by));
        await Settle();
    }

    public static async Task Until(Func<bool> condition, string otherwise)
    {
        var limit = DateTime.UtcNow.AddSeconds(20);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < limit, otherwise);
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StandIn.DisposeAsync();
        foreach (var app in apps)
        {
            await app.DisposeAsync();
        }

        http.Dispose();
        Directory.Delete(data, recursive: true);
    }

    private async Task<Told> Send(string from, string to, HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{StandIn.Sidecar(from).HttpPort}/v1.0/invoke/{to}/method/{path}") { Content = content };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return new((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}

/// <summary>A clock that knows how often somebody began to wait on it: to turn it a moment earlier would turn it in vain.</summary>
public sealed class WatchedClock() : FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero))
{
    private readonly ConcurrentDictionary<TimeSpan, int> waits = new();

    /// <summary>How many waits of that length have begun.</summary>
    public int Waits(TimeSpan length) => waits.GetValueOrDefault(length);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        waits.AddOrUpdate(dueTime, 1, (_, so) => so + 1);
        return timer;
    }
}

/// <summary>How an app answers, and what it was sent; setup calls of its sidecar are not counted.</summary>
public sealed class Script
{
    private Func<HttpContext, string, Task> how = (_, _) => Task.CompletedTask;

    /// <summary>Verb, path and body of every call, in order.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    public void With(int status, string body = "") => how = (context, _) =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    };

    public void With(Func<HttpContext, string, Task> answer) => how = answer;

    /// <summary>From now on, a call waits until its caller gives up.</summary>
    public void Hang() => how = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

    /// <summary>From now on, a call is cut off without an answer.</summary>
    public void HangUp() => how = (context, _) =>
    {
        context.Abort();
        return Task.CompletedTask;
    };

    public async Task Answer(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments("/dapr"))
        {
            context.Response.StatusCode = 404;
            return;
        }

        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        Calls.Enqueue($"{context.Request.Method} {context.Request.Path} {body}".TrimEnd());
        await how(context, body);
    }
}
