using System.Text.Json;
using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.MyPages;
using Xunit;

namespace SecondhandTrade.UnitTests;

public class MyPageTests
{
    private static readonly JsonSerializerOptions Json = Wire.Options(MyPageJson.Default);
    private static readonly DateTimeOffset Noon = new(2027, 4, 4, 12, 0, 0, TimeSpan.FromHours(9));

    private static readonly Heard[] Journey =
    [
        Heard.Of(Reserve(new ReserveRequested { StatusCode = ReserveStatus.Requested }, 1, 1)),
        Heard.Of(Reserve(new ReserveWaitlisted { StatusCode = ReserveStatus.Waitlisted, Position = 1 }, 1, 2)),
        Heard.Of(Reserve(new ReserveHeld { StatusCode = ReserveStatus.Held, Promoted = true, PayBy = Noon.AddMinutes(30) }, 7, 2)),
        Heard.Of(Payment(new PaymentAuthorized { StatusCode = PaymentStatus.Authorized }, 2)),
        Heard.Of(Reserve(new ReserveCompleted { StatusCode = ReserveStatus.Confirmed, PaymentId = "1" }, 9, 1)),
        Heard.Of(Payment(new PaymentClaimed { StatusCode = PaymentStatus.Claimed }, 3)),
        Heard.Of(Trade(new TradeOpened { StatusCode = TradeStatus.AwaitingSeller }, 2)),
        Heard.Of(Trade(new TradeAccepted { StatusCode = TradeStatus.InProgress }, 3)),
        Heard.Of(Reserve(new ReserveCancelRequested { StatusCode = ReserveStatus.CancelPending, Reason = "by-buyer" }, 12, 1)),
        Heard.Of(Trade(new TradeCanceled { StatusCode = TradeStatus.Cancelled, ByReservation = true, Reason = "by-buyer" }, 4)),
        Heard.Of(Payment(new PaymentRefunded { StatusCode = PaymentStatus.Refunded }, 4)),
        Heard.Of(Reserve(new ReserveCanceled { StatusCode = ReserveStatus.Cancelled, Reason = "by-buyer" }, 13, 1)),
    ];

    [Fact]
    public void Any_order_and_any_repetition_of_the_events_gives_the_same_row()
    {
        var expected = Shown(Journey);
        var deliveries =
            from again in Gen.Int[0, Journey.Length - 1].Array[0, 20]
            from order in Gen.Shuffle(Journey.Concat(again.Select(i => Journey[i])).ToArray())
            select order;

        deliveries.Sample(order => Shown(order) == expected);
    }

    [Fact]
    public void However_the_clocks_went_each_source_keeps_its_order_and_nothing_depends_on_the_order_of_arrival()
    {
        // Few minutes, so that many events share one.
        var clocks =
            from minutes in Gen.Int[0, 3].Array[Journey.Length]
            let told = Journey.Select((e, at) => e with { At = Noon.AddMinutes(minutes[at]) }).ToArray()
            from order in Gen.Shuffle(told.ToArray())
            select (Told: told, Order: order);

        clocks.Sample(heard => Shown(heard.Order) == Shown(heard.Told)
            && Fold(heard.Order).Events.GroupBy(e => e.Source).All(source => source.Select(e => e.Order).SequenceEqual(source.Select(e => e.Order).Order())));
    }

    [Fact]
    public void What_happens_in_one_instant_is_told_with_the_cause_before_what_it_brought_about()
    {
        var instant = Journey.Select(e => e with { At = Noon }).Reverse().ToArray();
        Assert.Equal(
            [
                "ReserveRequested", "ReserveWaitlisted", "ReserveHeld", "PaymentAuthorized", "ReserveCompleted", "PaymentClaimed", "TradeOpened", "TradeAccepted",
                "ReserveCancelRequested", "TradeCanceled", "PaymentRefunded", "ReserveCanceled",
            ],
            Fold(instant).Events.Select(e => e.EventType));
    }

    [Fact]
    public void The_timeline_says_whose_doing_it_was_where_the_event_does()
    {
        string? By(Heard e) => TimelineEntry.Of(e).By;
        Assert.Equal(["BUYER", "TOWN", "TOWN", "TOWN", "TOWN", "TOWN", "TOWN", null, "BUYER", "BUYER", "TOWN", "BUYER"], Journey.Select(By));
        Assert.Equal("SELLER", By(Heard.Of(Trade(new TradeCanceled { Reason = "declined-by-seller" }, 4))));
        Assert.Equal(("BUYER", "TOWN"), (By(Heard.Of(Trade(new TradeCompleted(), 5))), By(Heard.Of(Trade(new TradeCompleted { Reason = "not-objected" }, 5)))));

        // A reason that people write themselves makes nobody else of them.
        Assert.Equal("BUYER", By(Heard.Of(Trade(new TradeDisputed { Reason = "by-seller" }, 5))));
    }

