using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.Notifications;

/// <summary>Who is told what of each event, in Korean and in English.</summary>
public static class Notices
{
    private static readonly TimeSpan Korea = TimeSpan.FromHours(9);

    /// <summary>A number of 53 bits that the text always gives: safe as a JSON number.</summary>
    public static string NumberOf(string text) =>
        (BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(text))) & ((1UL << 53) - 1)).ToString(CultureInfo.InvariantCulture);

    public static IReadOnlyList<Notice> Of(ReserveEvent e)
    {
        var told = new Told(e, e.ProductName, e.Id, e.Status);
        var payBy = Moment(e.PayBy);
        return e.EventType switch
        {
            nameof(ReserveWaitlisted) => told.To(
                e.UserId, $"예약 대기 {e.Position}번째입니다. 차례가 되면 알려 드립니다.", $"You are number {e.Position} in the queue. We will tell you when it is your turn."),
            nameof(ReserveHeld) when e.Promoted => told.To(
                e.UserId, $"기다리던 차례가 왔습니다. {payBy.Korean}까지 결제해 주세요.", $"It is your turn. Please pay by {payBy.English}."),
            nameof(ReserveHeld) => told.To(
                e.UserId, $"예약 중입니다. {payBy.Korean}까지 결제하면 예약이 완료됩니다.", $"It is held for you. Pay by {payBy.English} and it is reserved."),
            nameof(ReserveHoldExtended) => told.To(
                e.UserId, $"결제가 늦어지고 있습니다. 나중에 결제하셔도 되도록 {payBy.Korean}까지 기다립니다.", $"Payment is slow just now. It stays held for you until {payBy.English}, so you may pay later."),
            nameof(ReservePayable) => told.To(
                e.UserId, $"이제 결제할 수 있습니다. {payBy.Korean}까지 결제해 주세요.", $"You can pay now. Please pay by {payBy.English}."),
            nameof(ReserveCompleted) => told
                .To(e.UserId, "결제가 승인되어 예약이 완료되었습니다.", "Your payment was approved: it is reserved.")
                .To(e.SellerId, $"{e.UserId}님의 예약이 완료되었습니다.", $"{e.UserId} has reserved it."),
            nameof(ReserveCancelRequested) => told.To(e.UserId, "예약 취소를 처리하고 있습니다.", "Your cancellation is being worked on."),
            nameof(ReserveCancelRefused) => told.To(e.UserId, $"예약을 취소할 수 없습니다{Because(e.Reason).Korean}.", $"The reservation cannot be cancelled{Because(e.Reason).English}."),

            // A seller never heard of a reservation that was not paid, so its end is no news to them.
            nameof(ReserveCanceled) when e.PaymentId is not null => Ended(e, told, e.UserId, e.SellerId),
            nameof(ReserveCanceled) => Ended(e, told, e.UserId),
            nameof(ReserveRejected) => told.To(e.UserId, $"예약할 수 없습니다{Because(e.Reason).Korean}.", $"It cannot be reserved{Because(e.Reason).English}."),
            nameof(ReserveFulfilled) => told.To(e.UserId, "예약이 거래 완료로 마무리되었습니다.", "Your reservation has ended in a completed trade."),
            _ => [],
        };
    }

    public static IReadOnlyList<Notice> Of(TradeEvent e, bool refund = false)
    {
        var told = new Told(e, e.ProductName, e.Id, e.Status);
        var because = Because(e.Reason);
        return e.EventType switch
        {
            nameof(TradeOpened) when e.StatusCode == TradeStatus.AwaitingSeller => told
                .To(e.UserId, "거래가 열렸습니다. 판매자의 수락을 기다립니다.", "The trade is open. We are waiting for the seller to accept.")
                .To(e.SellerId, $"거래가 열렸습니다. {Moment(e.AcceptBy).Korean}까지 수락해 주세요.", $"The trade is open. Please accept by {Moment(e.AcceptBy).English}."),

            // One that is sold at once opens accepted: the acceptance that follows tells of the same change.
            nameof(TradeOpened) => [],
            nameof(TradeAccepted) => told.To(
                [e.UserId, e.SellerId],
                $"거래가 시작되었습니다. 만날 때: {Meeting(e.ReserveDt).Korean}{(e.Address is { } place ? $", 만날 곳: {place}" : "")}.",
                $"The trade has begun. When to meet: {Meeting(e.ReserveDt).English}{(e.Address is { } where ? $", where: {where}" : "")}."),
            nameof(TradeHandedOver) => told
                .To(
                    e.UserId,
                    $"물건이 인수인계되었습니다. 이상이 없으면 거래를 완료해 주세요. {Moment(e.CompleteBy).Korean}까지 다른 말씀이 없으면 완료됩니다.",
                    $"It was handed over. If all is well, please complete the trade; it completes by itself after {Moment(e.CompleteBy).English}.")
                .To(e.SellerId, "물건이 인수인계되었습니다. 구매자가 완료하면 정산됩니다.", "It was handed over. You are paid when the buyer completes the trade."),
            nameof(TradeCompleted) => told
                .To(e.UserId, "거래가 완료되었습니다.", "The trade is complete.")
                .To(e.SellerId, "거래가 완료되었습니다. 대금이 정산됩니다.", "The trade is complete. You are being paid."),
            nameof(TradeCanceled) when e.StatusCode == TradeStatus.Declined => told
                .To(e.UserId, "판매자가 거래를 거절했습니다. 결제하신 금액은 돌려 드립니다.", "The seller declined the trade. What you paid is returned.")
                .To(e.SellerId, "거래를 거절했습니다.", "You declined the trade."),
            nameof(TradeCanceled) => told
                .To(e.UserId, $"거래가 취소되었습니다{because.Korean}. 결제하신 금액은 돌려 드립니다.", $"The trade was cancelled{because.English}. What you paid is returned.")
                .To(e.SellerId, $"거래가 취소되었습니다{because.Korean}.", $"The trade was cancelled{because.English}."),
            nameof(TradeDisputed) => told.To(
                [e.UserId, e.SellerId], "분쟁이 접수되었습니다. 해결될 때까지 대금은 보관됩니다.", "A dispute was opened. The money is kept safe until it is settled."),
            nameof(TradeResolved) when refund => told.To(
                [e.UserId, e.SellerId], "분쟁이 해결되었습니다. 대금은 구매자에게 환불됩니다.", "The dispute is settled. The money goes back to the buyer."),
            nameof(TradeResolved) => told.To(
                [e.UserId, e.SellerId], "분쟁이 해결되었습니다. 대금은 판매자에게 정산됩니다.", "The dispute is settled. The money goes to the seller."),
            _ => [],
        };
    }

    // A card that was never asked has declined nothing.
    public static IReadOnlyList<Notice> Of(PaymentEvent e) => e is { EventType: nameof(PaymentDeclined), Reason: not ("not-received" or "reservation-dead") }
        ? new Told(e, null, e.ReservationId, e.Status)
            .To(e.UserId, "결제가 거절되었습니다. 다른 결제 수단으로 다시 시도해 주세요.", "The payment was declined. Please try again with another means of payment.")
        : [];

    private static Told Ended(ReserveEvent e, Told told, params IEnumerable<string?> addressees)
    {
        var because = Because(e.Reason);
        return e.StatusCode == ReserveStatus.Expired
            ? told.To(addressees, $"예약이 만료되었습니다{because.Korean}.", $"The reservation has expired{because.English}.")
            : told.To(addressees, $"예약이 취소되었습니다{because.Korean}.", $"The reservation was cancelled{because.English}.");
    }

    /// <summary>When two meet: a day, or a time of day; without an offset it is the time in Korea.</summary>
    private static (string Korean, string English) Meeting(string? when) =>
        DateOnly.TryParseExact(when, "yyyy-MM-dd", out var day) ? (day.ToString("yyyy'년 'M'월 'd'일'", CultureInfo.InvariantCulture), day.ToString("d MMM yyyy", CultureInfo.InvariantCulture))
        : DateTime.TryParse(when, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local) && local.Kind == DateTimeKind.Unspecified ? Moment(new(local, Korea))
        : DateTimeOffset.TryParse(when, CultureInfo.InvariantCulture, out var at) ? Moment(at)
        : (when ?? "", when ?? "");

    /// <summary>A time of day in Korea, as people say it in either language.</summary>
    private static (string Korean, string English) Moment(DateTimeOffset? at)
    {
        if (at?.ToOffset(Korea) is not { } moment)
        {
            return ("기한", "the deadline");
        }

        return (moment.ToString("M'월 'd'일 'HH':'mm", CultureInfo.InvariantCulture), moment.ToString("d MMM HH':'mm", CultureInfo.InvariantCulture));
    }

    // A code that has no words here yet is left out: nobody should have to read it.
    private static (string Korean, string English) Because(string? reason) => Words(reason) is var (korean, english) ? ($" ({korean})", $" ({english})") : ("", "");

    private static (string Korean, string English)? Words(string? reason) => reason switch
    {
        "by-buyer" => ("구매자 요청", "asked by the buyer"),
        "asked-by-reservation" or "reservation-cancelled" => ("예약 취소", "the reservation was cancelled"),
        "by-seller" => ("판매자 요청", "asked by the seller"),
        "payment-timeout" => ("결제 시간 지남", "not paid in time"),
        "payment-void" => ("결제 승인 취소", "the payment was voided"),
        "payment-expired" or "authorisation-expired" => ("결제 승인 만료", "the authorisation expired"),
        "date-passed" or "past-date" => ("약속한 날이 지남", "the day has passed"),
        "withdrawn" or "not-on-sale" => ("판매 중단", "no longer for sale"),
        "units-taken-back" => ("판매자가 수량을 줄임", "the seller took units back"),
        "sold-out" => ("모두 판매됨", "sold out"),
        "queue-full" => ("대기 인원이 가득 참", "the queue is full"),
        "own-listing" => ("본인이 올린 상품", "your own listing"),
        "unknown-product" => ("찾을 수 없는 상품", "unknown product"),
        "price-changed" => ("가격이 바뀜", "the price changed"),
        "price-required" => ("가격이 정해지지 않음", "no price was named"),
        "already-handed-over" => ("이미 인수인계됨", "already handed over"),
        "trade-cancelled" => ("거래 취소", "the trade was cancelled"),
        "dispute-refunded" => ("분쟁 환불", "refunded in a dispute"),
        "declined-by-seller" => ("판매자 거절", "declined by the seller"),
        "accept-timeout" => ("수락 시간 지남", "not accepted in time"),
        "capture-refused" => ("결제 실패", "the payment failed"),
        "stock-mismatch" => ("재고 부족", "out of stock"),
        _ => null,
    };

    /// <summary>The notices of one event: at most one for each who is named, under an id that the event and the addressee always give.</summary>
    private sealed class Told(Event e, string? productName, string reservationId, string status) : List<Notice>
    {
        public Told To(IEnumerable<string?> addressees, string korean, string english) => addressees.Aggregate(this, (told, addressee) => told.To(addressee, korean, english));

        public Told To(string? addressee, string korean, string english)
        {
            if (addressee is { Length: > 0 } && !Exists(n => n.UserId == addressee))
            {
                Add(new(
                    NumberOf($"{e.Source}:{e.Version}.{e.Part}:{addressee}"), addressee, e.ProductId, productName, status,
                    $"{productName ?? $"상품 {e.ProductId}"}: {korean}", reservationId, e.Timestamp)
                {
                    MessageEn = $"{productName ?? $"Product {e.ProductId}"}: {english}",
                });
            }

            return this;
        }
    }
}
