using System.Globalization;
using System.Security.Cryptography;

namespace SecondhandTrade.Web;

/// <summary>What a seller fills in: as text, so that what is wrong can be shown as it was written.</summary>
public sealed class Offer
{
    public string? Id { get; set; }

    public string? ProductName { get; set; }

    public string? Price { get; set; }

    public string? Qty { get; set; }

    public string? Description { get; set; }

    public string? Latitude { get; set; }

    public string? Longitude { get; set; }

    public bool Instant { get; set; }

    /// <summary>The fields whose text is not even a number; the rest is stock's to judge.</summary>
    public IEnumerable<string> Wrong()
    {
        foreach (var (field, holds) in new[]
        {
            ("productname", !string.IsNullOrWhiteSpace(ProductName)), ("price", Whole(Price) is > 0), ("qty", Whole(Qty) is >= 0),
            ("latitude", Given(Latitude) is null || Degrees(Latitude) is not null), ("longitude", Given(Longitude) is null || Degrees(Longitude) is not null),
        })
        {
            if (!holds)
            {
                yield return field;
            }
        }
    }

    /// <summary>The body of <c>POST</c> and <c>PATCH /inventories</c>.</summary>
    public object Body(string? seller) => new
    {
        Id,
        ProductName = ProductName?.Trim(),
        Price = Whole(Price),
        Qty = Whole(Qty),
        Description = Given(Description?.ReplaceLineEndings(" ")),
        Latitude = Degrees(Latitude),
        Longitude = Degrees(Longitude),
        Instant,
        SellerId = seller,
    };

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static long? Whole(string? text) => long.TryParse(text, NumberStyles.AllowThousands | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var n) ? n : null;

    private static double? Degrees(string? text) => double.TryParse(text, CultureInfo.InvariantCulture, out var d) ? d : null;
}

/// <summary>Ids that forms carry, so that one sent twice creates one thing.</summary>
public static class Ids
{
    /// <summary>53 bits, like those the services give.</summary>
    public static string New() => $"{BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & ((1UL << 53) - 1)}";
}
