using System.Text.Json.Serialization;

namespace SecondhandTrade.Contracts;

/// <summary>What a listing is to those who want to buy.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InventoryStatus>))]
public enum InventoryStatus
{
    [JsonStringEnumMemberName("ON_SALE")] OnSale,
    [JsonStringEnumMemberName("RESERVED")] Reserved,
    [JsonStringEnumMemberName("SOLD")] Sold,
    [JsonStringEnumMemberName("HIDDEN")] Hidden,
    [JsonStringEnumMemberName("WITHDRAWN")] Withdrawn,
}

/// <summary>A snapshot of a listing; <see cref="Event.Id"/> is the inventory's id, <see cref="Event.Source"/> is <c>stock:{productid}</c>.</summary>
public record ListingEvent : Event
{
    public string? ProductName { get; init; }

    /// <summary>The seller; absent where the listing belongs to nobody.</summary>
    public string? SellerId { get; init; }

    /// <summary>Units left: the sum of all adjustments.</summary>
    public int Qty { get; init; }

    /// <summary>Units the seller has put up in all, sold ones included: the sum of the seller's own adjustments.</summary>
    public int Supplied { get; init; }

    /// <summary>Won for one unit; absent where the reservation names the price.</summary>
    public long? Price { get; init; }

    /// <summary>Whether a paid reservation becomes a trade without the seller's word.</summary>
    public bool Instant { get; init; } = true;

    public InventoryStatus StatusCode { get; init; }

    public string Status => StatusCode.Korean();

    /// <summary>The trade whose units were committed, refused, taken or given back.</summary>
    public string? TradeId { get; init; }

    public string? Reason { get; init; }

    public override string? CorrelationId => TradeId;
}

/// <summary>Something was put up for sale.</summary>
public sealed record ListingRegistered : ListingEvent;

/// <summary>The seller changed what the listing says or how many units there are.</summary>
public sealed record ListingChanged : ListingEvent;

/// <summary>The seller took the listing down; nothing more of it can be reserved.</summary>
public sealed record ListingWithdrawn : ListingEvent;

/// <summary>Units were set aside for a trade that was accepted.</summary>
public sealed record StockCommitted : ListingEvent;

/// <summary>There were not enough units for a trade: the second net below the product's book.</summary>
public sealed record StockDecreaseRejected : ListingEvent;

/// <summary>Units changed hands and are gone.</summary>
public sealed record StockDecreased : ListingEvent;

/// <summary>Units of a trade that did not come about are back.</summary>
public sealed record StockRestored : ListingEvent;
