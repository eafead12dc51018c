using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Features;
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
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning);
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
            problem.ProblemDetails.Extensions.TryAdd("code", Problems.CodeOf(problem.ProblemDetails.Status ?? 500)));
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
                return TooLarge(http);
            }

            // Every listed path is made of plain words and ids. What is left encoded by now, a slash most of all, would be decoded further on
            // and could lead out of the route it came in by.
            return PlainPath().IsMatch(http.Request.Path.Value ?? "")
                ? next(http)
                : Problems.Problem(404, "not-found", "There is nothing here.").ExecuteAsync(http);
        });
        return app;
    }

    // One who is still sending hears nothing of an answer that ends the connection: what is not much too long is read to its end first.
    private static async Task TooLarge(HttpContext http)
    {
        if (http.Request.ContentLength <= 16 * LongestBody)
        {
            http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
            await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
        }

        await Problems.Problem(413, "too-large", $"A body may have up to {LongestBody} bytes.").ExecuteAsync(http);
    }

    [GeneratedRegex(@"\A(?:/|(?:/(?!\.{1,2}(?:/|\z))[A-Za-z0-9._~-]+)+/?)\z")]
    private static partial Regex PlainPath();
}
