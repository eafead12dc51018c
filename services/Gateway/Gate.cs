using System.Text.RegularExpressions;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Gateways;

/// <summary>What stands before the routes: limits, plain paths, problems.</summary>
public static partial class Gate
{
    private const int LongestBody = 64 * 1024;

    public static WebApplicationBuilder AddGate(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, LongestBody));

        // The proxy brings keys for sticky sessions, which nothing here uses; where they lie is no news.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = problem => problem.ProblemDetails.Extensions.TryAdd("code", problem.ProblemDetails.Status switch
        {
            404 => "not-found",
            405 => "method-not-allowed",
            413 => "too-large",
            >= 500 => "internal-error",
            _ => "bad-request",
        }));
        return builder;
    }

    public static WebApplication UseGate(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.Use((http, next) =>
        {
            if (http.Request.ContentLength > LongestBody)
            {
                return Problems.Problem(413, "too-large", $"A body may have up to {LongestBody} bytes.").ExecuteAsync(http);
            }

            // Every listed path is made of plain words and ids. What is left encoded by now, a slash most of all, would be decoded further on
            // and could lead out of the route it came in by.
            return PlainPath().IsMatch(http.Request.Path.Value ?? "")
                ? next(http)
                : Problems.Problem(404, "not-found", "There is nothing here.").ExecuteAsync(http);
        });
        return app;
    }

    [GeneratedRegex(@"\A(?:/|(?:/(?!\.{1,2}(?:/|\z))[A-Za-z0-9._~-]+)+/?)\z")]
    private static partial Regex PlainPath();
}
