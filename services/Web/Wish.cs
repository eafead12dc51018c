using System.Globalization;

namespace SecondhandTrade.Web;

/// <summary>What a buyer fills in to reserve: as text, so that what is wrong can be shown as it was written.</summary>
public sealed class Wish
{
    public string? Id { get; set; }

    public string? Day { get; set; }

    public string? Time { get; set; }

    public string? Address { get; set; }

    /// <summary>What the buyer has seen that it costs, or offers where nothing is said.</summary>
    public string? Price { get; set; }

    /// <summary>Whether the button said that the buyer would wait in the queue rather than pay.</summary>
    public bool Waits { get; set; }

    private string? When => !DateOnly.TryParseExact(Day, "yyyy-MM-dd", out _) ? null
        : string.IsNullOrEmpty(Time) ? Day
        : TimeOnly.TryParse(Time, CultureInfo.InvariantCulture, out var time) ? string.Create(CultureInfo.InvariantCulture, $"{Day}T{time:HH':'mm':'ss}+09:00") : null;

    public IEnumerable<string> Wrong()
    {
        foreach (var (field, holds) in new[] { ("reserveDt", When is not null), ("address", !string.IsNullOrWhiteSpace(Address)), ("price", long.TryParse(Price, CultureInfo.InvariantCulture, out _)) })
        {
            if (!holds)
            {
                yield return field;
            }
        }
    }

    /// <summary>What the buyer is told on their own page, by its code; null where the form is shown again with what is wrong.</summary>
    public static string? Told(Said<Reserve> said) => (said.Problem?.Code, said.Value?.StatusCode) switch
    {
        // A declined payment leaves the unit held: what is left to do is on my page.
        ("payment-declined", _) => "payment-declined",
        ("id-conflict", _) => Ids.SentBefore,
        (null, "WAITLISTED") => "done-wait",
        (null, "REQUESTED") => "done-request",
        (null, "HELD") => "pay-later",
        (null, _) => "done-reserve",
        _ => null,
    };

    /// <summary>The body of <c>POST /reserves</c>; whether the price is still that one, the reservation's book says.</summary>
    public object Body(Listing listing, string buyer) => new
    {
        Id,
        listing.ProductId,
        UserId = buyer,
        listing.ProductName,
        Qty = 1,
        ReserveDt = When,
        Address = Address?.Trim(),
        Price = long.Parse(Price!, CultureInfo.InvariantCulture),
    };
}
