using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Dapr.Actors.Runtime;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using SecondhandTrade.Contracts;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>Which service this is: its context (also its Dapr app id), the topic it publishes on, and its JSON.</summary>
public sealed record TownService(string Context, string Topic, JsonSerializerOptions Json)
{
    public const string StateStore = "statestore";
    public const string PubSub = "pubsub";
}

/// <summary>The wiring that every service shares.</summary>
public static class ServiceDefaults
{
    private const int LongestBody = 64 * 1024;

    /// <summary>Adds Dapr, Redis, actors, problems and OpenAPI for one context.</summary>
    public static WebApplicationBuilder AddTown(
        this WebApplicationBuilder builder, string context, string topic, IJsonTypeInfoResolver json, Action<ActorRegistrationCollection>? actors = null)
    {
        var services = builder.Services;
        var service = new TownService(context, topic, Wire.Options(json));
        builder.WebHost.ConfigureKestrel(kestrel => (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, LongestBody));
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None).AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
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
        services.AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
            problem.ProblemDetails.Extensions.TryAdd("code", Problems.CodeOf(problem.ProblemDetails.Status ?? 500)));
        services.AddHealthChecks().AddCheck<WakeWorker>("warm");
        services.AddEndpointsApiExplorer().AddSwaggerGen();
        return builder;
    }

    /// <summary>An HTTP client for another app, through this app's sidecar and the policies that stand there; keyed by the app's id.</summary>
    public static IServiceCollection AddInvoker(this IServiceCollection services, string appId) => services.AddKeyedSingleton(
        appId, (provider, _) => DaprClient.CreateInvokeHttpClient(appId, provider.GetRequiredService<IConfiguration>().Sidecar(), provider.GetRequiredService<IConfiguration>()["DAPR_API_TOKEN"]));

    /// <summary>Where this app's sidecar listens for HTTP, by the names that Dapr gives.</summary>
    public static string Sidecar(this IConfiguration configuration) =>
        configuration["DAPR_HTTP_ENDPOINT"] ?? $"http://localhost:{configuration["DAPR_HTTP_PORT"] ?? "3500"}";

    /// <summary>Puts the shared middleware and routes in place.</summary>
    public static WebApplication UseTown(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseCloudEvents();

        // Dapr keeps this sign for its own keys: nothing in the town has an id with it.
        app.Use((http, next) => http.Request.Path.Value?.Contains("||", StringComparison.Ordinal) == true ? Problems.Problem(404, "not-found", "There is nothing here.").ExecuteAsync(http) : next(http));
        app.UseSwagger();
        app.UseSwaggerUI();
        app.MapActorsHandlers();
        return app;
    }

    /// <summary>The routes a sidecar delivers events to; what no rule names is answered and forgotten.</summary>
    public static IEndpointConventionBuilder MapEvents(this WebApplication app, Action<IEndpointRouteBuilder> map)
    {
        var events = app.MapGroup("/events").ExcludeFromDescription();
        events.MapPost("/ignored", () => TypedResults.Ok());
        map(events);
        return events;
    }

    /// <summary>What a subscription answers: 200 for done or done already, 409 for "ask me again". Never 404, which Dapr takes for "drop it".</summary>
    public static IResult Heard<T>(this Reply<T> reply)
        where T : class => reply.Refusal is { } refusal ? Problems.Refused(refusal) : TypedResults.Ok();

    /// <summary>The id a POST creates: the client's own, one that its idempotency key always gives, or a new one; 53 bits, safe as a JSON number.</summary>
    public static string NewId(this HttpContext http, string? chosen)
    {
        if (chosen is not null)
        {
            return chosen;
        }

        var key = http.Request.Headers["Idempotency-Key"].ToString();
        var bytes = key.Length > 0 ? SHA256.HashData(Encoding.UTF8.GetBytes($"{http.Request.Path}\n{key}")) : RandomNumberGenerator.GetBytes(8);
        return $"{BitConverter.ToUInt64(bytes) & ((1UL << 53) - 1)}";
    }
}
