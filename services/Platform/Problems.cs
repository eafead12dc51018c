using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Dapr;
using Dapr.Actors;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace SecondhandTrade.Platform;

/// <summary>Errors as RFC 9457 problems, each with a stable <c>code</c>.</summary>
public static class Problems
{
    internal const string Media = "application/problem+json";

    /// <summary>A problem with its code, and for those that pass by themselves the seconds after which to ask again.</summary>
    public static IResult Problem(int status, string code, string detail, int? retryAfter = null, params (string Name, object? Value)[] more)
    {
        var problem = new ProblemDetails { Status = status, Detail = detail, Extensions = { ["code"] = code } };
        foreach (var (name, value) in more.Where(m => m.Value is not null))
        {
            problem.Extensions[name] = value;
        }

        return new WithRetryAfter(TypedResults.Problem(problem), retryAfter);
    }

    /// <summary>Adds a problem writer that ignores Accept; the framework's own writes nothing for a browser that asks for HTML.</summary>
    public static IServiceCollection AddProblems(this IServiceCollection services) => services.AddSingleton<IProblemDetailsWriter, Writer>().AddProblemDetails();

    /// <summary>The status given, or 404, 412 or 409 by the refusal's code, for a command that the state refuses.</summary>
    public static IResult Refused(Refusal refusal, int? status = null) => Problem(
        status ?? refusal.Code switch { "not-found" => 404, "version-changed" => 412, _ => 409 },
        refusal.Code, refusal.Detail, null, ("currentStatus", refusal.CurrentStatus), ("allowed", refusal.Allowed));

    /// <summary>The id that was chosen, or made from the <c>Idempotency-Key</c>, stands for another request already.</summary>
    public static IResult IdTaken(HttpContext http, string? chosen, string what, string id) => chosen is null && http.Request.Headers.ContainsKey("Idempotency-Key")
        ? Problem(422, "idempotency-key-reused", $"This Idempotency-Key was used with another body; use a new key for a new {what}.")
        : Problem(409, "id-conflict", $"The {what} {id} exists already with other content; choose another id.");

    /// <summary>404; the same answer for what does not exist and for what is not the caller's.</summary>
    public static IResult NotFound(string what, string id) => Problem(404, "not-found", $"There is no {what} {id}.");

    /// <summary>The answer where another service is needed now and cannot be asked.</summary>
    public static IResult Unavailable(string code, string detail, int retryAfter = 5) => Problem(503, code, detail, retryAfter);

    /// <summary>Whether a neighbour, the sidecar or a store could not be reached or gave no answer, which says nothing about what was done.</summary>
    public static bool IsUnreachable(Exception failure) => failure is ActorMethodInvocationException or DaprException or DaprApiException
        or HttpRequestException or RedisException or OperationCanceledException or TimeoutException;

    /// <summary>The code of an answer that the framework gives by itself.</summary>
    public static string CodeOf(int status) => status switch
    {
        400 => "malformed",
        401 => "not-signed-in",
        403 => "forbidden",
        404 => "not-found",
        405 => "method-not-allowed",
        413 => "too-large",
        415 => "unsupported-media-type",
        503 => "temporarily-unavailable",
        _ => status < 500 ? "bad-request" : "internal-error",
    };

    private sealed class Writer : IProblemDetailsWriter
    {
        public bool CanWrite(ProblemDetailsContext context) => true;

        public ValueTask WriteAsync(ProblemDetailsContext context)
        {
            var (http, problem) = (context.HttpContext, context.ProblemDetails);
            var status = problem.Status ??= http.Response.StatusCode;
            problem.Title ??= ReasonPhrases.GetReasonPhrase(status);
            problem.Extensions.TryAdd("code", CodeOf(status));
            problem.Extensions.TryAdd("traceId", Activity.Current?.Id ?? http.TraceIdentifier);
            return new(http.Response.WriteAsJsonAsync(problem, options: null, contentType: Media));
        }
    }

    private sealed class WithRetryAfter(IResult problem, int? seconds) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (seconds is { } after)
            {
                httpContext.Response.Headers.RetryAfter = $"{after}";
            }

            return problem.ExecuteAsync(httpContext);
        }
    }
}

/// <summary>What someone asks for, in a body that knows its own rules.</summary>
public abstract record ValidatedRequest
{
    public abstract Check Check();

    /// <summary>Null if it may be asked, else the 400 that names each field.</summary>
    public IResult? Wrong() => Check().Failed();
}

/// <summary>What a field must be, as far as a schema can say it.</summary>
internal sealed record FieldRule(string Field, bool Required, long? Least = null, long? Most = null, int? Longest = null, string? Pattern = null, IReadOnlyList<string>? Options = null);

/// <summary>Collects what is wrong with a request, by field, so that one answer names it all, and what it looked at, so that the document says the same.</summary>
public sealed partial class Check
{
    // Not only blanks, and nothing that is no character.
    private const string Readable = @"^(?=.*\S)[^\u0000-\u001F\u007F-\u009F]*$";

