using System.Text.Json;
using SecondhandTrade.Contracts;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Every event as it goes over the wire, frozen: contracts only grow, so a line may get longer but nothing in it may change.</summary>
public sealed class WireSamples(ITestOutputHelper output)
{
    private static readonly JsonSerializerOptions Json = Wire.Options();

    private static readonly DateTimeOffset At = new(2027, 4, 4, 9, 30, 0, TimeSpan.Zero);

    /// <summary>Every event there is.</summary>
    internal static IEnumerable<Type> Types =>
        typeof(Event).Assembly.GetTypes().Where(t => t.IsSealed && t.IsAssignableTo(typeof(Event))).OrderBy(t => t.BaseType!.Name, StringComparer.Ordinal).ThenBy(t => t.Name, StringComparer.Ordinal);

    private static IReadOnlyList<string> Frozen => Repository.Lines(Samples).Split('\n');

    [Fact]
    public void Every_event_goes_over_the_wire_as_it_always_did()
    {
        var lines = Types.Select(t => JsonSerializer.Serialize(Sample(t), Json.GetTypeInfo(t))).ToList();
        output.WriteLine(string.Join('\n', lines));
        Assert.Equal(Frozen, lines);
    }

    [Fact]
    public void Every_event_comes_back_as_it_went() => Assert.All(
        Types.Zip(Frozen), s => Assert.Equal($"{Sample(s.First)}", $"{JsonSerializer.Deserialize(s.Second, Json.GetTypeInfo(s.First))}"));

    [Fact]
    public void Who_reads_an_event_as_what_it_is_a_snapshot_of_still_knows_its_name() => Assert.All(
        Types.Zip(Frozen).Where(s => s.First.BaseType != typeof(Event)), s =>
        {
            var read = (Event)JsonSerializer.Deserialize(s.Second, Json.GetTypeInfo(s.First.BaseType!))!;
            Assert.Equal((s.First.Name, Sample(s.First).Source, 12L, 1, 12_000_001L), (read.EventType, read.Source, read.Version, read.Part, read.Order));
        });

