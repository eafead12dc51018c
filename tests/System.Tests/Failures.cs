using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;

namespace SecondhandTrade.SystemTests;

/// <summary>What happens when something does not work: nothing is lost, nothing is sold twice, and people are told.</summary>
public sealed class Failures
{
    [Fact]
    public async Task Money_that_only_the_provider_knows_of_is_found()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Settle();
        await Verify.Holds(town);
        var provider = town.Service<IPaymentProvider>("payment");
        await provider.Authorise("forgotten-1", "abc", 1000, CancellationToken.None);
        Assert.Empty(await Found());

        await provider.Capture("forgotten-1", CancellationToken.None);
        var difference = Assert.Single(await Found())!;
        Assert.Equal(("forgotten", "unknown", "captured"), ($"{difference["key"]}", $"{difference["ours"]}", $"{difference["theirs"]}"));

        await provider.Refund("forgotten-1", CancellationToken.None);
        Assert.Empty(await Found());

        async Task<JsonArray> Found() => (await town.Send(HttpMethod.Get, "/payments/reconciliation", app: "payment")).Body!["differences"]!.AsArray();
    }

    [Fact]
    public async Task A_payout_whose_answer_is_still_awaited_is_no_difference_in_the_books()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Reserve("1", "100", "abc");
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Provider("lose-answer");
        await town.Put("/trades/1/complete");
        await town.Settle();
        Assert.Equal(("결제보관", "released"), ((await town.Get("/payments/1"))["status"], (await town.Service<IPaymentProvider>("payment").Records(CancellationToken.None)).Single().Value));

        var books = (await town.Send(HttpMethod.Get, "/payments/reconciliation", app: "payment")).Body!;

        Assert.Empty(books["differences"]!.AsArray());
    }

    [Fact]
    public async Task With_payment_slow_a_buyer_is_told_to_pay_later_and_can()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("slow");

        var asked = town.Clock.GetUtcNow();
        var answer = await town.TurnUntil(town.Reserve("1", "100", "abc"));

        Assert.True(town.Clock.GetUtcNow() - asked < TimeSpan.FromSeconds(3), $"It took {town.Clock.GetUtcNow() - asked}.");
        Assert.Equal((HttpStatusCode.Accepted, "예약중"), (answer.Code, answer["status"]));
        Assert.NotNull(answer.Response.Headers.RetryAfter);
        Assert.Contains("pay", answer.Links);
        await town.Turn(TimeSpan.FromSeconds(20));
        await town.Provider("ok");
        Assert.Equal("예약완료", (await town.Put("/reserves/1/pay"))["status"]);
        await town.Settle();
        Assert.Equal("거래 진행중", (await town.Get("/trades/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task With_payment_stopped_reserving_goes_on_and_a_notice_says_when_one_can_pay()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Stop("payment");

        var answer = await town.TurnUntil(town.Reserve("1", "100", "abc"));
        Assert.Equal((HttpStatusCode.Accepted, "예약중"), (answer.Code, answer["status"]));
        await town.Start("payment");
        await town.Turn(TimeSpan.FromMinutes(2));

        var told = (await town.Get("/notices?userid=abc&size=100")).List("notices").Select(n => $"{n!["message"]}").ToList();
        Assert.Contains(told, m => m.Contains("이제 결제할 수 있습니다", StringComparison.Ordinal));
        Assert.Equal("예약완료", (await town.Put("/reserves/1/pay"))["status"]);
        await Verify.Holds(town);
    }

    [Theory]
    [InlineData("lose-answer")]
    [InlineData("late")]
    [InlineData("fail")]
    public async Task However_the_providers_answer_goes_astray_the_money_is_found(string mode)
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider(mode);
        var answer = await town.TurnUntil(town.Reserve("1", "100", "abc"));
        Assert.Equal((HttpStatusCode.Accepted, "예약중"), (answer.Code, answer["status"]));

        await town.Provider("ok");
        await town.Turn(TimeSpan.FromMinutes(3));
        if ((await town.Get("/reserves/1"))["status"] == "예약중")
        {
            await town.Put("/reserves/1/pay");
            await town.Settle();
        }

        Assert.Equal("예약완료", (await town.Get("/reserves/1"))["status"]);
        Assert.Equal("결제보관", (await town.Get("/payments/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Money_that_is_authorised_after_the_hold_has_run_out_is_voided()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("lose-answer");
        await town.TurnUntil(town.Reserve("1", "100", "abc"));
        await town.Turn(TimeSpan.FromMinutes(26));
        Assert.Equal("예약만료", (await town.Get("/reserves/1"))["status"]);

        await town.Provider("ok");
        await town.Turn(TimeSpan.FromMinutes(11));

        Assert.Equal("승인취소", (await town.Get("/payments/1"))["status"]);
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get("/trades/1")).Code);
        await Verify.Holds(town);
    }

    [Theory]
    [InlineData("stock")]
    [InlineData("trade")]
    [InlineData("notification")]
    [InlineData("mypage")]
    public async Task With_another_context_stopped_reserving_works_and_it_catches_up(string context)
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 2);
        await town.Stop(context);

        Assert.Equal("예약완료", (await town.Reserve("1", "100", "abc"))["status"]);
        Assert.Equal("예약완료", (await town.Reserve("2", "100", "def"))["status"]);
        var down = await town.TurnUntil(town.Get(context switch { "stock" => "/inventories/100", "trade" => "/trades/1", "notification" => "/notices", _ => "/mypages/1" }));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "context-unavailable"), (down.Code, down.Problem));

        await town.Start(context);
        await town.Settle();

        Assert.Equal("거래 진행중", (await town.Get("/trades/1"))["status"]);
        Assert.Equal("거래 진행중", (await town.Get("/trades/2"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task With_stock_stopped_an_unknown_product_is_taken_in_and_decided_when_word_comes()
    {
        await using var town = await TestTown.Open();
        await town.Stop("reservation");
        await town.Post("/inventories", new { id = "100", qty = 1, productname = "애플워치" });
        await town.Stop("stock");
        await town.Start("reservation");

        // The listing's event waits in the broker; stock itself cannot be asked.
        await town.Settle();
        Assert.Equal("예약완료", (await town.Reserve("1", "100", "abc"))["status"]);

        var unknown = await town.TurnUntil(town.Reserve("2", "999", "abc"));
        Assert.Equal((HttpStatusCode.Accepted, "예약접수"), (unknown.Code, unknown["status"]));
        await town.Turn(TimeSpan.FromMinutes(11));
        Assert.Equal(("예약불가", "unknown-product"), ((await town.Get("/reserves/2"))["status"], (await town.Get("/reserves/2"))["reason"]));
        await town.Start("stock");
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Events_that_a_crash_kept_from_being_published_go_out_after_the_restart()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        town.Faults["reservation"].On = true;
        Assert.Equal("예약완료", (await town.Reserve("1", "100", "abc"))["status"]);
        await town.Settle(seconds: 0);
        await town.Stop("reservation");
        town.Faults["reservation"].On = false;
        Assert.Equal(HttpStatusCode.NotFound, (await town.Get("/trades/1")).Code);

        await town.Start("reservation");
        await town.Turn(TimeSpan.FromSeconds(15));

        Assert.Equal("거래 진행중", (await town.Get("/trades/1"))["status"]);
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Every_event_twice_late_and_out_of_order_changes_nothing()
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 2);
        await town.Reserve("1", "100", "abc");
        await town.Reserve("2", "100", "def");
        await town.Reserve("3", "100", "ghi");
        await town.Settle();
        await town.Put("/reserves/2/reservecancel");
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();
        await town.Put("/trades/1/complete");
        await town.List("200");
        await town.Reserve("9", "200", "abc");
        await town.Settle();
        await town.Put("/reserves/9/reservecancel");
        await town.Settle();
        var before = await Snapshot(town);

        var said = new List<(string Topic, Local.BrokerMessage Message)>();
        foreach (var topic in new[] { "stock", "reservations", "payments", "trades" })
        {
            said.AddRange(town.StandIn.Broker.Read(topic).Select(message => (topic, message)));
        }

        // Newest first, and each twice: as late and as disordered as it can get.
        foreach (var (topic, message) in said.AsEnumerable().Reverse().SelectMany(m => new[] { m, m }))
        {
            town.StandIn.Broker.Append(topic, message.Value, new Dictionary<string, string>(message.Headers) { ["partitionKey"] = message.Key! });
        }

        await town.Settle();
        Assert.Equal(before, await Snapshot(town));
        await Verify.Holds(town);
    }

    [Fact]
    public async Task Two_owners_of_one_product_without_a_lock_never_sell_a_unit_twice()
    {
        await using var town = await TestTown.Open();
        await town.List("100", qty: 3);
        await using var other = ServiceHost.Start<ProductActor>(town.StandIn.Sidecar("reservation"), town.Redis, town.Clock, new Dictionary<string, string>(), new WireFault(), town.Reached);
        Uri[] owners = [town.Address("reservation"), other.Address];
        using var http = new HttpClient();
        var (intake, json) = (town.Service<Intake>("reservation"), town.Service<ServiceIdentity>("reservation").Json);
        var journals = new List<Journal>();
        for (var n = 0; n < 60; n++)
        {
            journals.Add(await intake.Write(new($"r{n}", "100", $"u{n}", null, 1, "2027-04-04", null, 50000)));
        }

        // Straight to the actor's method, past every sidecar: two owners, and many turns at once in each.
        await Task.WhenAll(journals.Select(async (journal, n) =>
        {
            using var body = new StringContent(JsonSerializer.Serialize(journal.Last, json), System.Text.Encoding.UTF8, "application/json");
            using var answer = await http.PutAsync(new Uri(owners[n % 2], "/actors/ProductActor/100/method/Request"), body);
        }));
        await town.Settle();
        await town.Turn(TimeSpan.FromSeconds(30));

        var reserves = (await town.Get("/reserves?productid=100&size=100")).List("reserves");
        Assert.Equal(60, reserves.Count);
        Assert.Equal(3, reserves.Count(r => $"{r!["status"]}" is "예약중" or "예약완료"));
        Assert.Equal(57, reserves.Count(r => $"{r!["status"]}" == "예약대기"));
        await Verify.Holds(town);
    }

    private static async Task<string> Snapshot(TestTown town)
    {
        var all = new List<string>();
        foreach (var path in new[] { "/reserves?size=100&sort=oldest", "/trades?size=100&sort=oldest", "/inventories?size=100", "/mypages?size=100&sort=oldest", "/notices?size=100&sort=oldest", "/payments/1", "/payments/2" })
        {
            all.Add(JsonSerializer.Serialize((await town.Get(path)).Body));
        }

        return string.Join('\n', all);
    }
}
