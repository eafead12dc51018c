using System.Security.Cryptography;
using Dapr.Actors.Client;
using Microsoft.AspNetCore.Mvc;
using SecondhandTrade.Platform;
using SkiaSharp;
using StackExchange.Redis;

namespace SecondhandTrade.Stocks;

/// <summary>The bytes of pictures, in Redis; which of them a listing shows is the listing's own to say.</summary>
public sealed class Pictures(IConnectionMultiplexer redis)
{
    public static readonly IReadOnlyList<string> Types = ["image/jpeg", "image/png", "image/webp"];

    /// <summary>What every picture is kept as.</summary>
    public const string Kept = "image/webp";

    /// <summary>Bytes in one picture that is sent.</summary>
    public const int Largest = 2 * 1024 * 1024;

    /// <summary>Pixels in one picture that is sent: a small file may unfold to more than fits into memory.</summary>
    public const int MostPixels = 16_000_000;

    /// <summary>What stands behind the name of a picture for the one that lists show.</summary>
    public const string Small = "-small";

    private const int Side = 1280;
    private const int SmallSide = 320;
    private const int Quality = 80;

    private static readonly SKSamplingOptions Smooth = new(SKFilterMode.Linear, SKMipmapMode.Linear);

    // Pictures are decoded one at a time, to bound memory.
    private static readonly SemaphoreSlim Desk = new(1);

    public static string NameOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];

    /// <summary>
    /// The picture as the town shows it, large and small: upright, and without what a camera writes beside it, where it was taken above all.
    /// Null for what is no JPEG, PNG or WebP picture, whatever its sender calls it, or has more than <see cref="MostPixels"/>.
    /// </summary>
    public static (byte[] Large, byte[] Small)? Clean(byte[] bytes)
    {
        using var data = SKData.CreateCopy(bytes);
        using var codec = SKCodec.Create(data);
        if (codec is not { EncodedFormat: SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Png or SKEncodedImageFormat.Webp } || (long)codec.Info.Width * codec.Info.Height > MostPixels)
        {
            return null;
        }

        using var bitmap = SKBitmap.Decode(codec);
        using var image = bitmap is null ? null : SKImage.FromBitmap(bitmap);
        return image is null ? null : (Draw(image, codec.EncodedOrigin, Side), Draw(image, codec.EncodedOrigin, SmallSide));
    }

    /// <summary>Keeps what is a picture; false for what is none.</summary>
    public async Task<bool> Keep(string id, string name, byte[] bytes, CancellationToken stop)
    {
        await Desk.WaitAsync(stop);
        try
        {
            if (Clean(bytes) is not var (large, small))
            {
                return false;
            }

            await redis.GetDatabase().StringSetAsync([new(Key(id, name), large), new(Key(id, name + Small), small)]);
            return true;
        }
        finally
        {
            Desk.Release();
        }
    }

    public async Task<byte[]?> Find(string id, string name) => await redis.GetDatabase().StringGetAsync(Key(id, name));

    public Task Forget(string id, string name) => redis.GetDatabase().KeyDeleteAsync([Key(id, name), Key(id, name + Small)]);

    private static byte[] Draw(SKImage image, SKEncodedOrigin origin, int side)
    {
        var (width, height) = (image.Width, image.Height);
        var scale = Math.Min(1f, (float)side / Math.Max(width, height));
        var lies = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        var (across, down) = lies ? (height, width) : (width, height);
        using var canvas = new SKBitmap(Math.Max(1, (int)(across * scale)), Math.Max(1, (int)(down * scale)));
        using (var pen = new SKCanvas(canvas))
        {
            pen.Scale(scale);
            pen.Concat(Upright(origin, width, height));
            pen.DrawImage(image, 0, 0, Smooth);
        }

        using var encoded = canvas.Encode(SKEncodedImageFormat.Webp, Quality);
        return encoded.ToArray();
    }

    // Where each point of the picture as it is stored belongs, by the orientation that its camera wrote beside it.
    private static SKMatrix Upright(SKEncodedOrigin origin, int width, int height) => origin switch
    {
        SKEncodedOrigin.TopRight => new(-1, 0, width, 0, 1, 0, 0, 0, 1),
        SKEncodedOrigin.BottomRight => new(-1, 0, width, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.BottomLeft => new(1, 0, 0, 0, -1, height, 0, 0, 1),
        SKEncodedOrigin.LeftTop => new(0, 1, 0, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightTop => new(0, -1, height, 1, 0, 0, 0, 0, 1),
        SKEncodedOrigin.RightBottom => new(0, -1, height, -1, 0, width, 0, 0, 1),
        SKEncodedOrigin.LeftBottom => new(0, 1, 0, -1, 0, width, 0, 0, 1),
        _ => SKMatrix.Identity,
    };

    // The braces keep both sizes in one slot of a clustered Redis, where they can be written in one step.
    private static RedisKey Key(string id, string name) => $"stock:picture:{{{id}}}:{name}";
}

/// <summary>HTTP endpoints of <c>/inventories/{id}/pictures</c>.</summary>
public static class PictureEndpoints
{
    /// <summary>Maps below <c>/inventories</c>: POST takes the bytes of one picture, GET shows it for good.</summary>
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
            // Asked before the bytes are kept, so that a stranger cannot fill the store; the actor decides again.
            var picture = new Picture(Pictures.NameOf(bytes), Pictures.Kept);
            if (listing.Show(picture, caller.UserId).Refusal is { } no)
            {
                return Problems.Refused(no);
            }

            // The bytes first: a listing never shows what is not there.
            if (!await pictures.Keep(id, picture.Name, bytes, http.RequestAborted))
            {
                return Problems.Problem(415, "not-a-picture", $"The bytes are no JPEG, PNG or WebP picture of up to {Pictures.MostPixels / 1_000_000} million pixels; send one that is.");
            }

            return StockEndpoints.Answer(http, caller, await actors.Listing(listing.ProductId).Show(picture, caller.UserId));
        }).WithMetadata(new RequestSizeLimitAttribute(Pictures.Largest)).WithSummary("Puts up a picture of the goods.")
            .TakesBytes(Pictures.Types).Answers<InventoryResource>(200).Refuses(409, "not-allowed-in-state", "too-many-pictures").Refuses(415, "not-a-picture");

        inventories.MapGet("/{id}/pictures/{name}", async (string id, string name, Caller caller, HttpContext http, AggregateStore store, Pictures pictures) =>
        {
            if (await StockEndpoints.Seen(store, caller, id) is not { State: var listing } || await pictures.Find(id, name) is not { } bytes)
            {
                return Problems.NotFound("picture", name);
            }

            http.Response.Headers.CacheControl = listing.IsPublic ? "public, max-age=31536000, immutable" : "private, no-store";
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return TypedResults.Bytes(bytes, Pictures.Kept);
        }).AllowAnonymous().WithSummary("Shows a picture, or with -small behind its name a small one for lists; under one name it never changes.").Produces<byte[]>(200, Pictures.Kept);

        inventories.MapDelete("/{id}/pictures/{name}", async (string id, string name, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors, Pictures pictures) =>
        {
            if (await StockEndpoints.Own(store, caller, id) is not { State: var listing })
            {
                return Problems.NotFound("inventory", id);
            }

            var reply = await actors.Listing(listing.ProductId).TakeDown(name, caller.UserId);
            if (reply.Changed)
            {
                await pictures.Forget(id, name);
            }

            return StockEndpoints.Answer(http, caller, reply);
        }).WithSummary("Takes a picture down.").Answers<InventoryResource>(200);
    }
}
