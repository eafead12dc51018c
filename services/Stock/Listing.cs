using System.Collections.Immutable;
using System.Text.Json.Serialization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Stocks;

/// <summary>Where the goods are, in degrees.</summary>
public sealed record Place(double Latitude, double Longitude);

/// <summary>A picture of the goods, named after its own bytes, so that under one name it never changes.</summary>
public sealed record Picture(string Name, string Type);

/// <summary>What a seller says of the goods; what is null is not said. <c>Placeless</c> is said in a change only, and takes the place away.</summary>
public sealed record Offer(string? ProductName, string? SellerId, long? Price, string? Description, Place? Place, bool? Instant, bool? Hidden, bool? Placeless = null);

/// <summary>Why units came or went. What the seller puts up or takes back is <see cref="Seller"/>; the rest is a trade's doing, once per trade.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AdjustmentKind>))]
public enum AdjustmentKind
{
    Seller,
    Decrease,
}

/// <summary>One line of a listing's stock; lines are only ever added.</summary>
public sealed record Adjustment(DateTimeOffset At, AdjustmentKind Kind, int Delta, string? TradeId);

/// <summary>What a seller offers under one product id, and how many units of it are left.</summary>
public sealed record Listing(string ProductId) : IAggregate<Listing>
{
    public const int MostPictures = 5;

    // So many later events of a product do not overtake one another.
    private const int MostWatermarks = 300;

    /// <summary>The inventory's id; null until something is registered.</summary>
    public string? Id { get; init; }

    public Offer Offer { get; init; } = new(null, null, null, null, null, null, null);

    public DateTimeOffset RegisteredAt { get; init; }

    public bool Withdrawn { get; init; }

    public ImmutableList<Adjustment> Adjustments { get; init; } = [];

    /// <summary>In the order they were put up; the first one stands for the goods in lists.</summary>
    public ImmutableList<Picture> Pictures { get; init; } = [];

