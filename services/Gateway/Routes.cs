using SecondhandTrade.Platform;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;
using Yarp.ReverseProxy.Transforms;

namespace SecondhandTrade.Gateways;

/// <summary>The allow-list: what is not named here cannot be reached from outside.</summary>
public static class Routes
{
    /// <summary>The contexts whose OpenAPI documents are shown.</summary>
    public static readonly IReadOnlyList<string> Contexts = ["reservation", "trade", "stock", "payment", "notification", "mypage"];

    // Headers by which some servers accept another path, method, client address or user; removed from every request.
    private static readonly string[] Pretences =
    [
        "Forwarded", "X-Original-URL", "X-Original-Method", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override",
        "X-Forwarded-User", "X-Forwarded-Email", "X-Remote-User", "Remote-User", "X-User", "X-User-Id", "UserId", "X-Auth-Request-User", "X-MS-CLIENT-PRINCIPAL", "X-Real-IP",
    ];

    private const long LongestPicture = 2 * 1024 * 1024;

    /// <summary>Bytes in a form of the pages: five pictures and what is said of them.</summary>
    private const long LongestForm = 11 * 1024 * 1024;

    // The forms that bring pictures.
    private static readonly string[] PictureForms = ["/sell", "/items/{id}"];

    // Everything else goes to the pages, except internal paths. Without a method filter: one would answer 405 before the path is checked.
    private static readonly string[] Pages = ["/", "/{**rest:regex(^(?!(events|actors|dapr|listings|payments|deadletters|metrics)(/|$)))}"];

    private const string Sidecar = "sidecar";
    private const string Stream = "notice-stream";
    private const string Web = "web";

    /// <summary>Adds the proxy with its routes; all but the notice stream and the pages lead through this app's own sidecar.</summary>
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

                    // `resolve` is missing: how a dispute ends is not for its parties to say.
                    Listed("trade", "/trades/{id}/{action:regex(^(accept|decline|handover|receive|complete|defer|cancel|dispute)$)}"),
                    Listed("stock", "/inventories/{**rest}"),
                    Listed("stock", "/inventories/{id}/pictures") with { MaxRequestBodySize = LongestPicture },
                    Listed("notification", "/notices"),
                    Listed("notification", "/notices/{id}"),
                    Listed("notification", "/notices/{id}/read"),
                    Listed("mypage", "/mypages/{**rest}"),

                    // Payment's commands are internal, and so are its two GET routes that look like an id.
                    Listed("payment", "/payments/{id:regex(^(?!(reconciliation|simulator)$))}", "GET"),

                    // Past the sidecar, which buffers streams.
                    Route("notification", "/notices/stream", Stream, []),
                    .. Contexts.Select(context => Route(
                        context, $"/openapi/{context}.json", Sidecar, [new() { ["PathSet"] = $"/v1.0/invoke/{context}/method/swagger/v1/swagger.json" }], "GET")),

                    .. PictureForms.Select(path => Page(path) with { MaxRequestBodySize = LongestForm }),
                    .. Pages.Select(path => Page(path) with { Order = int.MaxValue }),
                ],
                [
                    Cluster(Sidecar, configuration.Sidecar(), TimeSpan.FromSeconds(30)),

                    // A stream is silent for no longer than its heartbeat.
                    Cluster(Stream, configuration["Notification:Address"] ?? "http://localhost:8085", TimeSpan.FromMinutes(1)),
                    Cluster(Web, configuration["Web:Address"] ?? "http://localhost:8089", TimeSpan.FromMinutes(1)),
                ])
            .AddTransforms(transforms =>
            {
                transforms.AddRequestTransform(request =>
                {
                    // Target app and token are set here only: whatever the client sent of them is removed.
                    var headers = request.ProxyRequest.Headers;
                    foreach (var header in headers.Where(h => h.Key.StartsWith("dapr-", StringComparison.OrdinalIgnoreCase)).Select(h => h.Key).Concat(Pretences).ToList())
                    {
                        headers.Remove(header);
                    }

                    // Cookies are for the pages only: they hold sign-in tokens, and are longer than the header a sidecar accepts.
                    if (transforms.Route.ClusterId != Web)
                    {
                        headers.Remove("Cookie");
                    }

                    // A sidecar may retry a POST that had no answer in time: by this key the retry is recognised.
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
                transforms.AddResponseTransform(response => new(ProxyErrors.OfSidecar(response)));
            });
        return services;
    }

    /// <summary>Whether the request is for a stream, which lasts until the client leaves.</summary>
    public static bool IsStream(PathString path) => path.StartsWithSegments("/notices/stream");

    /// <summary>Whether what is asked for is the pages' own.</summary>
    public static bool IsPage(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.ClusterId == Web;

    /// <summary>Whether what is asked for is a picture to look at.</summary>
    public static bool IsPicture(HttpRequest request) => HttpMethods.IsGet(request.Method) && request.Path.Value?.Split('/') is ["", "inventories", _, "pictures", _];

    /// <summary>The context a request was on its way to.</summary>
    public static string Context(this HttpContext http) => http.GetReverseProxyFeature().Route.Config.Metadata!["context"];

    private static RouteConfig Listed(string context, string path, params string[] methods) =>
        Route(context, path, Sidecar, [new() { ["PathPrefix"] = $"/v1.0/invoke/{context}/method" }], methods);

    // Whom a page was asked for must stay known, or it would lead away from here.
    private static RouteConfig Page(string path) => Route(Web, path, Web, [new() { ["RequestHeaderOriginalHost"] = "true" }]);

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
