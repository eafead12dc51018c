using Microsoft.Playwright;
using SecondhandTrade.SystemTests;

namespace SecondhandTrade.WebTests;

/// <summary>What people live through on the pages, each with a browser of their own.</summary>
public sealed class Stories(Browser browser)
{
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(7);

    [Fact]
    public async Task Two_buyers_and_a_seller_the_first_gives_up_and_the_second_sees_it_and_takes_it()
    {
        await using var town = await TestTown.Open();
        await using var seller = await browser.Person(town, "수진");
        await using var first = await browser.Person(town, "민호");
        await using var second = await browser.Person(town, "지우");

        await seller.Go("/sell");
        await seller.Page.FillAsync("#productname", "애플워치 7세대");
        await seller.Page.FillAsync("#price", "150000");
        await seller.Page.FillAsync("#description", "2년 썼어요. 충전기도 드려요.");
        await seller.Press("올리기");
        await seller.Sees("물건을 올렸습니다.");
        var item = new Uri(seller.Page.Url).Segments[^1];

        await first.Reserve(item);
        await first.Sees("예약과 결제가 완료되었습니다.");
        await second.Reserve(item, "줄 서기");
        await second.Sees("줄을 섰습니다.");
        await second.Sees("내 차례는 1번째");
        await seller.Sees("1명 대기");

        await town.Turn(Later);
        await first.Press("취소하기");
        await first.Sees("예약취소");
        await second.Sees("결제하면 예약이 완료됩니다.");
        await second.Sees("기다리던 차례가 왔습니다", "#heard");
        await second.Picture("story-promoted");

        await town.Turn(Later);
        await second.Press("결제하기");
        await second.Sees("결제가 완료되었습니다.");
        await town.Turn(Later);
        await seller.Go("/me");
        await seller.Press("건네줬어요");
        await second.Sees("이상이 없으면 거래를 완료해 주세요.");
        await town.Turn(Later);
        await second.Press("거래 완료하기");
        await second.Sees("거래가 완료되었습니다.");
        await seller.Sees("거래완료", "#selling .deal");
        Assert.Equal("거래완료", (await town.Get($"/inventories/{item}"))["status"]);

        await seller.Go($"/operator?reservation={(await town.Get("/mypages?userid=%EC%A7%80%EC%9A%B0")).List("mypages").Single()!["reservationid"]}");
        await seller.Sees("TradeCompleted", "table");
        await seller.Picture("operator-journey");
        Assert.Empty(seller.Complaints.Concat(first.Complaints).Concat(second.Complaints));
    }

    [Fact]
    public async Task While_payment_is_down_a_buyer_reserves_and_pays_later()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호");
        await town.Stop("payment");

        await buyer.Reserve("100");
        await buyer.Sees("결제가 늦어지고 있습니다.");
        await buyer.Sees("결제하면 예약이 완료됩니다.");

