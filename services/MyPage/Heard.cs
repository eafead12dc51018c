using SecondhandTrade.Contracts;

namespace SecondhandTrade.MyPages;

/// <summary>What my page keeps of an event; which of the three statuses is set says which part of the page it tells of.</summary>
public sealed record Heard(string ReservationId, string Source, long Order, DateTimeOffset At, string EventType, string Status)
{
    public ReserveStatus? Reserve { get; init; }

    public TradeStatus? Trade { get; init; }

    public PaymentStatus? Payment { get; init; }

    public string ProductId { get; init; } = "";

    public string? ProductName { get; init; }

    public string UserId { get; init; } = "";

    public string? SellerId { get; init; }

    public int? Qty { get; init; }

    /// <summary>Won for one unit; nothing where it is not known yet.</summary>
    public long? Price { get; init; }

    public string? ReserveDt { get; init; }

    /// <summary>Where the two meet; kept only of a trade that is accepted.</summary>
    public string? Address { get; init; }


    public DateTimeOffset? PayBy { get; init; }

    public string? Reason { get; init; }

    public static Heard Of(ReserveEvent e) => new(e.Id, e.Source, e.Order, e.Timestamp, e.EventType, e.Status)
    {
        Reserve = e.StatusCode,
        ProductId = e.ProductId,
        ProductName = e.ProductName,
        UserId = e.UserId,
        SellerId = e.SellerId,
        Qty = e.Qty,
        Price = e.Price == 0 ? null : e.Price,
        ReserveDt = e.ReserveDt,
        PayBy = e.StatusCode == ReserveStatus.Held ? e.PayBy : null,
        Reason = e.Reason,
    };

    public static Heard Of(TradeEvent e) => new(e.Id, e.Source, e.Order, e.Timestamp, e.EventType, e.Status)
    {
        Trade = e.StatusCode,
        ProductId = e.ProductId,
        ProductName = e.ProductName,
        UserId = e.UserId,
        SellerId = e.SellerId,
        Qty = e.Qty,
        Price = e.Price,
        ReserveDt = e.ReserveDt,
        Address = e.StatusCode is TradeStatus.InProgress or TradeStatus.HandedOver or TradeStatus.Completed or TradeStatus.Disputed or TradeStatus.Resolved ? e.Address : null,
        Reason = e.Reason,
    };

    public static Heard Of(PaymentEvent e) => new(e.ReservationId, e.Source, e.Order, e.Timestamp, e.EventType, e.Status)
    {
        Payment = e.StatusCode,
        ProductId = e.ProductId,
        UserId = e.UserId,
        Reason = e.Reason,
    };
}
