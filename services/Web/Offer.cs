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

    /// <summary>The version of the listing that the form was made from; null for something new.</summary>
    public string? Tag { get; set; }

    /// <summary>The form as it was made, by which one sees what the seller has changed in it.</summary>
    public Offer? Was { get; set; }

    public IEnumerable<(string Field, string? Text)> Fields =>
    [
        (nameof(ProductName), ProductName), (nameof(Price), Price), (nameof(Qty), Qty), (nameof(Description), Description),
        (nameof(Latitude), Latitude), (nameof(Longitude), Longitude), (nameof(Instant), $"{Instant}"),
    ];

    public static Offer Of(Listing listing, string? tag)
    {
        var offer = new Offer
        {
            ProductName = listing.ProductName,
            Price = $"{listing.Price}",
            Qty = $"{listing.Qty}",
            Description = listing.Description,
            Latitude = listing.Latitude?.ToString(CultureInfo.InvariantCulture),
            Longitude = listing.Longitude?.ToString(CultureInfo.InvariantCulture),
            Instant = listing.Instant,
        };
        (offer.Was, offer.Tag) = ((Offer)offer.MemberwiseClone(), tag);
        return offer;
    }

    /// <summary>What the seller has changed, and for the rest what the listing says by now.</summary>
    public Offer On(Offer now)
    {
        string? Merged(Func<Offer, string?> field) => Changed(field) ? field(this) : field(now);
        return new()
        {
            ProductName = Merged(o => o.ProductName),
            Price = Merged(o => o.Price),
            Qty = Merged(o => o.Qty),
            Description = Merged(o => o.Description),
            Latitude = Merged(o => o.Latitude),
            Longitude = Merged(o => o.Longitude),
            Instant = Changed(o => $"{o.Instant}") ? Instant : now.Instant,
            Tag = now.Tag,
            Was = now.Was,
        };
    }

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

    /// <summary>The body of <c>POST</c> and <c>PATCH /inventories</c>: all of it for something new, else what the seller has changed.</summary>
    public object Body(string? seller) => new
    {
        Id,
        ProductName = Changed(o => o.ProductName) ? ProductName?.Trim() : null,
        Price = Changed(o => o.Price) ? Whole(Price) : null,
        Qty = Changed(o => o.Qty) ? Whole(Qty) : null,
        Description = Changed(o => o.Description) ? Given(Description?.ReplaceLineEndings(" ")) ?? (Was is null ? null : "") : null,
        Latitude = Moved ? Degrees(Latitude) : null,
        Longitude = Moved ? Degrees(Longitude) : null,
        Placeless = Was is not null && Moved && Given(Latitude) is null && Given(Longitude) is null ? true : (bool?)null,
        Instant = Changed(o => $"{o.Instant}") ? Instant : (bool?)null,
        SellerId = seller,
    };

    private bool Moved => Changed(o => $"{o.Latitude},{o.Longitude}");

    // An empty field comes back as nothing at all.
    private bool Changed(Func<Offer, string?> field) => Was is null || (field(Was) ?? "") != (field(this) ?? "");

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    internal static long? Whole(string? text) => long.TryParse(text, NumberStyles.AllowThousands | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var n) ? n : null;

    private static double? Degrees(string? text) => double.TryParse(text, CultureInfo.InvariantCulture, out var d) && double.IsFinite(d) ? d : null;
}

/// <summary>Ids that forms carry, so that one sent twice creates one thing.</summary>
public static class Ids
{
    /// <summary>What is told where an earlier request with the same form's id was accepted with other content.</summary>
    public const string SentBefore = "sent-before";

    /// <summary>53 bits, like those the services give.</summary>
    public static string New() => $"{BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) & ((1UL << 53) - 1)}";
}
