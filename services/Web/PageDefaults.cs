using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;
using Microsoft.AspNetCore.Localization;
using SecondhandTrade.Platform;
using StackExchange.Redis;

namespace SecondhandTrade.Web;

/// <summary>What every page stands on: components rendered here, two languages, headers that let nothing foreign in, keys that replicas share.</summary>
public static class PageDefaults
{
    /// <summary>Bytes in a form that brings pictures: five of them and what is said of them.</summary>
    public const long LongestPictureForm = 11 * 1024 * 1024;

    private const long LongestForm = 64 * 1024;

    public static WebApplicationBuilder AddPages(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        builder.AddTelemetry("web");
        builder.WebHost.ConfigureKestrel(kestrel => (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize) = (false, LongestForm));

        // Its keys lie where the town's other secrets lie, in Redis; that is no news at every start.
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System", LogLevel.Warning);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IConnectionMultiplexer>(_ =>
        {
            var options = ConfigurationOptions.Parse(builder.Configuration.GetConnectionString("Redis") ?? "localhost:6379");
            options.AbortOnConnectFail = false;
            return ConnectionMultiplexer.Connect(options);
        });
        services.AddDataProtection().SetApplicationName("secondhand-trade");
        services.AddOptions<Microsoft.AspNetCore.DataProtection.KeyManagement.KeyManagementOptions>().Configure<IConnectionMultiplexer>(
            (keys, redis) => keys.XmlRepository = new RedisXmlRepository(() => redis.GetDatabase(), "web:keys"));
        services.AddLocalization();
        services.AddRequestLocalization(languages =>
        {
            languages.SetDefaultCulture("ko").AddSupportedCultures("ko", "en").AddSupportedUICultures("ko", "en");
            languages.RequestCultureProviders = [new CookieRequestCultureProvider { CookieName = FormPosts.LanguageCookie }, new CustomRequestCultureProvider(http => Task.FromResult(Wanted(http)))];
        });
        services.AddAntiforgery(forms => (forms.Cookie.Name, forms.Cookie.SameSite, forms.Cookie.SecurePolicy) = ("town.form", SameSiteMode.Lax, CookieSecurePolicy.SameAsRequest));
        services.AddRazorComponents();
        services.AddHttpContextAccessor().AddHttpClient();
        services.AddReadiness().AddCheck<RedisHealthCheck>("store", tags: [ServiceDefaults.Ready], timeout: RedisHealthCheck.Patience);
        services.AddScoped<Visitor>().AddScoped<ServiceClient>();
        Runner.Add(services, builder.Configuration);
        RateLimiting.Add(services, builder.Configuration);
        return builder;
    }

    // The framework's own reader asks a culture for its parent, and without ICU none has one.
    private static ProviderCultureResult? Wanted(HttpContext http) => http.Request.GetTypedHeaders().AcceptLanguage.OrderByDescending(l => l.Quality ?? 1)
        .Select(l => l.Value.Value?.Split('-')[0].ToLowerInvariant()).FirstOrDefault(l => l is "ko" or "en") is { } language ? new(language) : null;

    public static WebApplication UsePages(this WebApplication app)
    {
        var authority = app.Configuration["Auth:Authority"];

        // Signing out is a form whose answer may lead to whoever knows the people.
        var policy = $"default-src 'self'; img-src 'self' data:; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'{(authority is { Length: > 0 } ? $" {new Uri(authority).GetLeftPart(UriPartial.Authority)}" : "")}";
        app.UseForwardedHeaders();
        app.UseExceptionHandler("/oops/500", createScopeForErrors: true);
        app.Use((http, next) =>
        {
            var headers = http.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
            headers["Permissions-Policy"] = "geolocation=(self), camera=(), microphone=()";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            return next(http);
        });
        app.UseStatusCodePagesWithReExecute("/oops/{0}", createScopeForStatusCodePages: true);
        app.UseRouting();
        app.UseRequestLocalization();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseAntiforgery();

        // A form is the person's who was signed in when it was shown: whoever signed out since, in another tab say, is asked to sign in.
        app.Use((http, next) => http.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false } && http.User.Identity is not { IsAuthenticated: true } && http.Request.Path != SignIn.Page
            ? http.ChallengeAsync()
            : next(http));
        return app;
    }
}