    [Fact]
    public void What_a_newer_publisher_adds_is_let_pass() => Assert.All(
        Types.Zip(Frozen), s => Assert.Equal($"{Sample(s.First)}", $"{JsonSerializer.Deserialize(s.Second.Replace("{", """{"added":{"later":[1,null]},""", StringComparison.Ordinal), Json.GetTypeInfo(s.First))}"));

    [Fact]
    public void Numbers_and_truth_may_come_as_text_and_ids_as_numbers()
    {
        var read = JsonSerializer.Deserialize<ReserveHeld>(
            """{"id":1,"productid":9007199254740991,"userid":7,"qty":"2","price":"50000","version":"12","part":"1","instant":"false","promoted":"True","position":"3","statusCode":"HELD"}""", Json)!;
        Assert.Equal(
            ("1", "9007199254740991", "7", 2, 50_000L, 12L, 1, false, true, 3, ReserveStatus.Held),
            (read.Id, read.ProductId, read.UserId, read.Qty, read.Price, read.Version, read.Part, read.Instant, read.Promoted, read.Position, read.StatusCode));
    }

    [Theory]
    [InlineData("""{"qty":"두 개"}""")]
    [InlineData("""{"qty":1.5}""")]
    [InlineData("""{"qty":true}""")]
    [InlineData("""{"qty":99999999999}""")]
    [InlineData("""{"id":1.5}""")]
    [InlineData("""{"id":{}}""")]
    [InlineData("""{"id":true}""")]
    [InlineData("""{"instant":"yes"}""")]
    [InlineData("""{"instant":1}""")]
    [InlineData("""{"statusCode":"SOMEWHERE"}""")]
    public void What_is_of_another_kind_is_not_read(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<ReserveHeld>(json, Json));

    [Fact]
    public void Korean_is_not_escaped_and_what_is_absent_is_not_written()
    {
        var json = JsonSerializer.Serialize(new NoticeCreated { Id = "1", UserId = "철수", Status = "예약완료", Message = "자전거 <새것> & 헬멧" }, Json);
        Assert.Contains("\"철수\"", json, StringComparison.Ordinal);
        Assert.Contains("자전거", json, StringComparison.Ordinal);
        Assert.DoesNotContain("null", json, StringComparison.Ordinal);
        Assert.Equal("자전거 <새것> & 헬멧", JsonSerializer.Deserialize<NoticeCreated>(json, Json)!.Message);
    }

    [Fact]
    public void Every_status_reads_in_Korean_as_the_seed_has_it()
    {
        var names = string.Join('\n', All<ReserveStatus>(s => s.Korean()), All<TradeStatus>(s => s.Korean()), All<PaymentStatus>(s => s.Korean()), All<InventoryStatus>(s => s.Korean()), All<NoticeStatus>(s => s.Korean()));
        Assert.Equal(Repository.Lines(Korean), names);
        Assert.Equal("예약취소로 거래취소", TradeStatus.Cancelled.Korean(byReservation: true));
    }

    private static string All<TStatus>(Func<TStatus, string> korean)
        where TStatus : struct, Enum => string.Join(" · ", Enum.GetValues<TStatus>().Select(s => $"{StateTable.Code<TStatus>(s)} {korean(s)}"));

    /// <summary>An event of the type with something in every field.</summary>
    internal static Event Sample(Type type) => (Event)Activator.CreateInstance(type)! switch
    {
        ListingEvent e => Stamp(e) with
        {
            ProductName = "자전거",
            SellerId = "영희",
            Qty = 2,
            Supplied = 3,
            Price = 50_000,
            Instant = false,
            StatusCode = InventoryStatus.Reserved,
            TradeId = "r-1",
            Reason = "없음",
        },
        ReserveEvent e => Stamp(e) with
        {
            ProductName = "자전거",
            UserId = "철수",
            SellerId = "영희",
            Qty = 1,
            Price = 50_000,
            ReserveDt = "2027-04-04",
            Address = "역 앞",
            Instant = false,
            StatusCode = ReserveStatus.Held,
            Position = 3,
            PayBy = At.AddMinutes(15),
            PaymentId = "r-1",
            Promoted = true,
            Reason = "없음",
        },
        PaymentEvent e => Stamp(e) with { ReservationId = "r-1", UserId = "철수", Amount = 50_000, StatusCode = PaymentStatus.Captured, TradeId = "r-1", Reason = "없음" },
        TradeResolved e => Trade(e) with { Refund = true },
        TradeEvent e => Trade(e),
        NoticeCreated e => Stamp(e) with { UserId = "철수", ProductName = "자전거", Status = "예약중", Message = "15분 안에 결제하세요.", ReservationId = "r-1" },
        var other => throw new InvalidOperationException($"{other.EventType} has no sample yet."),
    };

    private static T Trade<T>(T e)
        where T : TradeEvent => (T)(Stamp(e) with
        {
            ProductName = "자전거",
            UserId = "철수",
            SellerId = "영희",
            Qty = 1,
            Price = 50_000,
            ReserveDt = "2027-04-04",
            Address = "역 앞",
            PaymentId = "r-1",
            StatusCode = TradeStatus.Cancelled,
            ByReservation = true,
            AcceptBy = At.AddDays(1),
            CompleteBy = At.AddDays(3),
            Reason = "없음",
        });

    private static T Stamp<T>(T e)
        where T : Event => (T)(e with { Timestamp = At, Id = Named(e).Id, ProductId = "p-1", Source = Named(e).Source, Version = 12, Part = 1 });

    // A reservation and its payment, trade and notices are one another's by id; a book and a listing are a product's.
    private static (string Id, string Source) Named(Event e) => e switch
    {
        ListingEvent => ("i-1", "stock:p-1"),
        ReserveEvent => ("r-1", "reservation:p-1"),
        PaymentEvent => ("r-1", "payment:r-1"),
        TradeEvent => ("r-1", "trade:r-1"),
        _ => ("n-1", "notification:n-1"),
    };

    private const string Korean = """
        REQUESTED 예약접수 · WAITLISTED 예약대기 · HELD 예약중 · CONFIRMED 예약완료 · CANCEL_PENDING 취소처리중 · CANCELLED 예약취소 · EXPIRED 예약만료 · REJECTED 예약불가 · FULFILLED 거래완료
        DRAFT 거래준비중 · REFUSED 거래불가 · AWAITING_SELLER 판매자수락대기 · IN_PROGRESS 거래 진행중 · HANDED_OVER 인수인계 · COMPLETED 거래완료 · DECLINED 판매자거절 · CANCELLED 거래취소 · DISPUTED 분쟁중 · RESOLVED 분쟁해결
        PENDING 결제대기 · AUTHORIZED 결제승인 · CLAIMED 거래연결 · CAPTURED 결제보관 · RELEASED 정산완료 · VOIDED 승인취소 · REFUNDED 환불완료 · DECLINED 결제거절 · EXPIRED 승인만료 · UNKNOWN 결제확인중
        ON_SALE 판매중 · RESERVED 예약중 · SOLD 거래완료 · HIDDEN 숨김 · WITHDRAWN 판매중단
        UNREAD 안읽음 · READ 읽음
        """;

    private const string Samples = """
        {"userid":"철수","productname":"자전거","status":"예약중","message":"15분 안에 결제하세요.","reservationid":"r-1","correlationid":"r-1","eventType":"NoticeCreated","timestamp":"2027-04-04T09:30:00+00:00","id":"n-1","productid":"p-1","source":"notification:n-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"ListingChanged","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"ListingRegistered","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"ListingWithdrawn","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"StockCommitted","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"StockDecreaseRejected","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"StockDecreased","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"productname":"자전거","sellerid":"영희","qty":2,"supplied":3,"price":50000,"instant":false,"statusCode":"RESERVED","status":"예약중","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"StockRestored","timestamp":"2027-04-04T09:30:00+00:00","id":"i-1","productid":"p-1","source":"stock:p-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentAuthorized","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentCaptureRefused","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentCaptured","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentClaimed","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentDeclined","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentExpired","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentRefunded","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentReleased","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentUnknown","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"reservationid":"r-1","userid":"철수","amount":50000,"statusCode":"CAPTURED","status":"결제보관","tradeid":"r-1","reason":"없음","correlationid":"r-1","eventType":"PaymentVoided","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"payment:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveCancelRefused","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveCancelRequested","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveCanceled","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveCompleted","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveFulfilled","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveHeld","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveHoldExtended","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReservePayable","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveRejected","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveRequested","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","instant":false,"statusCode":"HELD","status":"예약중","position":3,"payBy":"2027-04-04T09:45:00+00:00","paymentid":"r-1","promoted":true,"reason":"없음","correlationid":"r-1","eventType":"ReserveWaitlisted","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"reservation:p-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeAccepted","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeCancelRefused","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeCanceled","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeCompleted","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeDeferred","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeDisputed","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeHandedOver","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeOpened","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeRefused","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        {"refund":true,"productname":"자전거","userid":"철수","sellerid":"영희","qty":1,"price":50000,"reserveDt":"2027-04-04","address":"역 앞","paymentid":"r-1","statusCode":"CANCELLED","byReservation":true,"status":"예약취소로 거래취소","acceptBy":"2027-04-05T09:30:00+00:00","completeBy":"2027-04-07T09:30:00+00:00","reason":"없음","correlationid":"r-1","eventType":"TradeResolved","timestamp":"2027-04-04T09:30:00+00:00","id":"r-1","productid":"p-1","source":"trade:r-1","version":12,"part":1}
        """;
}
