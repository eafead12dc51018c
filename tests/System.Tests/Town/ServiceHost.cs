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
    public static ServiceHost Start<TAny>(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, PublishFault fault, ConcurrentQueue<(string, string, string)> reached)
        where TAny : class => new Host<TAny>(sidecar, redis, clock, settings, fault, reached);

    public abstract ValueTask DisposeAsync();

    private sealed class Host<TAny> : ServiceHost
        where TAny : class
    {
        private readonly Factory factory;

        public Host(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, PublishFault fault, ConcurrentQueue<(string, string, string)> reached)
        {
            factory = new(sidecar, redis, clock, settings, fault, reached);
            factory.UseKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
            factory.StartServer();
            Address = factory.ClientOptions.BaseAddress;
        }

        public override Uri Address { get; }

        public override IServiceProvider Services => factory.Services;

        public override ValueTask DisposeAsync() => factory.DisposeAsync();

        private sealed class Factory(Sidecar sidecar, string redis, TimeProvider clock, IReadOnlyDictionary<string, string> settings, PublishFault fault, ConcurrentQueue<(string, string, string)> reached) : WebApplicationFactory<TAny>
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
                    services.AddSingleton(clock).AddSingleton<IStartupFilter>(new Doorman(sidecar.AppId, reached));
                    if (services.Any(s => s.ServiceType == typeof(TownService)))
                    {
                        services.RemoveAll<DaprClient>();
                        services.AddDaprClient((provider, dapr) => dapr
                            .UseJsonSerializationOptions(provider.GetRequiredService<TownService>().Json)
                            .UseGrpcEndpoint($"http://localhost:{sidecar.GrpcPort}").UseHttpEndpoint($"http://localhost:{sidecar.HttpPort}")
                            .UseDaprApiToken(settings.GetValueOrDefault("DAPR_API_TOKEN"))
                            .UseGrpcChannelOptions(new() { HttpHandler = fault.Around(new SocketsHttpHandler()) }));
                    }
                });
            }
        }
    }
}

/// <summary>Notes who comes to a service's door, before anything of the service has looked.</summary>
public sealed class Doorman(string app, ConcurrentQueue<(string, string, string)> reached) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => builder =>
    {
        builder.Use((http, go) =>
        {
            reached.Enqueue((app, http.Request.Method, http.Request.Path.Value ?? ""));
            return go(http);
        });
        next(builder);
    };
}

/// <summary>A fault on the wire between a service and its sidecar: while it is on, nothing that is published gets there.</summary>
public sealed class PublishFault
{
    public bool On { get; set; }

    public HttpMessageHandler Around(HttpMessageHandler inner) => new Handler(this) { InnerHandler = inner };

    private sealed class Handler(PublishFault fault) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            fault.On && request.RequestUri!.AbsolutePath.EndsWith("/PublishEvent", StringComparison.Ordinal)
                ? throw new HttpRequestException("The test has cut the wire.")
                : base.SendAsync(request, cancellationToken);
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