    /// <summary>Units set aside for accepted trades, by trade.</summary>
    public ImmutableSortedDictionary<string, int> Committed { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>Units that reservations hold, by reservation: what makes a listing 예약중.</summary>
    public ImmutableSortedDictionary<string, int> Held { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    [JsonIgnore]
    public int Qty => Adjustments.Sum(a => a.Delta);

    [JsonIgnore]
    public int Supplied => Adjustments.Where(a => a.Kind == AdjustmentKind.Seller).Sum(a => a.Delta);

    [JsonIgnore]
    public InventoryStatus Status => this switch
    {
        { Withdrawn: true } => InventoryStatus.Withdrawn,
        { Offer.Hidden: true } => InventoryStatus.Hidden,
        { Qty: 0 } => InventoryStatus.Sold,
        _ => Qty > Held.Values.Sum() ? InventoryStatus.OnSale : InventoryStatus.Reserved,
    };

    /// <summary>Whether anyone may see it; what is hidden or withdrawn only its seller sees.</summary>
    [JsonIgnore]
    public bool IsPublic => Status is not (InventoryStatus.Hidden or InventoryStatus.Withdrawn);

    [JsonIgnore]
    public IReadOnlyList<string> Allowed => Id is null || Withdrawn ? [] : ["change", "withdraw"];

    [JsonIgnore]
    public DateTimeOffset? NextWake => null;

    public Decision<Listing> Overdue(DateTimeOffset now) => Unchanged.Already;

    /// <summary>
    /// Of sold trades the adjustment answers. The book tells of every reservation under one order, so what it told of those longest
    /// ago needs only one watermark: the highest of theirs, kept for the whole book.
    /// </summary>
    public ImmutableDictionary<string, long> Trim(ImmutableDictionary<string, long> seen)
    {
        var open = seen.RemoveRange(Adjustments.Select(a => $"trade:{a.TradeId}"));
        var oldest = open.Where(s => s.Key.Contains('/', StringComparison.Ordinal)).OrderByDescending(s => s.Value).Skip(MostWatermarks).ToList();
        return oldest.Count == 0 ? open : open.RemoveRange(oldest.Select(s => s.Key)).SetItem(oldest[0].Key.Split('/')[0], oldest[0].Value);
    }

    public Decision<Listing> Register(string id, Offer offer, int qty, DateTimeOffset now) => Id switch
    {
        null => Tell<ListingRegistered>(this with
        {
            Id = id,
            Offer = offer,
            RegisteredAt = now,
            Adjustments = [new(now, AdjustmentKind.Seller, qty, null)],
        }),
        var own when own == id => Unchanged.Already,
        _ => new Refusal("product-listed-already", $"Product {ProductId} is listed already; a product has one listing.", Status.Korean(), Allowed),
    };

    /// <summary>Changes what is said, and, where <paramref name="qty"/> is given, how many units are left; never below what is promised.</summary>
    public Decision<Listing> Change(Offer said, int? qty, string? by, DateTimeOffset now)
    {
        if (Id is null || NotTheSeller(by))
        {
            return new Refusal("not-found", $"There is no listing of product {ProductId}.");
        }

        if (Withdrawn)
        {
            return new Refusal("not-allowed-in-state", "The listing is withdrawn; register a new product instead.", Status.Korean(), Allowed);
        }

        var promised = Committed.Values.Sum() + Held.Where(h => !Committed.ContainsKey(h.Key)).Sum(h => h.Value);
        if (qty < promised)
        {
            return new Refusal("units-promised", $"{promised} units are promised to buyers; qty cannot be {qty}.", Status.Korean(), Allowed);
        }

        var changed = this with
        {
            Offer = new(
                said.ProductName ?? Offer.ProductName, Offer.SellerId, said.Price ?? Offer.Price, said.Description is "" ? null : said.Description ?? Offer.Description,
                said.Placeless == true ? null : said.Place ?? Offer.Place, said.Instant ?? Offer.Instant, said.Hidden ?? Offer.Hidden),
            Adjustments = qty is { } wanted && wanted != Qty ? Adjustments.Add(new(now, AdjustmentKind.Seller, wanted - Qty, null)) : Adjustments,
        };
        return changed == this ? Unchanged.Already : Tell<ListingChanged>(changed);
    }

    public Decision<Listing> Withdraw(string? by) => this switch
    {
        { Id: null } => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        _ when NotTheSeller(by) => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        { Withdrawn: true } => Unchanged.Already,
        _ => Tell<ListingWithdrawn>(this with { Withdrawn = true }),
    };

    /// <summary>Puts up a picture; nobody need be told, for no other context shows goods.</summary>
    public Decision<Listing> Show(Picture picture, string? by) => this switch
    {
        { Id: null } => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        _ when NotTheSeller(by) => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        { Withdrawn: true } => new Refusal("not-allowed-in-state", "The listing is withdrawn; nobody would see the picture.", Status.Korean(), Allowed),
        _ when Pictures.Contains(picture) => Unchanged.Already,
        { Pictures.Count: >= MostPictures } => new Refusal("too-many-pictures", $"A listing has up to {MostPictures} pictures; take one down first.", Status.Korean(), Allowed),
        _ => this with { Pictures = Pictures.Add(picture) },
    };

    public Decision<Listing> TakeDown(string picture, string? by) => this switch
    {
        { Id: null } => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        _ when NotTheSeller(by) => new Refusal("not-found", $"There is no listing of product {ProductId}."),
        _ when !Pictures.Exists(p => p.Name == picture) => Unchanged.Already,
        _ => this with { Pictures = Pictures.RemoveAll(p => p.Name == picture) },
    };

    /// <summary>Follows a reservation, so that people see what is spoken for; the units themselves are the reservation context's to give.</summary>
    public Decision<Listing> Hear(ReserveEvent reserve)
    {
        var holds = reserve.StatusCode is ReserveStatus.Held or ReserveStatus.Confirmed or ReserveStatus.CancelPending;
        var held = holds && !Decreased(reserve.Id) ? Held.SetItem(reserve.Id, reserve.Qty) : Held.Remove(reserve.Id);
        return ReferenceEquals(held, Held) ? Unchanged.Already : this with { Held = held };
    }

    /// <summary>Sets units aside for an accepted trade: the second net, which refuses what is not there.</summary>
    public Decision<Listing> Commit(TradeEvent trade) => this switch
    {
        _ when Committed.ContainsKey(trade.Id) || Decreased(trade.Id) => Unchanged.Already,
        _ when Qty - Committed.Values.Sum() < trade.Qty => Tell<StockDecreaseRejected>(this, trade.Id, $"{Qty - Committed.Values.Sum()} of {trade.Qty} units are there."),
        _ => Tell<StockCommitted>(this with { Committed = Committed.SetItem(trade.Id, trade.Qty) }, trade.Id),
    };

    public Decision<Listing> Decrease(TradeEvent trade, DateTimeOffset now) => this switch
    {
        _ when Decreased(trade.Id) => Unchanged.Already,
        _ when !Committed.ContainsKey(trade.Id) && Qty - Committed.Values.Sum() < trade.Qty => Tell<StockDecreaseRejected>(this, trade.Id, "The units were never set aside and are not there."),
        _ => Tell<StockDecreased>(
            this with
            {
                Adjustments = Adjustments.Add(new(now, AdjustmentKind.Decrease, -trade.Qty, trade.Id)),
                Committed = Committed.Remove(trade.Id),
                Held = Held.Remove(trade.Id),
            },
            trade.Id),
    };

    public Decision<Listing> GiveBack(TradeEvent trade) => Committed.ContainsKey(trade.Id)
        ? Tell<StockRestored>(this with { Committed = Committed.Remove(trade.Id) }, trade.Id, trade.Reason)
        : Unchanged.Already;

    /// <summary>The listing as others are told of it.</summary>
    public TEvent Snapshot<TEvent>(string? tradeId = null, string? reason = null)
        where TEvent : ListingEvent, new() => new()
        {
            Id = Id ?? "",
            ProductId = ProductId,
            ProductName = Offer.ProductName,
            SellerId = Offer.SellerId,
            Qty = Qty,
            Supplied = Supplied,
            Price = Offer.Price,
            Instant = Offer.Instant ?? true,
            StatusCode = Status,
            TradeId = tradeId,
            Reason = reason,
        };

    private static Decision<Listing> Tell<TEvent>(Listing next, string? tradeId = null, string? reason = null)
        where TEvent : ListingEvent, new() => (next, next.Snapshot<TEvent>(tradeId, reason));

    private bool Decreased(string tradeId) => Adjustments.Exists(a => a.TradeId == tradeId);

    private bool NotTheSeller(string? by) => by is not null && Offer.SellerId is not null && by != Offer.SellerId;
}
