using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.HostFiltering;
using SecondhandTrade.Local.Otlp;

namespace SecondhandTrade.Local;

/// <summary>A virtual sidecar's ports, and whether its app is connected.</summary>
public sealed record SidecarState(string App, int HttpPort, int GrpcPort, bool Ready);

/// <summary>A circuit breaker in an app's sidecar: its target, and closed, half-open or open.</summary>
public sealed record BreakerState(string App, string About, string State);

/// <summary>A snapshot of everything the runner knows about the running apps.</summary>
public sealed record RunnerState(
    IEnumerable<AppState> Apps, IEnumerable<SidecarState> Sidecars, IEnumerable<BreakerState> Breakers, IReadOnlyList<ConsumerLag> Consumers, IEnumerable<TraceSummary> Traces, IEnumerable<MetricSample> Metrics);

/// <summary>The runner's own HTTP API on loopback: the state of the apps as JSON, rolling restarts, and an OTLP/HTTP receiver for their telemetry.</summary>
public sealed class RunnerApi : IAsyncDisposable
{
    public const int DefaultPort = 8090;

    /// <summary>The header that every request with side effects must carry, as a protection against CSRF.</summary>
    public const string RequiredHeader = "X-Town";

    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const int LastTraces = 50;

    private readonly WebApplication host;

    private RunnerApi(WebApplication host) => this.host = host;

    /// <summary>Points the OTLP exporter of an app at this API, unless the app or the environment already names another collector.</summary>
    public static Dictionary<string, string> WithOtlpEndpoint(Dictionary<string, string> environment, int port)
    {
        if (!environment.ContainsKey(OtlpEndpoint) && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpEndpoint)))
        {
            environment[OtlpEndpoint] = $"http://127.0.0.1:{port}";
            environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";

            // Export more often than the default, so that the API shows recent data.
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

        // Listening on loopback keeps other machines out; host filtering protects against DNS rebinding.
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

        // A cross-site form post cannot carry a custom header, and a script would need a CORS preflight, which fails.
        app.MapPost("/town/restart/{id}", async (string id, HttpRequest request) =>
        {
            if (!request.Headers.ContainsKey(RequiredHeader))
            {
                return Results.Text($"Send the header {RequiredHeader} with the request; it protects against cross-site requests.", statusCode: StatusCodes.Status403Forbidden);
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

    // In OTLP/HTTP, 200 with an empty body means that everything was accepted.
    private static async Task<T> Read<T>(HttpRequest request, MessageParser<T> parser)
        where T : IMessage<T>
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        body.Position = 0;
        return parser.ParseFrom(body);
    }
}
