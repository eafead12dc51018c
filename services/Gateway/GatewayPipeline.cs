using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;
using SecondhandTrade.Platform;
using Yarp.ReverseProxy.Model;

namespace SecondhandTrade.Gateways;

/// <summary>The pipeline before the routes: authentication, limits, plain paths, problems and security headers.</summary>
public static partial class GatewayPipeline
{
    private const int LongestBody = 64 * 1024;
    private const int LongestHead = 16 * 1024;

    // Only our own origin, and nothing inline: text that somebody gets into a page cannot run.
    private const string Pages = "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    // Swagger UI uses inline styles and data: images.
    private const string ApiPages = Pages + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

    public static WebApplicationBuilder AddGatewayDefaults(this WebApplicationBuilder builder)
    {
        builder.AddTelemetry("gateway").ListenForMetrics();
        builder.WebHost.ConfigureKestrel(kestrel =>
            (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize, kestrel.Limits.MaxRequestHeadersTotalSize) = (false, LongestBody, LongestHead));

        // YARP registers data protection for session affinity, which is not used here: silence the warnings about where its keys are stored.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning);

        // ProxyErrors logs in one line what this logs in thirty.
        builder.Logging.AddFilter("Yarp.ReverseProxy.Forwarder.HttpForwarder", LogLevel.Error);
        builder.Services.AddProblems();
        builder.Services.AddReadiness();
        builder.Services.AddSignIn(builder.Configuration);
        RateLimiting.Add(builder.Services, builder.Configuration);
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins(builder.Configuration.GetSection("Cors:Origins").Get<string[]>() ?? []).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders("ETag", "Location", "Retry-After")));
        return builder;
    }

    public static WebApplication UseGatewayPipeline(this WebApplication app)
    {
        app.UseMetricsApart();
        if (Limits.Proxies(app.Configuration).Count > 0)
        {
            app.UseForwardedHeaders();
        }

        app.UseHsts();
        app.Use((http, next) =>
        {
            http.Response.OnStarting(() => Protect(http));
            return next(http);
        });
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use((http, next) =>
        {
            // A route may allow more than the rest.
            if (http.Request.ContentLength > (http.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config.MaxRequestBodySize ?? LongestBody))
            {
                return TooLarge(http);
            }

            // Every listed path is made of plain words and ids. What is left encoded by now, a slash most of all, would be decoded further on
            // and could lead out of the route it came in by.
            return PlainPath().IsMatch(http.Request.Path.Value ?? "")
                ? next(http)
                : ProxyErrors.Tell(http, 404, "not-found", "There is nothing here.");
        });
        app.MapProbes();
        app.UseCors();

        // The contexts decide what a token allows; here it only says whose requests are counted.
        app.UseAuthentication();
        app.UseRateLimiter();
        return app;
    }

    private static Task Protect(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.TryAdd("X-Content-Type-Options", "nosniff");
        headers.TryAdd("X-Frame-Options", "DENY");
        headers.TryAdd("Referrer-Policy", "no-referrer");
        headers.TryAdd("Content-Security-Policy", http.Request.Path.StartsWithSegments("/swagger") ? ApiPages : Pages);
        return Task.CompletedTask;
    }

    // A client that is still sending may never read an early answer: a body that is not much too long is read to its end first.
    private static async Task TooLarge(HttpContext http)
    {
        if (http.Request.ContentLength <= 16 * LongestBody)
        {
            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
        }

        await ProxyErrors.Tell(http, 413, "too-large", $"A body may have up to {LongestBody} bytes.");
    }

    [GeneratedRegex(@"\A(?:/|(?:/(?!\.{1,2}(?:/|\z))[A-Za-z0-9._~-]+)+/?)\z")]
    private static partial Regex PlainPath();
}
