using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.Notifications;

/// <summary>Who is told what of each event, in their own words.</summary>
public static class Notices
{
    /// <summary>A number of 53 bits that the text always gives: safe as a JSON number.</summary>
    public static string NumberOf(string text) =>
        (BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(text))) & ((1UL << 53) - 1)).ToString(CultureInfo.InvariantCulture);

    public static IReadOnlyList<Notice> Of(ReserveEvent e)
    {
        var told = new Told(e, e.ProductName, e.Id, e.Status);
        return e.EventType switch
        {
            nameof(ReserveWaitlisted) => told.To(e.UserId, $"예약 대기 {e.Position}번째입니다. 차례가 되면 알려 드립니다."),
            nameof(ReserveHeld) when e.Promoted => told.To(e.UserId, $"기다리던 차례가 왔습니다. {Moment(e.PayBy)}까지 결제해 주세요."),
            nameof(ReserveHeld) => told.To(e.UserId, $"예약 중입니다. {Moment(e.PayBy)}까지 결제하면 예약이 완료됩니다."),
            nameof(ReserveHoldExtended) => told.To(e.UserId, $"결제가 늦어지고 있습니다. 나중에 결제하셔도 되도록 {Moment(e.PayBy)}까지 기다립니다."),
            nameof(ReservePayable) => told.To(e.UserId, $"이제 결제할 수 있습니다. {Moment(e.PayBy)}까지 결제해 주세요."),
            nameof(ReserveCompleted) => told.To(e.UserId, "결제가 승인되어 예약이 완료되었습니다.").To(e.SellerId, $"{e.UserId}님의 예약이 완료되었습니다."),
            nameof(ReserveCancelRequested) => told.To(e.UserId, "예약 취소를 처리하고 있습니다."),
            nameof(ReserveCancelRefused) => told.To(e.UserId, $"예약을 취소할 수 없습니다{Because(e.Reason)}."),

            // A seller never heard of a reservation that was not paid, so its end is no news to them.
            nameof(ReserveCanceled) when e.PaymentId is not null => told.To(e.UserId, Ended(e)).To(e.SellerId, Ended(e)),
            nameof(ReserveCanceled) => told.To(e.UserId, Ended(e)),
            nameof(ReserveRejected) => told.To(e.UserId, $"예약할 수 없습니다{Because(e.Reason)}."),
            nameof(ReserveFulfilled) => told.To(e.UserId, "예약하신 거래가 끝났습니다."),
            _ => [],
        };
    }

    public static IReadOnlyList<Notice> Of(TradeEvent e, bool refund = false)
    {
        var told = new Told(e, e.ProductName, e.Id, e.Status);
        return e.EventType switch
        {
            nameof(TradeOpened) when e.StatusCode == TradeStatus.AwaitingSeller =>
                told.To(e.UserId, "거래가 열렸습니다. 판매자의 수락을 기다립니다.").To(e.SellerId, $"거래가 열렸습니다. {Moment(e.AcceptBy)}까지 수락해 주세요."),

            // One that is sold at once opens accepted: the acceptance that follows tells of the same change.
            nameof(TradeOpened) => [],
            nameof(TradeAccepted) => told.ToBoth(e, $"거래가 시작되었습니다. 만날 때: {e.ReserveDt}{(e.Address is { } place ? $", 만날 곳: {place}" : "")}."),
            nameof(TradeHandedOver) => told
                .To(e.UserId, $"물건이 인수인계되었습니다. 이상이 없으면 거래를 완료해 주세요. {Moment(e.CompleteBy)}이 지나면 완료됩니다.")
                .To(e.SellerId, "물건이 인수인계되었습니다. 구매자가 완료하면 정산됩니다."),
            nameof(TradeCompleted) => told.To(e.UserId, "거래가 완료되었습니다.").To(e.SellerId, "거래가 완료되었습니다. 대금이 정산됩니다."),
            nameof(TradeCanceled) when e.StatusCode == TradeStatus.Declined => told
                .To(e.UserId, "판매자가 거래를 거절했습니다. 결제하신 금액은 돌려 드립니다.").To(e.SellerId, "거래를 거절했습니다."),
            nameof(TradeCanceled) => told
                .To(e.UserId, $"거래가 취소되었습니다{Because(e.Reason)}. 결제하신 금액은 돌려 드립니다.").To(e.SellerId, $"거래가 취소되었습니다{Because(e.Reason)}."),
            nameof(TradeDisputed) => told.ToBoth(e, "분쟁이 접수되었습니다. 해결될 때까지 대금은 보관됩니다."),
            nameof(TradeResolved) => told.ToBoth(e, refund ? "분쟁이 해결되었습니다. 대금은 구매자에게 환불됩니다." : "분쟁이 해결되었습니다. 대금은 판매자에게 정산됩니다."),
            _ => [],
        };
    }

    // A card that was never asked has declined nothing.
    public static IReadOnlyList<Notice> Of(PaymentEvent e) => e is { EventType: nameof(PaymentDeclined), Reason: not ("not-received" or "reservation-dead") }
        ? new Told(e, null, e.ReservationId, e.Status).To(e.UserId, "결제가 거절되었습니다. 다른 결제 수단으로 다시 시도해 주세요.")
        : [];

    private static string Ended(ReserveEvent e) => $"{(e.StatusCode == ReserveStatus.Expired ? "예약이 만료되었습니다" : "예약이 취소되었습니다")}{Because(e.Reason)}.";

    /// <summary>A time of day in Korea, as people say it.</summary>
    private static string Moment(DateTimeOffset? at) =>
        at is { } moment ? moment.ToOffset(TimeSpan.FromHours(9)).ToString("M'월 'd'일 'HH':'mm", CultureInfo.InvariantCulture) : "기한";

    // A code that has no words here yet is left out: nobody should have to read it.
    private static string Because(string? reason) => Words(reason) is { } words ? $" ({words})" : "";

    private static string? Words(string? reason) => reason switch
    {
        "by-buyer" => "구매자 요청",
        "asked-by-reservation" or "reservation-cancelled" => "예약 취소",
        "by-seller" => "판매자 요청",
        "payment-timeout" => "결제 시간 지남",
        "payment-void" => "결제 승인 취소",
        "payment-expired" or "authorisation-expired" => "결제 승인 만료",
        "date-passed" or "past-date" => "약속한 날이 지남",
        "withdrawn" or "not-on-sale" => "판매 중단",
        "units-taken-back" => "판매자가 수량을 줄임",
        "sold-out" => "모두 판매됨",
        "queue-full" => "대기 인원이 가득 참",
        "own-listing" => "본인이 올린 상품",
        "unknown-product" => "찾을 수 없는 상품",
        "price-changed" => "가격이 바뀜",
        "price-required" => "가격이 정해지지 않음",
        "already-handed-over" => "이미 인수인계됨",
        "trade-cancelled" => "거래 취소",
        "dispute-refunded" => "분쟁 환불",
        "declined-by-seller" => "판매자 거절",
        "accept-timeout" => "수락 시간 지남",
        "capture-refused" => "결제 실패",
        "stock-mismatch" => "재고 부족",
        _ => null,
    };

    /// <summary>The notices of one event: at most one for each who is named, under an id that the event and the addressee always give.</summary>
    private sealed class Told(Event e, string? productName, string reservationId, string status) : List<Notice>
    {
        public Told To(string? addressee, string sentence)
        {
            if (addressee is { Length: > 0 } && !Exists(n => n.UserId == addressee))
            {
                Add(new(
                    NumberOf($"{e.Source}:{e.Version}.{e.Part}:{addressee}"), addressee, e.ProductId, productName, status,
                    $"{productName ?? $"상품 {e.ProductId}"}: {sentence}", reservationId, e.Timestamp));
            }

            return this;
        }

        public Told ToBoth(TradeEvent trade, string sentence) => To(trade.UserId, sentence).To(trade.SellerId, sentence);
    }
}
