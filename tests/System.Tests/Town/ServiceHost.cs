using System.Collections.Concurrent;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using SecondhandTrade.Local;
using SecondhandTrade.Platform;

namespace SecondhandTrade.SystemTests;

/// <summary>One service as it ships, in this process, on a port of its own beside its own sidecar.</summary>
public abstract class ServiceHost : IAsyncDisposable
{
    public abstract Uri Address { get; }

    public abstract IServiceProvider Services { get; }

    /// <summary>Starts the service whose assembly holds <typeparamref name="TAny"/>.</summary>
    public static ServiceHost Start<TAny>(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, WireFault fault, ConcurrentQueue<(string, string, string)> reached, ConcurrentQueue<Call>? called = null)
        where TAny : class => new Host<TAny>(sidecar, redis, clock, settings, fault, reached, called);

    public abstract ValueTask DisposeAsync();

    private sealed class Host<TAny> : ServiceHost
        where TAny : class
    {
        private readonly Factory factory;

        public Host(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, WireFault fault, ConcurrentQueue<(string, string, string)> reached, ConcurrentQueue<Call>? called)
        {
            factory = new(sidecar, redis, clock, settings, fault, reached, called);
            factory.UseKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
            factory.StartServer();
            Address = factory.ClientOptions.BaseAddress;
        }

        public override Uri Address { get; }

        public override IServiceProvider Services => factory.Services;

        public override ValueTask DisposeAsync() => factory.DisposeAsync();

        private sealed class Factory(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, WireFault fault, ConcurrentQueue<(string, string, string)> reached, ConcurrentQueue<Call>? called) : WebApplicationFactory<TAny>
        {
            protected override void ConfigureWebHost(IWebHostBuilder builder)
            {
                builder.UseSetting("DAPR_HTTP_PORT", $"{sidecar.HttpPort}").UseSetting("DAPR_GRPC_PORT", $"{sidecar.GrpcPort}").UseSetting("ConnectionStrings:Redis", redis);
                foreach (var (key, value) in settings)
                {
                    builder.UseSetting(key, value);
                }

                builder.UseEnvironment("Development");
                builder.ConfigureLogging(log => log.ClearProviders().AddProvider(new TestLog(sidecar.AppId)));
                builder.ConfigureTestServices(services =>
                {
                    services.AddSingleton(clock).AddSingleton<IStartupFilter>(new Doorman(sidecar.AppId, reached, called));
                    if (services.Any(s => s.ServiceType == typeof(ServiceIdentity)))
                    {
                        services.RemoveAll<DaprClient>();
                        services.AddDaprClient((provider, dapr) => dapr
                            .UseJsonSerializationOptions(provider.GetRequiredService<ServiceIdentity>().Json)
                            .UseGrpcEndpoint($"http://localhost:{sidecar.GrpcPort}").UseHttpEndpoint($"http://localhost:{sidecar.HttpPort}")
                            .UseDaprApiToken(settings.GetValueOrDefault("DAPR_API_TOKEN"))
                            .UseGrpcChannelOptions(new() { HttpHandler = fault.Around(new SocketsHttpHandler()) }));
                    }
                });
            }
        }
    }
}

/// <summary>A call of one service by another, through the sidecars, and what was answered.</summary>
public sealed record Call(string Caller, string Callee, string Verb, string Path, int Status);

/// <summary>Notes who comes to a service's door, before anything of the service has looked, and what became of those who come from another.</summary>
public sealed class Doorman(string app, ConcurrentQueue<(string, string, string)> reached, ConcurrentQueue<Call>? called) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => builder =>
    {
        builder.Use(async (http, go) =>
        {
            reached.Enqueue((app, http.Request.Method, http.Request.Path.Value ?? ""));
            await go(http);
            if (http.Request.Headers["dapr-callee-app-id"] == app)
            {
                called?.Enqueue(new($"{http.Request.Headers["dapr-caller-app-id"]}", app, http.Request.Method, http.Request.Path.Value ?? "", http.Response.StatusCode));
            }
        });
        next(builder);
    };
}

/// <summary>Faults on the wire between a service and its sidecar, by the names of the sidecar's methods, and a count of what goes over it.</summary>
public sealed class WireFault
{
    private int reads;
    private string? losing;
    private (string Method, Task Until)? holding;

    /// <summary>While this is on, nothing that is published gets there.</summary>
    public bool On { get; set; }

    /// <summary>How often the service has read from its state store.</summary>
    public int Reads => Volatile.Read(ref reads);

    /// <summary>Holds back every call of the method until the result is set.</summary>
    public TaskCompletionSource Hold(string method)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        holding = (method, gate.Task);
        return gate;
    }

    /// <summary>The next call of the method gets there and is done, but its answer does not come back.</summary>
    public void LoseAnswer(string method) => losing = method;

    public HttpMessageHandler Around(HttpMessageHandler inner) => new Handler(this) { InnerHandler = inner };

    private sealed class Handler(WireFault fault) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var method = request.RequestUri!.Segments[^1];
            if (method == "GetState")
            {
                Interlocked.Increment(ref fault.reads);
            }

            if (fault.On && method == "PublishEvent")
            {
                throw new HttpRequestException("The test has cut the wire.");
            }

            if (fault.holding is { } held && held.Method == method)
            {
                await held.Until;
            }

            var response = await base.SendAsync(request, cancellationToken);
            if (fault.losing == method)
            {
                fault.losing = null;
                await response.Content.ReadAsByteArrayAsync(cancellationToken);
                throw new HttpRequestException("The test has lost the answer.");
            }

            return response;
        }
    }
}

/// <summary>Keeps what the services log, for the output of a test that fails.</summary>
public sealed class TestLog(string app) : ILoggerProvider, ILogger
{
    private static readonly System.Collections.Concurrent.ConcurrentQueue<string> Lines = new();

    public static string Drain()
    {
        var lines = new List<string>();
        while (Lines.TryDequeue(out var line))
        {
            lines.Add(line);
        }

        return string.Join('\n', lines);
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Lines.Enqueue($"{app} {logLevel} {formatter(state, exception)} {exception}");
        }
    }

    public void Dispose()
    {
    }
}
