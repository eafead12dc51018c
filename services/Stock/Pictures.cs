using System.Security.Cryptography;
using Dapr.Actors.Client;
using Microsoft.AspNetCore.Mvc;
using SecondhandTrade.Platform;
using StackExchange.Redis;

namespace SecondhandTrade.Stocks;

/// <summary>The bytes of pictures, in Redis; which of them a listing shows is the listing's own to say.</summary>
public sealed class Pictures(IConnectionMultiplexer redis)
{
    public static readonly IReadOnlyList<string> Types = ["image/jpeg", "image/png", "image/webp"];

    /// <summary>Bytes in one picture.</summary>
    public const int Largest = 2 * 1024 * 1024;

    /// <summary>What the bytes themselves say they are, whatever their sender calls them; null for what is no picture.</summary>
    public static string? TypeOf(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, ..] => "image/png",
        [0x52, 0x49, 0x46, 0x46, _, _, _, _, 0x57, 0x45, 0x42, 0x50, ..] => "image/webp",
        _ => null,
    };

    public static string NameOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];

    public Task Keep(string id, string name, byte[] bytes) => redis.GetDatabase().StringSetAsync(Key(id, name), bytes);

    public async Task<byte[]?> Find(string id, string name) => await redis.GetDatabase().StringGetAsync(Key(id, name));

    public Task Forget(string id, string name) => redis.GetDatabase().KeyDeleteAsync(Key(id, name));

    private static RedisKey Key(string id, string name) => $"stock:picture:{id}:{name}";
}

public static class PictureEndpoints
{
    /// <summary>Maps below <c>/inventories</c>: POST takes the bytes of one picture, GET gives them back for good.</summary>
    public static void MapPictures(this IEndpointRouteBuilder inventories)
    {
        inventories.MapPost("/{id}/pictures", async (string id, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors, Pictures pictures) =>
        {
            if (await StockEndpoints.Own(store, caller, id) is not { State: var listing })
            {
                return Problems.NotFound("inventory", id);
            }

            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            var bytes = body.ToArray();
            if (Pictures.TypeOf(bytes) is not { } type)
            {
                return Problems.Problem(415, "not-a-picture", "The bytes are no JPEG, PNG or WebP picture; send one of these.");
            }

            // Asked before the bytes are kept, so that a stranger cannot fill the store; the actor decides again.
            var picture = new Picture(Pictures.NameOf(bytes), type);
            if (listing.Show(picture, caller.UserId).Refusal is { } no)
            {
                return Problems.Refused(no, no.Code == "not-found" ? 404 : 409);
            }

            // The bytes first: a listing never shows what is not there.
            await pictures.Keep(id, picture.Name, bytes);
            return StockEndpoints.Answer(http, caller, await actors.Listing(listing.ProductId).Show(picture, caller.UserId));
        }).WithMetadata(new RequestSizeLimitAttribute(Pictures.Largest)).WithSummary("Puts up a picture of the goods.")
            .TakesBytes(Pictures.Types).Answers<InventoryResource>(200).Refuses(409, "not-allowed-in-state", "too-many-pictures").Refuses(415, "not-a-picture");

        inventories.MapGet("/{id}/pictures/{name}", async (string id, string name, Caller caller, HttpContext http, AggregateStore store, Pictures pictures) =>
        {
            if (await StockEndpoints.Seen(store, caller, id) is null || await pictures.Find(id, name) is not { } bytes || Pictures.TypeOf(bytes) is not { } type)
            {
                return Problems.NotFound("picture", name);
            }

            http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return TypedResults.Bytes(bytes, type);
        }).AllowAnonymous().WithSummary("Shows a picture; under one name it never changes.").Produces<byte[]>(200, Pictures.Types[0], [.. Pictures.Types.Skip(1)]);

        inventories.MapDelete("/{id}/pictures/{name}", async (string id, string name, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors, Pictures pictures) =>
        {
            if (await StockEndpoints.Own(store, caller, id) is not { State: var listing })
            {
                return Problems.NotFound("inventory", id);
            }

            var reply = await actors.Listing(listing.ProductId).TakeDown(name, caller.UserId);
            if (reply.Refusal is null)
            {
                await pictures.Forget(id, name);
            }

            return StockEndpoints.Answer(http, caller, reply);
        }).WithSummary("Takes a picture down.").Answers<InventoryResource>(200);
    }
}
