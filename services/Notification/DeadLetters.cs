using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapr.Client;
using SecondhandTrade.Platform;
using StackExchange.Redis;

namespace SecondhandTrade.Notifications;

/// <summary>An event that an app could not take in: the CloudEvent as it came, and where it came from.</summary>
public sealed record DeadLetter(string Id, string App, string? Topic, string? EventId, string? Type, string? Key, DateTimeOffset At, byte[] Raw)
{
    /// <summary>Reads what the envelope says of itself; a letter that is no CloudEvent is kept all the same.</summary>
    public static DeadLetter Of(string app, string? key, byte[] raw, DateTimeOffset now)
    {
        var envelope = Parse(raw) ?? default;

        string? Text(JsonElement of, string name) =>
            of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        var data = envelope.ValueKind == JsonValueKind.Object && envelope.TryGetProperty("data", out var inner) ? inner : default;
        var eventId = Text(envelope, "id");
        return new(
            Notices.NumberOf($"{app}:{eventId ?? Convert.ToBase64String(raw)}"), app, Text(envelope, "topic"), eventId, Text(envelope, "type"),
            key ?? Text(data, "productid") ?? Text(envelope, "subject"), now, raw);
    }

    /// <summary>The CloudEvent, or null for one that is not JSON, which may be why it died.</summary>
    public JsonElement? Envelope() => Parse(Raw);

