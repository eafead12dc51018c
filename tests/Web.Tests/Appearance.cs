using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using SecondhandTrade.SystemTests;

namespace SecondhandTrade.WebTests;

/// <summary>How the pages are for people of every kind: languages, widths, keyboards, no script; and for those who mean harm.</summary>
public sealed class Appearance(Browser browser)
{
    private static readonly string[] Paths =
        ["/", "/?text=없는 물건", "/items/100", "/items/200", "/items/300", "/items/nothing", "/sell", "/me", "/me/notices", "/operator?reservation=1", "/no-such-page", "/signin"];

    [Theory]
    [InlineData("ko-KR", 360)]
    [InlineData("ko-KR", 1280)]
    [InlineData("en-GB", 360)]
    [InlineData("en-GB", 1280)]
    public async Task Every_page_is_accessible_fits_and_makes_the_browser_complain_of_nothing(string language, int width)
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town, "민호", language, width);
        await using var stranger = await browser.Person(town, null, language, width);
        var found = new List<string>();
        foreach (var path in Paths)
        {
            await person.Go(path);

            // What folds is looked at unfolded.
            await person.Page.EvaluateAsync("document.querySelectorAll('details').forEach(d => d.open = true)");
            await Look(person, path);
        }

        // A form of which all is wrong, and the door to who is not in yet.
        await person.Go("/sell");
        await person.Page.EvaluateAsync("document.querySelector('main form').noValidate = true");
        await person.Page.Locator("main form button.button:not([type=button])").ClickAsync();
        await Assertions.Expect(person.Page.Locator("[aria-invalid=true]")).Not.ToHaveCountAsync(0);
        await Look(person, "/sell-wrong");
        await person.Go("/items/200");
        await person.Page.EvaluateAsync("document.getElementById('reserve-form').noValidate = true");
        await person.Page.ClickAsync("#reserve-button");
        await Assertions.Expect(person.Page.Locator("#reserve-form [aria-invalid=true]")).ToHaveCountAsync(2);
        await Look(person, "/items/200-wrong");
        await stranger.Go("/me");
        await Look(stranger, "/signin-stranger");

        Assert.Empty(found);

        // A page that is not there is told of by its status, which a console calls an error.
        Assert.DoesNotContain(person.Complaints.Concat(stranger.Complaints), c => !c.Contains("404", StringComparison.Ordinal));

        async Task Look(Person who, string path)
        {
            var name = Regex.Replace(path.Split('?')[0].Trim('/'), "[^a-z0-9]+", "-");
            await who.Picture($"{(name.Length == 0 ? path == "/" ? "home" : "home-empty" : name)}-{language[..2]}-{width}");
            var axe = await who.Page.RunAxe(new AxeRunOptions { ResultTypes = [ResultType.Violations] });
            found.AddRange(axe.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{path}: {v.Id} {v.Help}: {string.Join(" | ", v.Nodes.Take(3).Select(n => n.Html))}"));
            if (await who.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth") is > 0 and var over)
            {
                found.Add($"{path}: is {over} pixels too wide");
            }

            if (language == "en-GB" && Korean().Match(await who.Page.EvaluateAsync<string>(
                "(() => { const d = document.body.cloneNode(true); d.querySelectorAll('[lang=ko], .name, .unseen, h3, h1, h2 a, .where, .facts, .said, .message, table, svg, input, textarea').forEach(e => e.remove()); return d.textContent })()")) is { Success: true } korean)
            {
                found.Add($"{path}: says {korean.Value} in English");
            }
        }
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Contrast_holds_by_day_and_by_night(ColorScheme scheme)
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town, "민호", width: 390);
        await person.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
        foreach (var path in new[] { "/", "/items/200", "/me", "/me/notices" })
        {
            await person.Go(path);
            await person.Picture($"{scheme}-{(path == "/" ? "home" : path.Trim('/').Replace('/', '-'))}".ToLowerInvariant());
            var axe = await person.Page.RunAxe(new AxeRunOptions { RunOnly = RunOnlyOptions.Rules("color-contrast") });
            Assert.Empty(axe.Violations.SelectMany(v => v.Nodes).Select(n => $"{path}: {n.Html}"));
        }
    }

    [Fact]
    public async Task The_language_can_be_switched_and_stays_switched()
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town);
        await person.Go("/items/200");
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "English" }).ClickAsync();
        await person.Sees("Sign in to reserve");
        await person.Go("/");
        Assert.Equal("en", await person.Page.EvaluateAsync<string>("document.documentElement.lang"));
        await person.Page.GetByRole(AriaRole.Button, new() { Name = "한국어" }).ClickAsync();
        await person.Sees("조건");
    }

    [Fact]
    public async Task With_the_keyboard_alone_one_signs_in_finds_reserves_and_cancels()
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town);
        await person.Go("/signin");
        await person.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("본문으로 건너뛰기", await Focused(person, "textContent"));
        await person.Page.Keyboard.PressAsync("Enter");
        await Tab(person, "name");
        await person.Page.Keyboard.TypeAsync("지우");
        await person.Page.Keyboard.PressAsync("Enter");
        await person.Page.WaitForURLAsync("**/");

        await Tab(person, "text");
        await person.Page.Keyboard.TypeAsync("자전거");
        await person.Page.Keyboard.PressAsync("Enter");
        await person.Page.WaitForURLAsync("**/?text=*");
        for (var n = 0; n < 30 && await Focused(person, "getAttribute('href')") != "/items/200"; n++)
        {
            await person.Page.Keyboard.PressAsync("Tab");
        }

        await person.Page.Keyboard.PressAsync("Enter");
        await person.Page.WaitForURLAsync("**/items/200");
        await Tab(person, "reserveDt");

        // A date is typed part by part, in the order of the browser itself, which is English whatever the page.
        await person.Page.Keyboard.TypeAsync("04042027");
        await Tab(person, "address");
        await person.Page.Keyboard.TypeAsync("방배역");
        await person.Page.Keyboard.PressAsync("Enter");
        await person.Page.WaitForURLAsync("**/me?said=*");
        await town.Settle();
        await person.Sees("예약과 결제가 완료되었습니다.");

        var reservation = (await town.Get($"/reserves?userid={Uri.EscapeDataString("지우")}&productid=200")).List("reserves").Single()!["id"];
        await Assertions.Expect(person.Page.Locator($"#a-{reservation}-reservecancel-ask")).ToBeVisibleAsync();
        await Tab(person, $"a-{reservation}-reservecancel-ask");
        await person.Page.Keyboard.PressAsync("Enter");
        await Tab(person, $"a-{reservation}-reservecancel");
        await person.Page.Keyboard.PressAsync("Enter");
        await person.Page.WaitForURLAsync("**/me?said=done-*");
        await person.Sees("예약취소");
    }

    [Fact]
    public async Task On_a_phone_what_has_the_focus_is_never_behind_the_bar()
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town, "민호", width: 360);
        var (hidden, passed) = (new List<string>(), 0);
        foreach (var path in new[] { "/", "/me", "/items/200", "/sell" })
        {
            await person.Go(path);
            for (var n = 0; n < 60; n++)
            {
                await person.Page.Keyboard.PressAsync("Tab");
                var at = await person.Page.EvaluateAsync<string>("""
                    (() => {
                        const bar = document.querySelector('.tabs'), it = document.activeElement;
                        if (it === document.body || bar.contains(it)) return '';
                        return it.getBoundingClientRect().bottom > bar.getBoundingClientRect().top ? 'behind ' + it.outerHTML.slice(0, 90) : 'free';
                    })()
                    """);
                passed += at == "free" ? 1 : 0;
                if (at.StartsWith("behind", StringComparison.Ordinal))
                {
                    hidden.Add($"{path}: {at}");
                }
            }
        }

        Assert.Empty(hidden);
        Assert.InRange(passed, 40, int.MaxValue);
    }

    [Fact]
    public async Task Without_script_everything_works_but_what_changes_by_itself()
    {
        await using var town = await Furnished();
        await using var buyer = await browser.Person(town, "지우", script: false);
        await buyer.Reserve("200");
        await buyer.Sees("예약과 결제가 완료되었습니다.");
        await buyer.Go("/me/notices");
        await buyer.Press("이 쪽 모두 읽음");
        await Assertions.Expect(buyer.Page.Locator(".notices .unread")).ToHaveCountAsync(0);
        await buyer.Go("/me");
        await buyer.Press("취소하기");
        await town.Settle();
        await buyer.Go("/me");
        await buyer.Sees("예약취소");
    }

    [Fact]
    public async Task What_is_wrong_with_a_form_is_said_above_it_and_at_the_field_and_nothing_typed_is_lost()
    {
        await using var town = await Furnished();
        await using var seller = await browser.Person(town, "수진");
        await seller.Go("/sell");
        await seller.Page.FillAsync("#productname", "의자");
        await seller.Page.FillAsync("#price", "공짜");
        await seller.Page.FillAsync("#latitude", "37.48");
        await seller.Press("올리기");

        await seller.Page.Locator(".note.bad a[href$='#price']").ClickAsync();
        Assert.Equal("price", await Focused(seller, "id"));
        Assert.Equal("price-wrong", await seller.Page.GetAttributeAsync("#price", "aria-describedby"));
        Assert.Equal(("의자", "공짜"), (await seller.Page.InputValueAsync("#productname"), await seller.Page.InputValueAsync("#price")));
        await seller.Page.FillAsync("#price", "5000");
        await seller.Press("올리기");
        await seller.Sees("경도는 -180에서 180까지이고 위도와 함께 적습니다.");
    }

    [Fact]
    public async Task The_first_page_full_of_photos_weighs_less_than_100_KB_without_them_and_nothing_on_it_jumps()
    {
        await using var town = await TestTown.Open();
        using var http = new HttpClient();
        for (var n = 0; n < 24; n++)
        {
            await town.Post("/inventories", new { id = $"{n}", productid = $"{n}", productname = "접이식 자전거", qty = 1, sellerid = "수진", price = 80_000, latitude = 37.484, longitude = 126.983 });
            using var photo = new ByteArrayContent(Pictures.Png(400, 300, shade: n, grain: 24));
            (await http.PostAsync(new Uri(town.Address("stock"), $"/inventories/{n}/pictures?userid={Uri.EscapeDataString("수진")}"), photo)).EnsureSuccessStatusCode();
        }

        await town.Settle();
        await using var person = await browser.Person(town, width: 360);
        var loaded = new List<IRequest>();
        person.Page.RequestFinished += (_, request) => loaded.Add(request);
        await person.Page.AddInitScriptAsync("window.jumps = 0; new PerformanceObserver(l => l.getEntries().forEach(e => window.jumps += e.value)).observe({ type: 'layout-shift', buffered: true })");
        await person.Page.GotoAsync("/", new() { WaitUntil = WaitUntilState.Load });
        var (own, photos, count) = (0L, 0L, 0);
        foreach (var request in loaded.Where(r => !r.Url.Contains("/live", StringComparison.Ordinal)).ToList())
        {
            var size = await request.SizesAsync();
            var weight = size.ResponseBodySize + size.ResponseHeadersSize;
            var isPhoto = request.Url.EndsWith("-small", StringComparison.Ordinal);
            (own, photos, count) = (own + (isPhoto ? 0 : weight), photos + (isPhoto ? weight : 0), count + (isPhoto ? 1 : 0));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"The first page weighs {own} bytes, and {count} of its 24 photos another {photos}.");
        await Assertions.Expect(person.Page.Locator(".card img")).ToHaveCountAsync(24);
        Assert.InRange(own, 1_000, 100_000);
        Assert.InRange(count, 4, 24);
        Assert.Equal(0, await person.Page.EvaluateAsync<double>("window.jumps"));
    }

    [Fact]
    public async Task Markup_in_what_people_write_is_shown_as_text()
    {
        const string Probe = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = Probe, qty = 1, sellerid = "<b>수진</b>", price = 30000, description = Probe });
        await town.Settle();
        await using var buyer = await browser.Person(town, "\"><script>1</script>");
        await buyer.Reserve("100");
        foreach (var path in new[] { "/", "/items/100", "/me", "/me/notices", $"/me?said={Uri.EscapeDataString(Probe)}", $"/?text={Uri.EscapeDataString(Probe)}" })
        {
            await buyer.Go(path);
            Assert.NotEqual("owned", await buyer.Page.TitleAsync());
            Assert.Equal(0, await buyer.Page.Locator("img[src=x], main script").CountAsync());
        }

        await buyer.Go("/items/100");
        Assert.Equal(Probe, await buyer.Page.Locator("h1").TextContentAsync());
        Assert.Empty(buyer.Complaints);
    }

    [Fact]
    public async Task A_form_that_does_not_come_from_here_is_refused_and_every_page_forbids_what_is_foreign()
    {
        await using var town = await Furnished();
        await using var person = await browser.Person(town, "민호");
        var page = await person.Page.APIRequest.GetAsync("/");
        Assert.Contains("default-src 'self'", page.Headers["content-security-policy"], StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", page.Headers["content-security-policy"], StringComparison.Ordinal);
        Assert.Equal("nosniff", page.Headers["x-content-type-options"]);

        var form = person.Page.APIRequest.CreateFormData().Set("id", "1").Set("action", "reservecancel");
        Assert.Equal(400, (await person.Page.APIRequest.PostAsync("/act", new() { Form = form, MaxRedirects = 0 })).Status);
        await town.Settle();
        Assert.NotEqual("예약취소", (await town.Get("/reserves/1"))["status"]);
        Assert.All(await person.Page.Context.CookiesAsync(), cookie => Assert.True(cookie is { HttpOnly: true, SameSite: SameSiteAttribute.Lax }, cookie.Name));
    }

    /// <summary>A town with things for sale, one of them 민호's to hand over, one reserved by them, one handed over to them, and one that others wait for.</summary>
    private static async Task<TestTown> Furnished()
    {
        var town = await TestTown.Open();
        foreach (var (id, name, price, seller) in new[]
        {
            ("100", "애플워치 7세대 45mm", 150_000, "수진"), ("200", "접이식 자전거", 80_000, "수진"), ("300", "원목 책상", 45_000, "민호"), ("400", "캠핑 의자 두 개", 20_000, "수진"), ("500", "어린이 전집", 35_000, "하준"), ("600", "스탠드 조명", 15_000, "하준"),
        })
        {
            await town.Post("/inventories", new { id, productid = id, productname = name, qty = 1, sellerid = seller, price, description = "깨끗하게 썼습니다. 직접 보고 가져가세요.", latitude = 37.484, longitude = 126.983 });
            if (id != "500")
            {
                using var http = new HttpClient();
                using var picture = new ByteArrayContent(Pictures.Png(320, 320, shade: int.Parse(id, System.Globalization.CultureInfo.InvariantCulture)));
                (await http.PostAsync(new Uri(town.Address("stock"), $"/inventories/{id}/pictures?userid={Uri.EscapeDataString(seller)}"), picture)).EnsureSuccessStatusCode();
            }
        }

        await town.Settle();
        await town.Reserve("1", "100", "민호", price: 150_000);
        await town.Reserve("2", "100", "지우", price: 150_000);
        await town.Reserve("3", "300", "하준", price: 45_000);
        await town.Reserve("4", "400", "하준", price: 20_000);
        await town.Reserve("5", "400", "민호", price: 20_000);
        await town.Reserve("6", "600", "민호", price: 15_000);
        await town.Settle();
        await town.Put("/trades/6/handover");
        await town.Settle();
        return town;
    }

    private static Task<string> Focused(Person person, string of) => person.Page.EvaluateAsync<string>($"String(document.activeElement.{of})");

    private static async Task Tab(Person person, string to)
    {
        for (var n = 0; n < 40 && await Focused(person, "id") != to; n++)
        {
            await person.Page.Keyboard.PressAsync("Tab");
        }

        Assert.Equal(to, await Focused(person, "id"));
    }

    private static Regex Korean() => new("[가-힣]+[^\n]*");
}