    [Fact]
    public void What_was_heard_so_far_makes_the_same_row_whichever_part_of_it_came_first()
    {
        var some =
            from count in Gen.Int[1, Journey.Length]
            from chosen in Gen.Shuffle(Journey)
            from order in Gen.Shuffle(chosen[..count])
            select (InTime: chosen[..count].OrderBy(e => Array.IndexOf(Journey, e)).ToArray(), Order: order);

        some.Sample(heard => Shown(heard.Order) == Shown(heard.InTime));
    }

    [Fact]
    public void An_older_event_that_comes_late_enters_the_timeline_and_leaves_the_status()
    {
        var row = Fold([Journey[4], Journey[2]]);

        Assert.Equal(("예약완료", ReserveStatus.Confirmed), (row.Status, row.ReserveStatusCode));
        Assert.Null(row.PayBy);
        Assert.Equal(["ReserveHeld", "ReserveCompleted"], row.Events.Select(e => e.EventType));
    }

    [Fact]
    public void An_event_heard_before_leaves_the_very_same_row()
    {
        var row = Fold(Journey);

        Assert.Same(row, row.Hear(Journey[3]));
    }

    [Fact]
    public void The_row_remembers_how_far_each_source_has_come()
    {
        Assert.Equal(
            new Dictionary<string, long> { ["payment:1"] = 4_000_001, ["reservation:100"] = 13_000_001, ["trade:1"] = 4_000_001 },
            Fold(Journey).Watermarks.ToDictionary());
    }

    [Fact]
    public void A_row_kept_and_read_again_hears_on_as_if_it_had_never_been_away()
    {
        var row = new MyPageRow("1");
        foreach (var e in Journey)
        {
            row = JsonSerializer.Deserialize<MyPageRow>(JsonSerializer.Serialize(row.Hear(e), Json), Json)!;
        }

        Assert.Equal(Shown(Journey), JsonSerializer.Serialize(row, Json));
    }

    [Theory]
    [InlineData(1, "예약접수")]
    [InlineData(2, "예약대기")]
    [InlineData(3, "예약중")]
    [InlineData(5, "예약완료")]
    [InlineData(7, "판매자수락대기")]
    [InlineData(8, "거래 진행중")]
    [InlineData(9, "취소처리중")]
    [InlineData(10, "예약취소로 거래취소")]
    [InlineData(12, "예약취소로 거래취소")]
    public void The_status_is_the_one_a_person_wants_to_see(int heard, string status)
    {
        Assert.Equal(status, Fold(Journey[..heard]).Status);
    }

    [Fact]
    public void A_claim_that_was_refused_is_no_trade_on_my_page()
    {
        var row = Fold([Journey[4], Heard.Of(Trade(new TradeRefused { StatusCode = TradeStatus.Refused, Reason = "VOIDED" }, 2))]);

        Assert.Null(row.TradeStatusCode);
        Assert.Equal("예약완료", row.Status);
    }

    [Theory]
    [InlineData(7, null)]
    [InlineData(8, "서울역")]
    [InlineData(10, null)]
    public void The_place_to_meet_is_shown_only_while_the_trade_is_accepted(int heard, string? address)
    {
        var row = Fold(Journey[..heard]);

        Assert.Equal(address, row.Address);
        Assert.Equal(address is not null || heard > 8, JsonSerializer.Serialize(row, Json).Contains("서울역", StringComparison.Ordinal));
    }

    private static MyPageRow Fold(Heard[] events) => events.Aggregate(new MyPageRow("1"), (row, e) => row.Hear(e));

    private static string Shown(Heard[] events) => JsonSerializer.Serialize(Fold(events), Json);

    private static ReserveEvent Reserve(ReserveEvent e, long version, int part) => e with
    {
        Id = "1",
        ProductId = "100",
        Source = "reservation:100",
        Version = version,
        Part = part,
        Timestamp = Noon.AddMinutes(version),
        ProductName = "애플워치",
        UserId = "abc",
        SellerId = "seller",
        Qty = 1,
        Price = 300_000,
        ReserveDt = "2027-04-05",
        Address = "서울역",
    };

    private static TradeEvent Trade(TradeEvent e, long version) => e with
    {
        Id = "1",
        ProductId = "100",
        Source = "trade:1",
        Version = version,
        Part = 1,
        Timestamp = Noon.AddMinutes(version * 4),
        ProductName = "애플워치",
        UserId = "abc",
        SellerId = "seller",
        Qty = 1,
        Price = 300_000,
        ReserveDt = "2027-04-05",
        Address = "서울역",
        PaymentId = "1",
    };

    private static PaymentEvent Payment(PaymentEvent e, long version) => e with
    {
        Id = "1",
        ReservationId = "1",
        ProductId = "100",
        Source = "payment:1",
        Version = version,
        Part = 1,
        Timestamp = Noon.AddMinutes(version * 4),
        UserId = "abc",
        Amount = 300_000,
    };
}
