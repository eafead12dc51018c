using System.Text;
using SecondhandTrade.Stocks;
using SkiaSharp;
using Xunit;

namespace SecondhandTrade.UnitTests;

public class PictureTests
{
    [Fact]
    public Task Whoever_has_left_waits_for_no_turn_to_be_drawn() =>
        Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Pictures(null!).Keep("1", "a", [], new(canceled: true)));

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void A_picture_is_kept_large_and_small_and_never_larger_than_it_came(SKEncodedImageFormat format)
    {
        var (large, small) = Pictures.Clean(RedAndBlue(2000, 1000, format))!.Value;
        Assert.Equal((1280, 640), Size(large));
        Assert.Equal((320, 160), Size(small));

        (large, small) = Pictures.Clean(RedAndBlue(200, 100, format))!.Value;
        Assert.Equal(((200, 100), (200, 100)), (Size(large), Size(small)));
    }

    // By the orientations of Exif 2.32, table 6: where the red left half of what is stored is to be seen.
    [Theory]
    [InlineData(1, "left")]
    [InlineData(2, "right")]
    [InlineData(3, "right")]
    [InlineData(4, "left")]
    [InlineData(5, "top")]
    [InlineData(6, "top")]
    [InlineData(7, "bottom")]
    [InlineData(8, "bottom")]
    public void A_picture_is_upright_however_the_camera_was_held(byte orientation, string red)
    {
        var (large, _) = Pictures.Clean(Taken(RedAndBlue(200, 100, SKEncodedImageFormat.Jpeg), orientation, ""))!.Value;
        using var shown = SKBitmap.Decode(large);
        Assert.Equal(red is "left" or "right" ? (200, 100) : (100, 200), (shown.Width, shown.Height));
        bool IsRed(int x, int y) => shown.GetPixel(x, y) is { Red: > 200, Blue: < 60 };
        Assert.Equal(
            (red == "left", red == "right", red == "top", red == "bottom"),
            (IsRed(5, shown.Height / 2), IsRed(shown.Width - 5, shown.Height / 2), IsRed(shown.Width / 2, 5) && !IsRed(shown.Width / 2, shown.Height - 5), IsRed(shown.Width / 2, shown.Height - 5) && !IsRed(shown.Width / 2, 5)));
    }

    [Fact]
    public void Where_a_picture_was_taken_is_nobodys_business()
    {
        var taken = Taken(RedAndBlue(200, 100, SKEncodedImageFormat.Jpeg), 1, "37.5665N126.9780E");
        Assert.Contains("37.5665N", Encoding.Latin1.GetString(taken), StringComparison.Ordinal);

        var (large, small) = Pictures.Clean(taken)!.Value;
        Assert.All([large, small], kept => Assert.DoesNotContain("37.5665N", Encoding.Latin1.GetString(kept), StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_no_picture_or_unfolds_to_too_much_is_refused()
    {
        Assert.Null(Pictures.Clean([]));
        Assert.Null(Pictures.Clean("<script>alert(1)</script>"u8.ToArray()));
        Assert.Null(Pictures.Clean([0xFF, 0xD8, 0xFF, 0xE0]));
        Assert.Null(Pictures.Clean([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]));
        Assert.Null(Pictures.Clean("GIF89a\u0001\0\u0001\0\0\0\0;"u8.ToArray()));

        // A few hundred bytes of one colour.
        Assert.NotNull(Pictures.Clean(RedAndBlue(4000, 4000, SKEncodedImageFormat.Png)));
        Assert.Null(Pictures.Clean(RedAndBlue(4000, 4001, SKEncodedImageFormat.Png)));
    }

    private static (int Width, int Height) Size(byte[] bytes)
    {
        using var codec = SKCodec.Create(new MemoryStream(bytes));
        Assert.Equal(SKEncodedImageFormat.Webp, codec.EncodedFormat);
        return (codec.Info.Width, codec.Info.Height);
    }

    private static byte[] RedAndBlue(int width, int height, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Erase(SKColors.Blue);
        bitmap.Erase(SKColors.Red, new SKRectI(0, 0, width / 2, height));
        using var encoded = bitmap.Encode(format, 90);
        return encoded.ToArray();
    }

    // As a camera writes it behind the first two bytes of a JPEG: an Exif block with the orientation and a text.
    private static byte[] Taken(byte[] jpeg, byte orientation, string where)
    {
        byte[] text = [.. Encoding.ASCII.GetBytes(where), 0];
        byte[] exif =
        [
            .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0,
            2, 0,
            0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0,
            0x0E, 0x01, 2, 0, (byte)text.Length, 0, 0, 0, 38, 0, 0, 0,
            0, 0, 0, 0, .. text,
        ];
        return [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }
}