        await town.Start("payment");
        await town.Turn(TimeSpan.FromMinutes(1));
        await buyer.Sees("이제 결제할 수 있습니다.", "#heard");
        await buyer.Press("결제하기");
        await buyer.Sees("결제가 완료되었습니다.");
        await buyer.Sees("거래 진행중");
    }

    [Fact]
    public async Task What_is_half_written_and_where_one_is_stay_when_the_page_changes_by_itself()
    {
        await using var town = await TestTown.Open();
        foreach (var product in new[] { "100", "200" })
        {
            await town.Post("/inventories", new { id = product, productid = product, productname = "자전거", qty = 1, sellerid = "수진", price = 30000, instant = true });
            await town.Settle();
            await town.Reserve(product, product, "민호", price: 30000);
        }

        await town.Settle();
        await town.Put("/trades/100/handover");
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호");
        await buyer.Go("/me");
        await buyer.Page.Locator("#d-100 summary").ClickAsync();
        await buyer.Page.FillAsync("#reason-100", "뒷바퀴가");
        await buyer.Page.EvaluateAsync("document.getElementById('reason-100').setSelectionRange(1, 3)");

        await town.Put("/trades/200/handover");
        await town.Settle();
        await Assertions.Expect(buyer.Page.Locator("#r-200 .badge")).ToHaveTextAsync("인수인계");

        Assert.Equal("reason-100 뒷바퀴가 1 3 true", await buyer.Page.EvaluateAsync<string>(
            "(a => `${a.id} ${a.value} ${a.selectionStart} ${a.selectionEnd} ${a.closest('details').open}`)(document.activeElement)"));
    }

    [Fact]
    public async Task Who_reads_English_is_told_in_English()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "수진", price = 30000 });
        await town.Reserve("1", "100", "민호", 30000);
        await town.Settle();
        await using var reader = await browser.Person(town, "Ann", "en-GB");
        await reader.Reserve("100", "Join the queue");
        await reader.Sees("You are number 1 in line");
        await town.Put("/reserves/1/reservecancel");
        await reader.Sees("bicycle: It is your turn. Please pay by ", "#heard");
        await reader.Go("/me/notices");
        await reader.Sees("bicycle: You are number 1 in the queue.", ".notices");
        Assert.DoesNotMatch("[가-힣]", await reader.Page.InnerTextAsync("#notices"));
    }

    [Fact]
    public async Task A_hold_nobody_pays_for_expires_before_the_buyers_eyes()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호");
        await town.Provider("decline");

        await buyer.Reserve("100");
        await buyer.Sees("결제가 거절되었습니다.");
        await buyer.Sees("3월 1일 09:15까지");
        await buyer.Page.WaitForLoadStateAsync(LoadState.Load);
        await town.Turn(TimeSpan.FromMinutes(16));

        await buyer.Sees("예약만료");
        await Assertions.Expect(buyer.Page.GetByRole(AriaRole.Button, new() { Name = "결제하기" })).ToHaveCountAsync(0);
        await buyer.Picture("story-expired");
    }

    [Theory]
    [InlineData("ko-KR", "예약하고 결제하기", "가격이 바뀌었습니다. 새 가격을 보고 다시 예약해 주세요.", "50,000원", "예약과 결제가 완료되었습니다.")]
    [InlineData("en-GB", "Reserve and pay", "The price has changed. Look again and reserve at the new price.", "₩50,000", "Reserved and paid.")]
    public async Task Nobody_pays_a_price_they_have_not_seen(string language, string button, string told, string price, string done)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호", language);
        await buyer.Go("/items/100");
        await buyer.Page.FillAsync("#reserveDt", "2027-04-04");
        await buyer.Page.FillAsync("#address", "방배역");
        await town.Send(HttpMethod.Patch, "/inventories/100", new { price = 50000 });
        await town.Settle();

        await buyer.Press(button);
        await buyer.Sees(told, ".note.bad");
        await buyer.Sees(price, ".about > .price");
        Assert.Equal("방배역", await buyer.Page.InputValueAsync("#address"));
        Assert.DoesNotContain((await town.Get("/reserves?productid=100")).List("reserves"), r => $"{r!["statusCode"]}" != "REJECTED");

        await buyer.Press(button);
        await buyer.Sees(done);
        Assert.Equal("50000", $"{(await town.Get("/reserves?productid=100")).List("reserves").Single(r => $"{r!["statusCode"]}" == "CONFIRMED")!["price"]}");
    }

    [Theory]
    [InlineData("ko-KR", "고친 대로 올리기", "그 사이 바뀌었습니다. 새 내용을 보고 다시 해 주세요.")]
    [InlineData("en-GB", "Save changes", "It has changed meanwhile; look again before acting.")]
    public async Task What_was_sold_while_the_seller_wrote_is_not_put_up_again(string language, string button, string told)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 2, sellerid = "수진", price = 30000, description = "두 대" });
        await town.Settle();
        await using var seller = await browser.Person(town, "수진", language);
        await seller.Go("/items/100");
        await seller.Page.ClickAsync("#change summary");
        await seller.Page.FillAsync("#description", "아직 새것");
        await town.Reserve("1", "100", "민호", 30000);
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();

        await seller.Press(button);
        await seller.Sees(told, ".note.bad");
        Assert.Equal(("아직 새것", "1"), (await seller.Page.InputValueAsync("#description"), await seller.Page.InputValueAsync("#qty")));
        var kept = await town.Get("/inventories/100");
        Assert.Equal(("두 대", "1"), (kept["description"], kept["qty"]));

        // Sent again it is a change of what was written, and of nothing that was only shown.
        await seller.Press(button);
        await seller.Page.WaitForURLAsync("**said=done-change");
        var changed = await town.Get("/inventories/100");
        Assert.Equal(("아직 새것", "1", "30000"), (changed["description"], changed["qty"], changed["price"]));
        Assert.Equal([2, -1], (await town.Get("/inventories/100/adjustments")).Body!["adjustments"]!.AsArray().Select(a => (int)a!["delta"]!));
    }

    [Fact]
    public async Task Sent_twice_a_form_makes_one_reservation_and_a_reload_none()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 5, sellerid = "수진", price = 30000 });
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호", script: false);

        await buyer.Go("/items/100");
        var form = buyer.Page.APIRequest.CreateFormData().Set("Wish.Day", "2027-04-04").Set("Wish.Address", "방배역");
        foreach (var field in await buyer.Page.Locator("#reserve-form input[type=hidden]").AllAsync())
        {
            form.Set((await field.GetAttributeAsync("name"))!, (await field.GetAttributeAsync("value"))!);
        }

        foreach (var _ in new[] { 1, 2 })
        {
            Assert.Contains("done-reserve", (await buyer.Page.APIRequest.PostAsync("/items/100", new() { Form = form })).Url, StringComparison.Ordinal);
        }

        await buyer.Go("/me?said=done-reserve");
        await buyer.Page.ReloadAsync();
        await town.Settle();

        Assert.Single((await town.Get("/reserves?productid=100")).List("reserves"));
    }

    [Fact]
    public async Task A_seller_puts_up_pictures_and_nobody_else_can()
    {
        await using var town = await TestTown.Open();
        await using var seller = await browser.Person(town, "수진");
        await seller.Go("/sell");
        await seller.Page.FillAsync("#productname", "의자");
        await seller.Page.FillAsync("#price", "10000");
        await seller.Page.SetInputFilesAsync("#pictures", [File(Pictures.Png(640, 480)), File(Pictures.Png(400, 400, padding: 1_500_000))]);
        await seller.Press("올리기");
        await seller.Sees("물건을 올렸습니다.");

        var shown = seller.Page.Locator(".gallery img");
        await Assertions.Expect(shown).ToHaveCountAsync(2);
        Assert.Equal(640, await shown.First.EvaluateAsync<int>("async i => { await i.decode(); return i.naturalWidth; }"));
        var item = new Uri(seller.Page.Url).Segments[^1];
        var picture = await seller.Page.APIRequest.GetAsync(await shown.First.GetAttributeAsync("src") ?? "");
        Assert.Equal(("image/webp", "nosniff"), (picture.Headers["content-type"], picture.Headers["x-content-type-options"]));
        Assert.Contains("immutable", picture.Headers["cache-control"], StringComparison.Ordinal);

        await seller.Page.SetInputFilesAsync("#pictures", File("<script>"u8.ToArray()));
        await seller.Page.Locator("#pictures-of summary").ClickAsync();
        await seller.Press("더하기");
        await seller.Sees("JPEG, PNG, WebP 사진이 아닌 파일이 있습니다.");
        var stranger = await town.Send(HttpMethod.Post, $"/inventories/{item}/pictures?userid=someone", "\u0089", app: "stock");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, stranger.Code);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, (await town.Send(HttpMethod.Delete, $"{await shown.First.GetAttributeAsync("src")}?userid=someone")).Code);

        await seller.Go($"/items/{item}");
        await seller.Page.Locator("#pictures-of summary").ClickAsync();
        await seller.Press("사진 1 내리기");
        await Assertions.Expect(shown).ToHaveCountAsync(1);
        Assert.Empty(seller.Complaints);
    }

    [Fact]
    public async Task Where_a_context_is_down_its_pages_show_what_there_is_and_say_what_is_missing()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호");
        await buyer.Reserve("100");

        await town.Stop("mypage");
        await buyer.Wait("/me");
        await buyer.Sees("나의 거래에 지금 연결할 수 없습니다.");
        await buyer.Sees("자전거");
        await buyer.Sees("취소하기");

        await town.Stop("stock");
        await buyer.Wait("/");
        await buyer.Sees("상품에 지금 연결할 수 없습니다.");
    }

    [Fact]
    public async Task However_many_notices_a_form_names_a_page_of_them_is_marked_as_read()
    {
        await using var town = await TestTown.Open();
        await using var reader = await browser.Person(town, "민호");
        await reader.Go("/me/notices");
        var form = reader.Page.APIRequest.CreateFormData().Set("__RequestVerificationToken", await reader.Page.Locator("header input[name=__RequestVerificationToken]").First.InputValueAsync());
        foreach (var id in Enumerable.Range(0, 50))
        {
            form.Append("id", $"{id}");
        }

        town.Reached.Clear();
        await reader.Page.APIRequest.PostAsync("/me/notices/read", new() { Form = form });
        Assert.Equal(20, town.Reached.Count(r => r is { App: "notification", Method: "PUT" }));
    }

    [Fact]
    public async Task My_page_goes_on_where_its_first_page_ends()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 60, sellerid = "수진", price = 30000 });
        await town.Settle();
        for (var i = 0; i < 51; i++)
        {
            await town.Reserve($"{i}", "100", $"buyer-{i}", 30000);
        }

        await town.Settle();
        await using var seller = await browser.Person(town, "수진");
        await seller.Go("/me");
        await Assertions.Expect(seller.Page.Locator(".deal")).ToHaveCountAsync(50);
        await seller.Page.ClickAsync("a[rel=next]");
        await Assertions.Expect(seller.Page.Locator(".deal")).ToHaveCountAsync(1);
        await Assertions.Expect(seller.Page.Locator("a[rel=next]")).ToHaveCountAsync(0);
        await seller.Page.ClickAsync("a[rel=prev]");
        await Assertions.Expect(seller.Page.Locator(".deal")).ToHaveCountAsync(50);
        Assert.Empty(seller.Complaints);
    }

    [Theory]
    [InlineData("ko-KR", "구매자 요청 · 구매자", "물건을 잡아 두었습니다 · 동네장터")]
    [InlineData("en-GB", "asked by the buyer · buyer", "The item was set aside · the town")]
    public async Task What_has_happened_says_whose_doing_it_was(string language, string cancelled, string held)
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "자전거", qty = 1, sellerid = "수진", price = 30000 });
        await town.Settle();
        await town.Reserve("1", "100", "민호", 30000);
        await town.Put("/reserves/1/reservecancel?userid=%EB%AF%BC%ED%98%B8");
        await town.Settle();
        await using var buyer = await browser.Person(town, "민호", language);
        await buyer.Go("/me");
        await buyer.Page.ClickAsync("#t-1 summary");
        var lines = buyer.Page.Locator("#t-1 li");
        await Assertions.Expect(lines.Filter(new() { HasText = cancelled }).First).ToBeVisibleAsync();
        await Assertions.Expect(lines.Filter(new() { HasText = held })).ToHaveCountAsync(1);
    }

    private static FilePayload File(byte[] bytes) => new() { Name = "picture.png", MimeType = "image/png", Buffer = bytes };
}
