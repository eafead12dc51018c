using System.Text;
using SecondhandTrade.Contracts;
using SecondhandTrade.Notifications;
using Xunit;

namespace SecondhandTrade.UnitTests;

public class NoticeTests
{
    private static readonly DateTimeOffset Noon = new(2027, 4, 4, 12, 0, 0, TimeSpan.FromHours(9));

    [Fact]
    public void One_who_waits_is_told_the_place_in_the_queue()
    {
        var notice = Assert.Single(Notices.Of(About(new ReserveWaitlisted { StatusCode = ReserveStatus.Waitlisted, Position = 3 })));

        Assert.Equal(("abc", "예약대기", "1"), (notice.UserId, notice.Status, notice.ReservationId));
        Assert.Contains("3번째", notice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_whose_turn_has_come_is_told_until_when_to_pay_by_the_clock_in_Korea()
    {
        var notice = Assert.Single(Notices.Of(About(new ReserveHeld { StatusCode = ReserveStatus.Held, Promoted = true, PayBy = Noon.AddMinutes(30).ToUniversalTime() })));

        Assert.Equal("애플워치: 기다리던 차례가 왔습니다. 4월 4일 12:30까지 결제해 주세요.", notice.Message);
        Assert.Equal("애플워치: It is your turn. Please pay by 4 Apr 12:30.", notice.MessageEn);
    }

    [Fact]
    public void A_paid_reservation_is_told_to_both()
    {
        var notices = Notices.Of(About(new ReserveCompleted { StatusCode = ReserveStatus.Confirmed, PaymentId = "1" }));

        Assert.Equal(["abc", "seller"], notices.Select(n => n.UserId));
        Assert.All(notices, n => Assert.Equal("예약완료", n.Status));
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData("1", 2)]
    public void The_seller_hears_of_an_end_only_where_it_had_been_paid(string? paymentId, int addressees)
    {
        Assert.Equal(addressees, Notices.Of(About(new ReserveCanceled { StatusCode = ReserveStatus.Cancelled, PaymentId = paymentId, Reason = "by-buyer" })).Count);
    }

    [Fact]
    public void A_listing_that_belongs_to_nobody_has_no_seller_to_tell()
    {
        Assert.Single(Notices.Of(About(new ReserveCompleted { StatusCode = ReserveStatus.Confirmed }) with { SellerId = null }));
    }

    [Theory]
    [InlineData("payment-timeout", "애플워치: 예약이 만료되었습니다 (결제 시간 지남).", "애플워치: The reservation has expired (not paid in time).")]
    [InlineData("some-new-code", "애플워치: 예약이 만료되었습니다.", "애플워치: The reservation has expired.")]
    public void A_reason_is_told_in_words_or_not_at_all(string code, string korean, string english)
    {
        var notice = Notices.Of(About(new ReserveCanceled { StatusCode = ReserveStatus.Expired, Reason = code }))[0];

        Assert.Equal((korean, english), (notice.Message, notice.MessageEn));
    }

    [Fact]
    public void Every_event_of_a_reservation_but_its_request_has_a_notice_for_the_buyer()
    {
        var events = typeof(ReserveEvent).Assembly.GetTypes().Where(t => t.BaseType == typeof(ReserveEvent)).Select(t => (ReserveEvent)Activator.CreateInstance(t)!);

        foreach (var e in events)
        {
            var told = Notices.Of(About(e)).Count(n => n.UserId == "abc");
            Assert.True(told == (e is ReserveRequested ? 0 : 1), $"{e.EventType} tells the buyer {told} times");
        }
    }

    [Fact]
    public void Every_status_that_a_trade_can_come_to_is_told_to_both()
    {
        TradeEvent[] changes =
        [
            new TradeOpened { StatusCode = TradeStatus.AwaitingSeller }, new TradeAccepted { StatusCode = TradeStatus.InProgress },
            new TradeHandedOver { StatusCode = TradeStatus.HandedOver }, new TradeCompleted { StatusCode = TradeStatus.Completed }, new TradeCanceled { StatusCode = TradeStatus.Cancelled },
            new TradeCanceled { StatusCode = TradeStatus.Declined }, new TradeDisputed { StatusCode = TradeStatus.Disputed }, new TradeResolved { StatusCode = TradeStatus.Resolved },
        ];

        foreach (var e in changes)
        {
            var notices = Notices.Of(e with { Id = "1", Source = "trade:1", Version = 2, Part = 1, UserId = "abc", SellerId = "seller" });
            Assert.Equal(["abc", "seller"], notices.Select(n => n.UserId));
            Assert.All(notices, n => Assert.Equal(e.Status, n.Status));
        }
    }

    [Fact]
    public void A_trade_that_opens_accepted_is_told_once()
    {
        TradeEvent[] batch = [new TradeOpened(), new TradeAccepted()];

        Assert.Equal(["abc", "seller"], batch.SelectMany(e => Notices.Of(e with { StatusCode = TradeStatus.InProgress, UserId = "abc", SellerId = "seller" })).Select(n => n.UserId));
    }

    [Theory]
    [InlineData("2027-04-04", "2027년 4월 4일", "4 Apr 2027")]
    [InlineData("2027-04-04 18:30", "4월 4일 18:30", "4 Apr 18:30")]
    [InlineData("2027-04-04T18:30:00", "4월 4일 18:30", "4 Apr 18:30")]
    [InlineData("2027-04-04T09:30:00Z", "4월 4일 18:30", "4 Apr 18:30")]
    public void When_to_meet_is_told_by_the_clock_in_Korea(string said, string korean, string english)
    {
        var notice = Notices.Of(new TradeAccepted { StatusCode = TradeStatus.InProgress, UserId = "abc", ReserveDt = said, Address = "방배역" })[0];

        Assert.EndsWith($"만날 때: {korean}, 만날 곳: 방배역.", notice.Message, StringComparison.Ordinal);
        Assert.EndsWith($"When to meet: {english}, where: 방배역.", notice.MessageEn, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("123456789", true)]
    [InlineData("u0-first", true)]
    [InlineData("1234567890", false)]
    [InlineData("9007199254740991", false)]
    public void A_client_cannot_name_the_number_of_an_events_notice(string id, bool may) =>
        Assert.Equal(may, new WriteNotice(id, "100", "abc", null, null, null, null).Wrong() is null);

    [Fact]
    public void A_settled_dispute_says_where_the_money_goes()
    {
        var resolved = new TradeResolved { StatusCode = TradeStatus.Resolved, UserId = "abc" };

        Assert.Contains("환불", Notices.Of(resolved, refund: true)[0].Message, StringComparison.Ordinal);
        Assert.Contains("정산", Notices.Of(resolved)[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_payment_only_a_no_is_told()
    {
        var declined = new PaymentDeclined { StatusCode = PaymentStatus.Declined, UserId = "abc", ReservationId = "1", ProductId = "100" };

        Assert.Equal("결제거절", Assert.Single(Notices.Of(declined)).Status);
        Assert.Empty(Notices.Of(new PaymentAuthorized { StatusCode = PaymentStatus.Authorized, UserId = "abc" }));
    }

    [Fact]
    public void The_same_event_gives_the_same_ids_and_no_other_event_or_addressee_does()
    {
        var e = About(new ReserveCompleted { StatusCode = ReserveStatus.Confirmed });
        var ids = new[] { e, e with { Version = 8 }, e with { Part = 2 }, e with { Source = "reservation:101" } }.SelectMany(x => Notices.Of(x)).Select(n => n.Id).ToList();

        Assert.Equal(ids[..2], Notices.Of(e with { }).Select(n => n.Id));
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, id => Assert.InRange(long.Parse(id), 0, (1L << 53) - 1));
    }

    [Fact]
    public void The_line_of_the_seed_makes_a_notice_and_the_same_line_says_the_same()
    {
        var line = new WriteNotice("1", "100", "abc", "애플워치", "예약완료", null, null);
        var (first, again) = (line.Open("1", Noon), line.Open("1", Noon.AddHours(1)));

        Assert.Null(line.Wrong());
        Assert.True(first.Read(Noon).SaysTheSame(again));
        Assert.False(first.SaysTheSame((line with { Status = "예약취소" }).Open("1", Noon)));
    }

    [Fact]
    public void A_notice_is_read_once()
    {
        var read = new WriteNotice("1", "100", "abc", null, null, null, null).Open("1", Noon).Read(Noon);

        Assert.Equal((NoticeStatus.Read, 2), (read.StatusCode, read.Version));
        Assert.Same(read, read.Read(Noon.AddHours(1)));
    }

    [Fact]
    public void A_dead_letter_keeps_its_bytes_and_knows_where_it_came_from()
    {
        var raw = """{"id":"stock:100:3.1","type":"ListingChanged","topic":"stock","data":{"productid":"100"}}"""u8.ToArray();
        var letter = DeadLetter.Of("reservation", null, raw, Noon);

        Assert.Equal(("stock", "stock:100:3.1", "ListingChanged", "100"), (letter.Topic, letter.EventId, letter.Type, letter.Key));
        Assert.Same(raw, letter.Raw);
        Assert.Equal(letter.Id, DeadLetter.Of("reservation", "100", raw, Noon.AddHours(1)).Id);
        Assert.NotEqual(letter.Id, DeadLetter.Of("mypage", null, raw, Noon).Id);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[1]")]
    [InlineData("")]
    public void A_dead_letter_that_is_no_event_is_kept_all_the_same(string body)
    {
        var letter = DeadLetter.Of("stock", "100", Encoding.UTF8.GetBytes(body), Noon);

        Assert.Equal((null, null, "100"), (letter.Topic, letter.EventId, letter.Key));
    }

    private static ReserveEvent About(ReserveEvent e) => e with
    {
        Id = "1",
        ProductId = "100",
        Source = "reservation:100",
        Version = 7,
        Part = 1,
        Timestamp = Noon,
        ProductName = "애플워치",
        UserId = "abc",
        SellerId = "seller",
        Qty = 1,
        Price = 300_000,
    };
}
