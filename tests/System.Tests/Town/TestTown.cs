extern alias gateway;

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using SecondhandTrade.Local;
using SecondhandTrade.Platform;

namespace SecondhandTrade.SystemTests;

/// <summary>What a service answered.</summary>
public sealed record Answer(HttpStatusCode Code, JsonNode? Body, HttpResponseMessage Response)
{
    public string? this[string field] => Body?[field]?.ToString();

    public string? Problem => Body?["code"]?.ToString();

    /// <summary>The names of the actions that are allowed now.</summary>
    public IEnumerable<string> Links => Body?["_links"]?.AsObject().Select(l => l.Key) ?? [];

    public JsonArray List(string kind) => Body!["_embedded"]![kind]!.AsArray();
}

/// <summary>The whole town in this process: every service as it ships, the stand-in beside them, and a clock that the test turns.</summary>
public sealed class TestTown : IAsyncDisposable
{
    private static readonly string[] Apps = ["reservation", "trade", "stock", "notification", "payment", "mypage", "web", "gateway"];

    private readonly string folder;
    private readonly LocalRedis redis;
    private readonly Dictionary<string, ServiceHost> running = [];
    private readonly Dictionary<string, string> settings = [];
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 512 });

    private TestTown(string folder, LocalRedis redis, StandIn standIn, FakeTimeProvider clock) => (this.folder, this.redis, StandIn, Clock) = (folder, redis, standIn, clock);

    public FakeTimeProvider Clock { get; }

    public StandIn StandIn { get; }

    public string Redis => redis.Address;

    /// <summary>Every request that has reached a service, as the service sees it: app, method and path.</summary>
    public ConcurrentQueue<(string App, string Method, string Path)> Reached { get; } = new();

    /// <summary>Every call of a service by another that was answered.</summary>
    public ConcurrentQueue<Call> Called { get; } = new();

    /// <summary>Set to cut the wire that events leave a service by.</summary>
    public Dictionary<string, WireFault> Faults { get; } = Apps.ToDictionary(app => app, _ => new WireFault());

    public static string Root => Repository.Root;

    /// <summary>Opens the town; every service gets the settings, and the sidecars the tokens among them.</summary>
    public static async Task<TestTown> Open(IReadOnlyDictionary<string, string>? settings = null)
    {
        settings ??= new Dictionary<string, string>();
        var folder = Directory.CreateTempSubdirectory("town-").FullName;
        var clock = new FakeTimeProvider(new DateTimeOffset(2027, 3, 1, 9, 0, 0, TimeSpan.FromHours(9)));
        var redis = LocalRedis.Start(Path.Combine(folder, "redis"), 0, durable: false);
        var standIn = await Local.StandIn.StartAsync(new()
        {
            Sidecars = [.. Apps.Select(app => new SidecarOptions(app) { AppApiToken = settings.GetValueOrDefault("APP_API_TOKEN"), ApiToken = settings.GetValueOrDefault("DAPR_API_TOKEN") })],
            ResourcesPaths = [Path.Combine(Root, "components")],
            ConfigFile = Path.Combine(Root, "components", "config.yaml"),
            Redis = redis.Address,
            DataDirectory = Path.Combine(folder, "broker"),
            Clock = clock,
        });
        var town = new TestTown(folder, redis, standIn, clock);
        foreach (var (key, value) in settings)
        {
            town.settings[key] = value;
        }

        foreach (var app in Apps)
        {
            await town.Start(app);
        }

        return town;
    }

    /// <summary>Starts a service and connects its sidecar, as the runner does.</summary>
    public async Task Start(string app)
    {
        var sidecar = StandIn.Sidecar(app);
        if (app is "web" or "gateway")
        {
            settings["Notification:Address"] = running["notification"].Address.ToString();
        }

        if (app == "gateway")
        {
            settings["Web:Address"] = running["web"].Address.ToString();
        }

        running[app] = app switch
        {
            "reservation" => Host<Reservations.ProductActor>(),
            "trade" => Host<Trades.TradeActor>(),
            "stock" => Host<Stocks.ListingActor>(),
            "payment" => Host<Payments.PaymentActor>(),
            "notification" => Host<Notifications.NotificationJson>(),
            "mypage" => Host<MyPages.MyPageJson>(),
            "web" => Host<Web.Visitor>(),
            _ => Host<gateway::Program>(),
        };
        await sidecar.ConnectAppAsync(running[app].Address, CancellationToken.None);

        ServiceHost Host<T>()
            where T : class => ServiceHost.Start<T>(sidecar, redis.Address, Clock, settings, Faults[app], Reached, Called);
    }

    /// <summary>Takes a service away; what is sent to it meanwhile fails or waits, as with a dead process.</summary>
    public async Task Stop(string app)
    {
        await StandIn.Sidecar(app).DisconnectAppAsync();
        await running[app].DisposeAsync();
        running.Remove(app);
    }

    public T Service<T>(string app)
        where T : notnull => running[app].Services.GetRequiredService<T>();

    public Uri Address(string app) => running[app].Address;

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> Put(string path, object? body = null) => Send(HttpMethod.Put, path, body);

    public Task<Answer> Post(string path, object body) => Send(HttpMethod.Post, path, body);

    /// <summary>Sends to the gateway, or straight to an app as its sidecar does; a body that is a string or content goes as it is.</summary>
    public async Task<Answer> Send(HttpMethod method, string path, object? body = null, string app = "gateway", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Address(app), path));
        if (body is not null)
        {
            request.Content = body as HttpContent ?? new StringContent(body as string ?? JsonSerializer.Serialize(body), System.Text.Encoding.UTF8, "application/json");
        }

        if (app != "gateway" && settings.TryGetValue("APP_API_TOKEN", out var token))
        {
            request.Headers.Add("dapr-api-token", token);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new(response.StatusCode, text.StartsWith('{') || text.StartsWith('[') ? JsonNode.Parse(text) : null, response);
    }

    /// <summary>Sets how the payment provider behaves.</summary>
    public Task Provider(string mode) => Send(HttpMethod.Put, "/payments/simulator", new { mode }, "payment");

    /// <summary>Turns the clock and lets everything that this brings come to rest.</summary>
    public async Task Turn(TimeSpan by)
    {
        Clock.Advance(by);
        await Settle();
    }

    /// <summary>Waits until nothing moves any more; where only a retry waits, the clock is turned by seconds for it.</summary>
    public async Task Settle(int seconds = 90)
    {
        var patience = Stopwatch.StartNew();
        for (var (quiet, stuck) = (0, 0); quiet < 3;)
        {
            var busy = running.Values.Select(s => s.Services.GetService<WakeWorker>()).Any(w => w?.IsBusy == true);
            if (!busy && StandIn.IsIdle && await Due() == 0)
            {
                quiet++;
            }
            else
            {
                quiet = 0;

                // A worker that is busy while nothing goes through any sidecar, look after look, waits for the clock itself.
                stuck = busy && StandIn.IsIdle ? stuck + 1 : 0;
                if ((!busy || stuck > 25) && (StandIn.IsWaitingForClock || StandIn.IsIdle) && seconds-- > 0)
                {
                    Clock.Advance(TimeSpan.FromSeconds(1));
                }
            }

            if (patience.Elapsed > TimeSpan.FromSeconds(60))
            {
                throw new TimeoutException($"The town does not come to rest (idle: {StandIn.IsIdle}, waits for the clock: {StandIn.IsWaitingForClock}, due: {await Due()}).\n{TestLog.Drain()}");
            }

            // Not a wait for a time but a turn for the others: the condition above decides.
            await Task.Delay(2);
        }
    }

    /// <summary>Turns the clock by small steps until the call has its answer.</summary>
    public async Task<T> TurnUntil<T>(Task<T> call)
    {
        while (await Task.WhenAny(call, Task.Delay(20)) != call)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        return await call;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in running.Keys.Reverse().ToList())
        {
            await Stop(app);
        }

        await StandIn.DisposeAsync();
        redis.Dispose();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<long> Due()
    {
        var due = 0L;
        foreach (var wakes in running.Values.Select(s => s.Services.GetService<WakeList>()).OfType<WakeList>())
        {
            due += await wakes.Waiting();
        }

        return due;
    }
}