    // The same, or nothing at all.
    private const string Clearable = @"^(?!\s+$)[^\u0000-\u001F\u007F-\u009F]*$";

    private readonly Dictionary<string, string[]> errors = [];

    internal List<FieldRule> Rules { get; } = [];

    /// <summary>Notes the sentence against the field unless the rule holds.</summary>
    public Check That(bool rule, string field, string sentence)
    {
        if (!rule)
        {
            errors.TryAdd(field, [sentence]);
        }

        return this;
    }

    /// <summary>An id: ASCII letters, digits and <c>. _ ~ -</c>, because it becomes part of keys and paths.</summary>
    public Check Id(string? value, string field, bool required = true) => Rule(new(field, required, Pattern: "^(?!\\.)[A-Za-z0-9._~-]{1,64}$")).That(
        value is null ? !required : IdPattern().IsMatch(value), field, value is null ? $"{field} is required." : $"{field} must be 1 to 64 letters, digits, or . _ ~ - (not starting with a dot).");

    /// <summary>The same for an id that a client chooses where the service makes ids of its own that can be foreseen: no number as long as those are.</summary>
    public Check ChosenId(string? value, string field) => Rule(new(field, Required: false, Pattern: "^(?!\\.|[0-9]{10,}$)[A-Za-z0-9._~-]{1,64}$")).That(
        value is null || (IdPattern().IsMatch(value) && !(value.Length >= 10 && value.All(char.IsAsciiDigit))), field,
        $"{field} must be 1 to 64 letters, digits, or . _ ~ - (not starting with a dot), and not a number of 10 digits or more.");

    /// <summary>A text in one line; where it may be cleared, an empty one says that there is none any more.</summary>
    public Check Text(string? value, string field, bool required = false, int longest = 200, bool clears = false) => Rule(new(field, required, Longest: longest, Pattern: clears ? Clearable : Readable)).That(
        value is null ? !required : (clears && value.Length == 0) || !string.IsNullOrWhiteSpace(value) && value.Length <= longest && !value.Any(char.IsControl), field,
        value is null ? $"{field} is required." : $"{field} must be 1 to {longest} characters of text.");

    public Check Number(long? value, string field, long least, long most, bool required = true) => Rule(new(field, required, least, most)).That(
        value is { } n ? n >= least && n <= most : !required, field, value is null ? $"{field} is required." : $"{field} must be a whole number from {least} to {most}.");

    public Check OneOf(string? value, string field, params IReadOnlyList<string> options) => Rule(new(field, Required: true, Options: options)).That(
        options.Contains(value), field, $"{field} must be {string.Join(" or ", options)}.");

    /// <summary>Null if everything holds, else the 400 that names each field.</summary>
    public IResult? Failed() => errors.Count == 0 ? null : Problems.Problem(
        400, "invalid", string.Join(' ', errors.Values.Select(e => e[0])), null, ("errors", errors));

    private Check Rule(FieldRule rule)
    {
        Rules.Add(rule);
        return this;
    }

    [GeneratedRegex(@"\A(?!\.)[A-Za-z0-9._~-]{1,64}\z")]
    private static partial Regex IdPattern();
}

/// <summary>Turns what a request or a neighbour did wrong into a problem; what is left is a bug and answers 500 without details.</summary>
internal sealed partial class ExceptionProblems(IProblemDetailsService problems, ILogger<ExceptionProblems> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var (status, code, detail) = exception switch
        {
            BadHttpRequestException { InnerException: JsonException json } bad => (bad.StatusCode, Field(json) is "" ? "malformed" : "invalid", Explain(json)),
            BadHttpRequestException bad => (bad.StatusCode, Problems.CodeOf(bad.StatusCode), bad.Message),
            _ when Problems.IsUnreachable(exception) =>
                (503, "temporarily-unavailable", "Something this needs cannot be reached at the moment; nothing is lost, ask again."),
            _ => (500, "internal-error", "This should not have happened; the log has the trace id."),
        };
        httpContext.Response.StatusCode = status;
        if (status == 500)
        {
            LogBug(httpContext.Request.Path, exception);
        }

        if (status == 503)
        {
            LogUnreachable(httpContext.Request.Path, exception);
            httpContext.Response.Headers.RetryAfter = "2";
        }

        var problem = new ProblemDetails { Status = status, Detail = detail, Extensions = { ["code"] = code } };
        if (exception.InnerException is JsonException wrong && Field(wrong) is { Length: > 0 } field)
        {
            problem.Extensions["errors"] = new Dictionary<string, string[]> { [field] = [detail] };
        }

        return await problems.TryWriteAsync(new() { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} failed")]
    private partial void LogBug(string path, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} needs something that cannot be reached")]
    private partial void LogUnreachable(string path, Exception failure);

    // What is not JSON at all has the reader's own exception inside; then the path only says how far it got.
    private static string Field(JsonException json) => json is { Path.Length: > 2, InnerException: not JsonException } ? json.Path[2..] : "";

    private static string Explain(JsonException json) => Field(json) is { Length: > 0 } field
        ? $"{field} has a value of the wrong type."
        : "The body is not valid JSON, or not an object.";
}
