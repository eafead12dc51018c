using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.HostFiltering;
using SecondhandTrade.Local.Otlp;

namespace SecondhandTrade.Local;

/// <summary>A virtual sidecar's ports, and whether its app is connected.</summary>
public sealed record SidecarState(string App, int HttpPort, int GrpcPort, bool Ready);

/// <summary>A circuit breaker in an app's sidecar: what it is about, and closed, half-open or open.</summary>
public sealed record BreakerState(string App, string About, string State);

/// <summary>Everything the runner knows of the town at this moment.</summary>
public sealed record RunnerState(
    IEnumerable<AppState> Apps, IEnumerable<SidecarState> Sidecars, IEnumerable<BreakerState> Breakers, IReadOnlyList<ConsumerLag> Consumers, IEnumerable<TraceSummary> Traces, IEnumerable<MetricSample> Metrics);

/// <summary>What goes on in the town, as JSON for whoever watches it on this machine; and where its services tell of themselves, by OTLP over HTTP.</summary>
public sealed class RunnerApi : IAsyncDisposable
{
    public const int DefaultPort = 8090;

    /// <summary>The header that comes with whatever changes something.</summary>
    public const string RequiredHeader = "X-Town";

    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const int LastTraces = 50;

    private readonly WebApplication host;

    private RunnerApi(WebApplication host) => this.host = host;

    /// <summary>Tells an app where to tell of itself, unless it is told already: then someone has a collector of their own.</summary>
    public static Dictionary<string, string> WithOtlpEndpoint(Dictionary<string, string> environment, int port)
    {
        if (!environment.ContainsKey(OtlpEndpoint) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpEndpoint)))
        {
            environment[OtlpEndpoint] = $"http://127.0.0.1:{port}";
            environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";

            // Someone is looking: the usual minute is too long to wait.
            environment["OTEL_METRIC_EXPORT_INTERVAL"] = "5000";
            environment["OTEL_BSP_SCHEDULE_DELAY"] = environment["OTEL_BLRP_SCHEDULE_DELAY"] = "500";
        }

        return environment;
    }

    public static async Task<RunnerApi> StartAsync(int port, StandIn standIn, Supervisor supervisor, CancellationToken ct)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.Create(System.Text.Unicode.UnicodeRanges.All));

        // Loopback keeps other machines out, this keeps out a page that has its own name point here.
        builder.Services.Configure<HostFilteringOptions>(options => options.AllowedHosts = ["localhost", "127.0.0.1"]);
        var app = builder.Build();
        app.UseMiddleware<HostFilteringMiddleware>();
        app.UseRouting();
        var telemetry = new TelemetryStore();
        MapOtlpReceiver(app, telemetry);
        MapRunner(app, standIn, supervisor, telemetry, ct);
        await app.StartAsync(ct);
        return new RunnerApi(app);
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    private static void MapRunner(WebApplication app, StandIn standIn, Supervisor supervisor, TelemetryStore telemetry, CancellationToken stop)
    {
        app.MapGet("/town", () => new RunnerState(
            supervisor.Apps,
            standIn.Sidecars.Select(s => new SidecarState(s.AppId, s.HttpPort, s.GrpcPort, s.IsReady)),
            standIn.Sidecars.SelectMany(s => s.Resiliency.Breakers.Select(b => new BreakerState(s.AppId, b.About, b.State))),
            standIn.Lags,
            telemetry.Traces.Take(LastTraces),
            telemetry.Metrics));
        app.MapGet("/town/traces/{id}", IResult (string id) => telemetry.Trace(id) is { Count: > 0 } spans ? TypedResults.Ok(spans) : TypedResults.NotFound());

        // A page elsewhere can make a browser send a form here, but not one with a header of its own.
        app.MapPost("/town/restart/{id}", async (string id, HttpRequest request) =>
        {
            if (!request.Headers.ContainsKey(RequiredHeader))
            {
                return Results.Text($"Send the header {RequiredHeader} with it, which says that no page asks for this.", statusCode: StatusCodes.Status403Forbidden);
            }

            try
            {
                return await supervisor.RestartAsync(id, stop) is > 0 and var replicas ? Results.Text($"{replicas}") : Results.Text($"No app is called {id}, so nothing was restarted; the apps are {string.Join(", ", supervisor.Apps.Select(app => app.Id).Distinct())}.", statusCode: StatusCodes.Status404NotFound);
            }
            catch (LocalRunnerException e)
            {
                return Results.Text(e.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
            }
        });
        app.MapGet("/town/logs", () => telemetry.Logs);
    }

    private static void MapOtlpReceiver(WebApplication app, TelemetryStore telemetry)
    {
        app.MapPost("/v1/traces", async (HttpRequest request) => telemetry.Add(await Read(request, Traces.Parser)));
        app.MapPost("/v1/logs", async (HttpRequest request) => telemetry.Add(await Read(request, Logs.Parser)));
        app.MapPost("/v1/metrics", async (HttpRequest request) => telemetry.Add(await Read(request, Metrics.Parser)));
    }

    // An empty answer of 200 is the protocol's word for having taken all of it.
    private static async Task<T> Read<T>(HttpRequest request, MessageParser<T> parser)
        where T : IMessage<T>
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        body.Position = 0;
        return parser.ParseFrom(body);
    }
}
