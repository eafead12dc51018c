using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using SecondhandTrade.Contracts;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>
/// What the services tell of themselves. Metrics are there to be scraped; traces and logs go out by OTLP once the standard <c>OTEL_EXPORTER_OTLP_*</c>
/// variables name an endpoint, and cost nothing before. Ids travel, people's data does not.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the town's own spans and metrics.</summary>
    public const string Name = "SecondhandTrade";

    /// <summary>Where a service makes instruments of its own.</summary>
    public static readonly Meter Meter = new(Name);

    private static readonly ActivitySource Spans = new(Name);
    private static readonly InstrumentAdvice<double> Waits = new() { HistogramBucketBoundaries = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800] };
    private static readonly Counter<long> Events = Meter.CreateCounter<long>("town.events", "{event}", "Events that were decided and saved, by type and the status they tell of.");
    private static readonly Counter<long> Unpublished = Meter.CreateCounter<long>("town.outbox.failures", "{failure}", "Times the broker did not take an event, which stays in its document.");
    private static readonly Histogram<double> OutboxAge = Meter.CreateHistogram("town.outbox.age", "s", "How long after it was decided an event was published.", null, Waits);
    private static readonly Histogram<double> EventLag = Meter.CreateHistogram("town.event.lag", "s", "How long after it was decided an event had its effect here.", null, Waits);
    private static readonly Histogram<double> WakeDelay = Meter.CreateHistogram("town.wake.delay", "s", "How late after its time what was due was woken: also how long a unit that came free waited for the next in the queue.", null, Waits);

    /// <summary>Adds metrics, and traces and logs where an OTLP endpoint is named; <c>OTEL_SDK_DISABLED=true</c> leaves all of it out.</summary>
    public static WebApplicationBuilder AddTelemetry(this WebApplicationBuilder builder, string service)
    {
        if (builder.Environment.IsProduction())
        {
            builder.Logging.AddJsonConsole(json => json.IncludeScopes = true);
        }

        if (builder.Configuration.GetValue("OTEL_SDK_DISABLED", false))
        {
            return builder;
        }

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(service, "secondhand-trade"))
            .WithMetrics(metrics => metrics.AddMeter(Name).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddPrometheusExporter());
        string[] endpoints = ["", "TRACES_", "METRICS_", "LOGS_"];
        if (endpoints.Any(signal => builder.Configuration[$"OTEL_EXPORTER_OTLP_{signal}ENDPOINT"] is { Length: > 0 }))
        {
            telemetry
                .WithTracing(traces => traces.AddSource(Name)
                    .AddAspNetCoreInstrumentation(options => options.Filter = http => !IsUpkeep(http.Request.Path))
                    .AddHttpClientInstrumentation(options => options.FilterHttpRequestMessage = request => !IsUpkeep(request.RequestUri!.AbsolutePath)))
                .WithLogging(null, options => (options.IncludeScopes, options.IncludeFormattedMessage) = (true, true))
                .UseOtlpExporter();
        }

        return builder;
    }

    /// <summary>Serves <c>/metrics</c> to whoever scrapes; the gateway's routes do not lead here.</summary>
    public static WebApplication UseMetrics(this WebApplication app)
    {
        if (app.Services.GetService<MeterProvider>() is not null)
        {
            app.MapPrometheusScrapingEndpoint();
        }

        return app;
    }

    /// <summary>Serves <c>/metrics</c>, and nothing else, on the port that the setting <c>Metrics:Port</c> names, for an app whose own port people reach; without that setting nowhere.</summary>
    public static WebApplication UseMetricsApart(this WebApplication app)
    {
        if (MetricsPort(app.Configuration) is { } port)
        {
            app.MapWhen(http => http.Connection.LocalPort == port, scraped =>
            {
                if (app.Services.GetService<MeterProvider>() is not null)
                {
                    scraped.UseOpenTelemetryPrometheusScrapingEndpoint();
                }

                scraped.Run(http =>
                {
                    http.Response.StatusCode = StatusCodes.Status404NotFound;
                    return Task.CompletedTask;
                });
            });
        }

        return app;
    }

    /// <summary>Listens on the port for <see cref="UseMetricsApart"/>, too.</summary>
    public static WebApplicationBuilder ListenForMetrics(this WebApplicationBuilder builder)
    {
        if (MetricsPort(builder.Configuration) is { } port)
        {
            builder.WebHost.UseUrls($"{builder.Configuration[WebHostDefaults.ServerUrlsKey]};http://+:{port}");
        }

        return builder;
    }

    /// <summary>A number that is looked up whenever it is asked for; nothing is said while Redis is away.</summary>
    public static IServiceCollection AddGauge(
        this IServiceCollection services, string name, string unit, string description, Func<IServiceProvider, IEnumerable<Measurement<long>>> read) =>
        services.ConfigureOpenTelemetryMeterProvider((provider, _) => provider.GetRequiredService<IMeterFactory>().Create(Name).CreateObservableGauge(
            name, () => provider.GetRequiredService<IConnectionMultiplexer>().IsConnected ? read(provider) : [], unit, description));

    /// <summary>A span that continues the trace something began with, and is linked to the one that gave occasion now; null where nobody listens.</summary>
    public static Activity? Continue(string name, string? trace, ActivityKind kind = ActivityKind.Internal)
    {
        ActivityContext.TryParse(trace, null, isRemote: true, out var parent);
        var here = Activity.Current?.Context;
        return Spans.StartActivity(kind, parent, links: here is { } occasion && parent != default && occasion.TraceId != parent.TraceId ? [new(occasion)] : null, name: name);
    }

    /// <summary>Counts what a turn has decided, and notes it on the span.</summary>
    internal static void Saved(IEnumerable<OutboxEvent> events)
    {
        foreach (var e in events)
        {
            Activity.Current?.AddEvent(new(e.Type, tags: new() { ["town.reservation"] = e.CorrelationId, ["town.event.id"] = e.Id }));
            Events.Add(1, new TagList
            {
                { "town.event", e.Type },
                { "town.status", e.Data.TryGetProperty("statusCode", out var status) ? status.GetString() : null },
                { "town.promoted", e.Data.TryGetProperty("promoted", out var promoted) && promoted.ValueKind == JsonValueKind.True },
            });
        }
    }

    internal static Activity? Publishing(string topic, OutboxEvent e)
    {
        var span = Continue($"publish {topic}", e.TraceParent, ActivityKind.Producer);
        span?.SetTag("messaging.system", "dapr").SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", topic).SetTag("messaging.message.id", e.Id)
            .SetTag("town.event", e.Type).SetTag("town.reservation", e.CorrelationId);
        return span;
    }

    internal static void Published(string topic, OutboxEvent e, DateTimeOffset now)
    {
        var where = new KeyValuePair<string, object?>("messaging.destination.name", topic);
        OutboxAge.Record(Math.Max(0, (now - e.Data.GetProperty("timestamp").GetDateTimeOffset()).TotalSeconds), where, new("town.event", e.Type));

        // Recorded as 0 first, so that the series exists before its first failure: rate() misses the increment that creates a series.
        Unpublished.Add(0, where);
    }

    internal static void NotPublished(string topic) => Unpublished.Add(1, new KeyValuePair<string, object?>("messaging.destination.name", topic));

    internal static void Woken(string kind, TimeSpan late) => WakeDelay.Record(Math.Max(0, late.TotalSeconds), new KeyValuePair<string, object?>("town.kind", kind));

    /// <summary>Runs a subscription's handler with the reservation on its span and its log lines, and measures how far behind the event was.</summary>
    internal static async ValueTask<object?> Hear(EndpointFilterInvocationContext context, EndpointFilterDelegate next, ILogger log, TimeProvider clock)
    {
        if (context.Arguments.OfType<Event>().FirstOrDefault() is not { } e)
        {
            return await next(context);
        }

        Activity.Current?.SetTag("town.reservation", e.CorrelationId);
        using var scope = log.BeginScope(new Dictionary<string, object?> { ["reservation"] = e.CorrelationId });
        var answer = await next(context);
        if (answer is not IStatusCodeHttpResult { StatusCode: >= 300 })
        {
            EventLag.Record(Math.Max(0, (clock.GetUtcNow() - e.Timestamp).TotalSeconds), new KeyValuePair<string, object?>("town.event", e.GetType().Name));
        }

        return answer;
    }

    private static int? MetricsPort(IConfiguration configuration) => configuration.GetValue<int?>("Metrics:Port");

    private static bool IsUpkeep(PathString path) => path.Value is "/healthz" or "/alive" or "/ready" or "/metrics" or "/v1.0/healthz" or "/dapr/config" or "/dapr/subscribe";
}
