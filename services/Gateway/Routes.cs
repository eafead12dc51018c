using SecondhandTrade.Platform;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace SecondhandTrade.Gateways;

/// <summary>The allow-list: what is not named here cannot be reached from outside.</summary>
public static class Routes
{
    /// <summary>The contexts whose OpenAPI documents are shown.</summary>
    public static readonly IReadOnlyList<string> Contexts = ["reservation", "trade", "stock", "payment", "notification", "mypage"];

    private const string Sidecar = "sidecar";
    private const string Stream = "notice-stream";

    /// <summary>Adds the proxy with its routes; all but one lead through this app's own sidecar.</summary>
    public static IServiceCollection AddRoutes(this IServiceCollection services, IConfiguration configuration)
    {
        var token = configuration["DAPR_API_TOKEN"];
        services.AddReverseProxy()
            .LoadFromMemory(
                [
                    Listed("reservation", "/reserves/{**rest}"),
                    Listed("reservation", "/products/{productid}/queue"),
                    Listed("trade", "/trades"),
                    Listed("trade", "/trades/{id}"),

                    // How a dispute ends is not for its parties to say.
                    Listed("trade", "/trades/{id}/{action:regex(^(accept|decline|handover|receive|complete|defer|cancel|dispute)$)}"),
                    Listed("stock", "/inventories/{**rest}"),
                    Listed("notification", "/notices"),
                    Listed("notification", "/notices/{id}"),
                    Listed("notification", "/notices/{id}/read"),
                    Listed("mypage", "/mypages/{**rest}"),

                    // Payment's commands are for the town itself, and so are its two readings that look like an id.
                    Listed("payment", "/payments/{id:regex(^(?!(reconciliation|simulator)$))}", "GET"),

                    // Sidecars hold back what is streamed through them.
                    Route("notification", "/notices/stream", Stream, []),
                    .. Contexts.Select(context => Route(
                        context, $"/openapi/{context}.json", Sidecar, [new() { ["PathSet"] = $"/v1.0/invoke/{context}/method/swagger/v1/swagger.json" }], "GET")),
                ],
                [
                    Cluster(Sidecar, configuration.Sidecar(), TimeSpan.FromSeconds(30)),

                    // A stream is silent for no longer than its heartbeat.
                    Cluster(Stream, configuration["Notification:Address"] ?? "http://localhost:8085", TimeSpan.FromMinutes(1)),
                ])
            .AddTransforms(transforms =>
            {
                transforms.AddRequestTransform(request =>
                {
                    // Who is called and with what right is said here alone, never by a caller from outside.
                    var headers = request.ProxyRequest.Headers;
                    foreach (var header in headers.Where(h => h.Key.StartsWith("dapr-", StringComparison.OrdinalIgnoreCase)).Select(h => h.Key).ToList())
                    {
                        headers.Remove(header);
                    }

                    // A sidecar may send a request again that had no answer in time: by its key it is known for the same.
                    if (request.ProxyRequest.Method == HttpMethod.Post && !headers.Contains("Idempotency-Key"))
                    {
                        headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
                    }

                    if (token is { Length: > 0 } && transforms.Route.ClusterId == Sidecar)
                    {
                        headers.Add("dapr-api-token", token);
                    }

                    return ValueTask.CompletedTask;
                });
                transforms.AddResponseTransform(response => new(Failures.OfSidecar(response)));
            });
        return services;
    }

    /// <summary>The context a request was on its way to.</summary>
    public static string Context(this HttpContext http) => http.GetReverseProxyFeature().Route.Config.Metadata!["context"];

    private static RouteConfig Listed(string context, string path, params string[] methods) =>
        Route(context, path, Sidecar, [new() { ["PathPrefix"] = $"/v1.0/invoke/{context}/method" }], methods);

    private static RouteConfig Route(string context, string path, string cluster, Dictionary<string, string>[] transforms, params string[] methods) => new()
    {
        RouteId = path,
        ClusterId = cluster,
        Match = new() { Path = path, Methods = methods.Length == 0 ? null : methods },
        Metadata = new Dictionary<string, string> { ["context"] = context },
        Transforms = transforms,
    };

    private static ClusterConfig Cluster(string id, string address, TimeSpan patience) => new()
    {
        ClusterId = id,
        Destinations = new Dictionary<string, DestinationConfig> { ["only"] = new() { Address = address } },
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = patience, Version = new(1, 1), VersionPolicy = HttpVersionPolicy.RequestVersionExact },
    };
}
