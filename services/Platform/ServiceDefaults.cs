using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dapr.Actors.Runtime;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using SecondhandTrade.Contracts;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>Which service this is: its context (also its Dapr app id), the topic it publishes on, and its JSON.</summary>
public sealed record ServiceIdentity(string Context, string Topic, JsonSerializerOptions Json)
{
    public const string StateStore = "statestore";
    public const string PubSub = "pubsub";
}

/// <summary>The wiring that every service shares.</summary>
public static class ServiceDefaults
{
    private const int LongestBody = 64 * 1024;
    /// <summary>The tag of the checks that <c>/ready</c> makes.</summary>
    public const string Ready = "ready";

    /// <summary>Adds Dapr, Redis, actors, problems and OpenAPI for one context.</summary>
    public static WebApplicationBuilder AddServiceDefaults(
        this WebApplicationBuilder builder, string context, string topic, IJsonTypeInfoResolver json, Action<ActorRegistrationCollection>? actors = null)
    {
        var services = builder.Services;
        var service = new ServiceIdentity(context, topic, Wire.Options(json));
        builder.WebHost.ConfigureKestrel(kestrel => (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, LongestBody));
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None).AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        builder.AddTelemetry(context);
        services.AddSingleton(service);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IConnectionMultiplexer>(_ =>
        {
            var options = ConfigurationOptions.Parse(builder.Configuration.GetConnectionString("Redis") ?? "localhost:6379");
            options.AbortOnConnectFail = false;
            return ConnectionMultiplexer.Connect(options);
        });
        services.AddSingleton<WakeList>().AddSingleton<ReadModel>().AddSingleton<AggregateStore>();
        services.AddSingleton<WakeWorker>().AddHostedService(provider => provider.GetRequiredService<WakeWorker>());
        services.AddGauge("town.wake.due", "{aggregate}", "How many are due and not yet woken.", provider => [new(provider.GetRequiredService<WakeList>().Due())]);
        services.AddDaprClient(dapr => dapr.UseJsonSerializationOptions(service.Json));
        services.AddActors(options =>
        {
            actors?.Invoke(options.Actors);
            options.UseJsonSerialization = true;

            // The SDK wraps arguments in types it makes at run time, which no generated resolver knows.
            options.JsonSerializerOptions = Wire.Options(json, new DefaultJsonTypeInfoResolver());
        });
        services.ConfigureHttpJsonOptions(options => Wire.Configure(options.SerializerOptions, json, new DefaultJsonTypeInfoResolver()));
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddExceptionHandler<ExceptionProblems>();
        services.AddProblems();
        services.AddReadiness().AddCheck<WakeWorker>("warm").AddCheck<RedisHealthCheck>("store", tags: [Ready], timeout: RedisHealthCheck.Patience);
        services.AddRights(builder.Configuration);
        services.AddDocument(context, Wire.Options(json, new DefaultJsonTypeInfoResolver()), json.GetType().Assembly);
        return builder;
    }

    /// <summary>An HTTP client for another app, through this app's sidecar and the policies that stand there; keyed by the app's id.</summary>
    public static IServiceCollection AddInvoker(this IServiceCollection services, string appId) => services.AddKeyedSingleton(
        appId, (provider, _) => DaprClient.CreateInvokeHttpClient(appId, provider.GetRequiredService<IConfiguration>().Sidecar(), provider.GetRequiredService<IConfiguration>()["DAPR_API_TOKEN"]));

    /// <summary>Where this app's sidecar listens for HTTP, by the names that Dapr gives.</summary>
    public static string Sidecar(this IConfiguration configuration) =>
        configuration["DAPR_HTTP_ENDPOINT"] ?? $"http://localhost:{configuration["DAPR_HTTP_PORT"] ?? "3500"}";

    /// <summary>Puts the shared middleware and routes in place; people come to the <paramref name="direct"/> ones without a sidecar between.</summary>
    public static WebApplication UseServiceDefaults(this WebApplication app, params IReadOnlyCollection<string> direct)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseSidecarOnly(direct);

        // Only the sidecar sends envelopes; a person who calls a body one sends a body all the same.
        app.UseWhen(http => http.Request.Path.StartsWithSegments("/events"), events => events.UseCloudEvents());

        // Dapr keeps this sign for its own keys: nothing in the town has an id with it.
        app.Use((http, next) => http.Request.Path.Value?.Contains("||", StringComparison.Ordinal) == true ? Problems.Problem(404, "not-found", "There is nothing here.").ExecuteAsync(http) : next(http));

        // A charset that does not exist: without this the framework answers 500.
        app.Use((http, next) => http.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is not null && MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) && type.Charset.HasValue && type.Encoding is null
            ? Problems.Problem(415, Problems.CodeOf(415), $"There is no charset {type.Charset}; send UTF-8.").ExecuteAsync(http)
            : next(http));
        app.UseSwagger(document => document.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1);
        app.UseSwaggerUI();
        app.UseMetrics();
        app.UseRights();

        // Actor routes are called by the sidecar only, so they need no user; the app token was checked above.
        app.MapActorsHandlers().AllowAnonymous();
        app.MapProbes();
        return app;
    }

    /// <summary>Adds what makes a process not ready from the moment it is told to stop.</summary>
    public static IHealthChecksBuilder AddReadiness(this IServiceCollection services) => services.AddHealthChecks().AddCheck<ShutdownHealthCheck>("leaving", tags: [Ready]);

    /// <summary><c>/alive</c>: the process answers; <c>/healthz</c>: warm-up is done; <c>/ready</c>: its own store answers and it is not shutting down. None asks the broker or another service. The sidecar takes the app up once it is alive, and warm-up waits for the sidecar.</summary>
    public static void MapProbes(this WebApplication app)
    {
        app.MapHealthChecks("/healthz", new() { Predicate = check => !check.Tags.Contains(Ready) });
        app.MapHealthChecks("/alive", new() { Predicate = _ => false });
        app.MapHealthChecks("/ready", new() { Predicate = check => check.Tags.Contains(Ready) });
    }

    /// <summary>The routes a sidecar delivers events to, under <c>/events</c>; what no rule names goes to <c>/events/ignored</c>, which answers 200.</summary>
    public static IEndpointConventionBuilder MapEvents(this WebApplication app, Action<IEndpointRouteBuilder> map)
    {
        var events = app.MapGroup("/events").ExcludeFromDescription().AllowAnonymous();
        var clock = app.Services.GetRequiredService<TimeProvider>();
        events.AddEndpointFilter((context, next) => Telemetry.Hear(context, next, app.Logger, clock));
        events.MapPost("/ignored", () => TypedResults.Ok());
        map(events);
        return events;
    }

    /// <summary>What a subscription answers: 200 for done or done already, 409 for "ask me again". Never 404, which Dapr takes for "drop it".</summary>
    public static IResult Heard<T>(this Reply<T> reply)
        where T : class => reply.Refusal is { } refusal ? Problems.Refused(refusal, StatusCodes.Status409Conflict) : TypedResults.Ok();

    /// <summary>The id a POST creates: the client's own, one that its idempotency key always gives, or a new one; 53 bits, safe as a JSON number.</summary>
    public static string NewId(this HttpContext http, string? chosen)
    {
        if (chosen is not null)
        {
            return chosen;
        }

        var key = http.Request.Headers["Idempotency-Key"].ToString();
        var bytes = key.Length > 0 ? SHA256.HashData(Encoding.UTF8.GetBytes($"{http.Request.Path}\n{http.User.FindFirst(SignIn.Subject)?.Value}\n{key}")) : RandomNumberGenerator.GetBytes(8);
        return $"{BitConverter.ToUInt64(bytes) & ((1UL << 53) - 1)}";
    }
}

/// <summary>Unhealthy once the process was told to stop; what is under way goes on.</summary>
public sealed class ShutdownHealthCheck(IHostApplicationLifetime lifetime) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("told to stop") : HealthCheckResult.Healthy());
}

/// <summary>Healthy while this service's Redis answers in time.</summary>
public sealed class RedisHealthCheck(IConnectionMultiplexer redis) : IHealthCheck
{
    /// <summary>Less than a probe waits.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await redis.GetDatabase().PingAsync().WaitAsync(cancellationToken);
        return HealthCheckResult.Healthy();
    }
}