    private static JsonElement? Parse(byte[] raw)
    {
        try
        {
            return JsonElement.Parse(raw);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A dead letter as whoever is on call sees it.</summary>
public sealed record DeadLetterResource(
    string Id, string App, string? Topic, string? EventId, string? Type, string? Key, DateTimeOffset At, JsonElement Event,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public static DeadLetterResource Of(DeadLetter letter)
    {
        var path = $"/deadletters/{letter.Id}";
        var links = new Dictionary<string, Link> { ["self"] = new(path), ["discard"] = new(path, "DELETE") };
        if (letter.Topic is not null)
        {
            links["replay"] = new($"{path}/replay", "POST");
        }

        return new(letter.Id, letter.App, letter.Topic, letter.EventId, letter.Type, letter.Key, letter.At, letter.Envelope() ?? JsonElement.Parse(JsonSerializer.SerializeToUtf8Bytes(Encoding.UTF8.GetString(letter.Raw), NotificationJson.Default.String)), links);
    }
}

/// <summary>All apps' dead letters, in a Redis hash by app and CloudEvent id: the same letter dead again replaces itself.</summary>
public sealed class DeadLetters(IConnectionMultiplexer redis, DaprClient dapr, ServiceIdentity service)
{
    private const string Kind = "{notification:dead}";

    private IDatabase Redis => redis.GetDatabase();

    public async Task Keep(DeadLetter letter)
    {
        var both = Redis.CreateTransaction();
        _ = both.HashSetAsync($"{Kind}:letters", letter.Id, JsonSerializer.SerializeToUtf8Bytes(letter, service.Json));
        _ = both.SortedSetAddAsync($"{Kind}:order", letter.Id, letter.At.ToUnixTimeMilliseconds());
        await both.ExecuteAsync();
    }

    public long Count() => Redis.SortedSetLength($"{Kind}:order");

    public async Task<DeadLetter?> Find(string id) => Read(await Redis.HashGetAsync($"{Kind}:letters", id));

    public async Task<(IReadOnlyList<DeadLetter> Letters, long Total)> Newest(int first, int length)
    {
        var ids = await Redis.SortedSetRangeByRankAsync($"{Kind}:order", first, first + length - 1, Order.Descending);
        var kept = ids.Length == 0 ? [] : await Redis.HashGetAsync($"{Kind}:letters", ids);
        return ([.. kept.Select(Read).OfType<DeadLetter>()], await Redis.SortedSetLengthAsync($"{Kind}:order"));
    }

    /// <summary>
    /// Publishes the letter where it came from, envelope and all, so that it keeps its id and its partition. Everyone who hears that topic
    /// hears it again, and those who had it drop it.
    /// </summary>
    public async Task Replay(DeadLetter letter)
    {
        var metadata = new Dictionary<string, string>();
        if (letter.Key is { } key)
        {
            metadata["partitionKey"] = key;
        }

        await dapr.PublishByteEventAsync(ServiceIdentity.PubSub, letter.Topic!, letter.Raw, "application/cloudevents+json", metadata);
        await Discard(letter);
    }

    /// <summary>Forgets the letter as it was seen; one that has died again meanwhile stays.</summary>
    public async Task Discard(DeadLetter letter)
    {
        var both = Redis.CreateTransaction();
        both.AddCondition(Condition.HashEqual($"{Kind}:letters", letter.Id, JsonSerializer.SerializeToUtf8Bytes(letter, service.Json)));
        _ = both.HashDeleteAsync($"{Kind}:letters", letter.Id);
        _ = both.SortedSetRemoveAsync($"{Kind}:order", letter.Id);
        await both.ExecuteAsync();
    }

    private DeadLetter? Read(RedisValue kept) => kept.IsNull ? null : JsonSerializer.Deserialize<DeadLetter>(((ReadOnlyMemory<byte>)kept).Span, service.Json);
}

/// <summary>For whoever is on call; the gateway does not lead here.</summary>
public static class DeadLetterEndpoints
{
    private const string Delivery = "/events/dead";

    /// <summary>Keeps the envelope of a dead letter; must come before the middleware that unwraps CloudEvents, which goes by the content type alone.</summary>
    public static IApplicationBuilder UseWholeDeadLetters(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (http.Request.Path.StartsWithSegments(Delivery, StringComparison.Ordinal))
        {
            http.Request.ContentType = "application/json";
        }

        return next(http);
    });

    public static void MapDeadLetters(this WebApplication app)
    {
        // The dead letter's own topic field names where it came from; whose it is, only the route says.
        app.MapPost($"{Delivery}/{{app}}", async (string app, HttpContext http, DeadLetters letters, TimeProvider clock) =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            var key = http.Request.Headers["__key"].ToString();
            await letters.Keep(DeadLetter.Of(app, key.Length == 0 ? null : key, body.ToArray(), clock.GetUtcNow()));
            return TypedResults.Ok();
        }).ExcludeFromDescription().AllowAnonymous();

        var dead = app.MapGroup("/deadletters").WithTags("Dead letters").RequireAuthorization(SignIn.Operator).WithinTown();

        dead.MapGet("", async (string? page, string? size, HttpContext http, DeadLetters letters) =>
        {
            var paging = new Paging(page, size, null);
            if (paging.Check().Failed() is { } wrong)
            {
                return wrong;
            }

            var (found, total) = await letters.Newest(paging.First, paging.Length);
            return Hal.List(http, "deadletters", [.. found.Select(DeadLetterResource.Of)], total, paging);
        }).WithSummary("Lists the events that some app could not take in.").Lists<DeadLetterResource>("deadletters");

        dead.MapGet("/{id}", async (string id, HttpContext http, DeadLetters letters) =>
            await letters.Find(id) is { } letter ? Hal.Ok(http, DeadLetterResource.Of(letter), $"{letter.At.ToUnixTimeMilliseconds()}") : Problems.NotFound("dead letter", id))
            .WithSummary("Shows a dead letter with its event.").Answers<DeadLetterResource>(200);

        dead.MapPost("/{id}/replay", async (string id, DeadLetters letters) =>
        {
            if (await letters.Find(id) is not { } letter)
            {
                return Problems.NotFound("dead letter", id);
            }

            if (letter.Topic is null)
            {
                return Problems.Refused(new("no-source-topic", "The letter does not say which topic it came from; all that can be done is to discard it."));
            }

            await letters.Replay(letter);
            return TypedResults.NoContent();
        }).WithSummary("Sends the event to its app once more.").Produces(204).Refuses(409, "no-source-topic");

        dead.MapDelete("/{id}", async (string id, DeadLetters letters) =>
        {
            // Discarding twice is the same as once.
            if (await letters.Find(id) is { } letter)
            {
                await letters.Discard(letter);
            }

            return TypedResults.NoContent();
        }).WithSummary("Discards a dead letter.").Produces(204);
    }
}
