namespace SecondhandTrade.Contracts;

/// <summary>The statuses as people in the town read them.</summary>
public static class Names
{
    public static string Korean(this InventoryStatus status) => status switch
    {
        InventoryStatus.OnSale => "판매중",
        InventoryStatus.Reserved => "예약중",
        InventoryStatus.Sold => "거래완료",
        InventoryStatus.Hidden => "숨김",
        InventoryStatus.Withdrawn => "판매중단",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static string Korean(this ReserveStatus status) => status switch
    {
        ReserveStatus.Requested => "예약접수",
        ReserveStatus.Waitlisted => "예약대기",
        ReserveStatus.Held => "예약중",
        ReserveStatus.Confirmed => "예약완료",
        ReserveStatus.CancelPending => "취소처리중",
        ReserveStatus.Cancelled => "예약취소",
        ReserveStatus.Expired => "예약만료",
        ReserveStatus.Rejected => "예약불가",
        ReserveStatus.Fulfilled => "거래완료",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static string Korean(this PaymentStatus status) => status switch
    {
        PaymentStatus.Pending => "결제대기",
        PaymentStatus.Authorized => "결제승인",
        PaymentStatus.Claimed => "거래연결",
        PaymentStatus.Captured => "결제보관",
        PaymentStatus.Released => "정산완료",
        PaymentStatus.Voided => "승인취소",
        PaymentStatus.Refunded => "환불완료",
        PaymentStatus.Declined => "결제거절",
        PaymentStatus.Expired => "승인만료",
        PaymentStatus.Unknown => "결제확인중",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static string Korean(this TradeStatus status, bool byReservation = false) => status switch
    {
        TradeStatus.Draft => "거래준비중",
        TradeStatus.Refused => "거래불가",
        TradeStatus.AwaitingSeller => "판매자수락대기",
        TradeStatus.InProgress => "거래 진행중",
        TradeStatus.HandedOver => "인수인계",
        TradeStatus.Completed => "거래완료",
        TradeStatus.Declined => "판매자거절",
        TradeStatus.Cancelled => byReservation ? "예약취소로 거래취소" : "거래취소",
        TradeStatus.Disputed => "분쟁중",
        TradeStatus.Resolved => "분쟁해결",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };

    public static string Korean(this NoticeStatus status) => status == NoticeStatus.Read ? "읽음" : "안읽음";
}
