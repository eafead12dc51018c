using System.Globalization;
using System.Net;
using SecondhandTrade.SystemTests.Rights;
using SecondhandTrade.Web;
using SkiaSharp;

namespace SecondhandTrade.SystemTests.Pages;

/// <summary>What becomes of a form that is sent: once, again, or when something is in the way.</summary>
public sealed class Forms
{
    private const string Reserve = "id=\"reserve-form\"";

    [Fact]
    public async Task After_an_unknown_outcome_the_form_reserves_under_the_same_id_and_what_was_accepted_is_not_made_twice()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");
        var form = await buyer.Go("/items/100");
        var id = Reader.Value(form, Reserve, "Wish.Id");

        await town.Stop("reservation");
        var lost = await town.TurnUntil(buyer.Send(form, Reserve, ("Wish.Day", "2027-04-04"), ("Wish.Address", "here")));
        Assert.Equal((200, id), (lost.Status, Reader.Value(lost, Reserve, "Wish.Id")));

        // It had arrived all the same, and then the buyer sends something else by that form.
        await town.Start("reservation");
        await town.Settle();
        Assert.Equal(HttpStatusCode.Created, (await town.Post("/reserves", new { id, productid = "100", userid = "minho", productname = "bicycle", qty = 1, reserveDt = "2027-04-04", address = "here", price = 30000 })).Code);
        var known = await buyer.Send(lost, Reserve, ("Wish.Day", "2027-04-04"), ("Wish.Address", "elsewhere"));
        Assert.Equal("/me", known.Address.AbsolutePath);
        Assert.Contains("What you sent earlier by this form has arrived", known.Text, StringComparison.Ordinal);
        Assert.Single((await town.Get("/reserves?productid=100")).List("reserves"));

        // After a clear no the next is another reservation.
        var fresh = await buyer.Go("/items/200");
        var refused = await buyer.Send(fresh, Reserve, ("Wish.Day", "2020-04-04"), ("Wish.Address", "here"));
        Assert.NotEqual(Reader.Value(fresh, Reserve, "Wish.Id"), Reader.Value(refused, Reserve, "Wish.Id"));
    }

    [Fact]
    public async Task After_an_unknown_outcome_the_form_sells_under_the_same_id_and_what_was_accepted_is_not_made_twice()
    {
        await using var town = await TestTown.Open();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        var form = await seller.Go("/sell");
        var id = Reader.Value(form, "value=\"sell\"", "Offer.Id");

        await town.Stop("stock");
        var lost = await town.TurnUntil(seller.Send(form, "value=\"sell\"", ("Offer.ProductName", "bicycle"), ("Offer.Price", "30000")));
        Assert.Equal((200, id), (lost.Status, Reader.Value(lost, "value=\"sell\"", "Offer.Id")));

        await town.Start("stock");
        Assert.Equal(HttpStatusCode.Created, (await town.Post("/inventories", new { id, productname = "bicycle", qty = 1, price = 30000, sellerid = "sujin" })).Code);
        var known = await seller.Send(lost, "value=\"sell\"", ("Offer.ProductName", "bicycle"), ("Offer.Price", "35000"));
        Assert.Equal("/me", known.Address.AbsolutePath);
        Assert.Contains("What you sent earlier by this form has arrived", known.Text, StringComparison.Ordinal);
        Assert.Single((await town.Get("/inventories?sellerid=sujin")).List("inventories"));
    }

    [Fact]
    public async Task Who_pressed_a_button_to_wait_does_not_pay_and_who_pressed_one_to_pay_does_not_wait_without_being_told()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();
        using var buyer = new Reader(town);
        await buyer.SignIn("jiwoo");
        var waits = await buyer.Go("/items/100");
        Assert.Matches(Button("Join the queue"), waits.Html);
        await town.Put("/reserves/1/reservecancel");
        await town.Settle();

        var asked = await buyer.Send(waits, Reserve, Meeting);
        Assert.Contains("It is free by now. If you press now you reserve it and pay.", asked.Text, StringComparison.Ordinal);
        Assert.Matches(Button("Reserve and pay"), asked.Html);
        Assert.Equal("here", Reader.Value(asked, Reserve, "Wish.Address"));
        Assert.Empty((await town.Get("/reserves?userid=jiwoo")).List("reserves"));

        await town.Reserve("2", "100", "minho", 30000);
        await town.Settle();
        var again = await buyer.Send(asked, Reserve, Meeting);
        Assert.Contains("Somebody else was first. If you press now you join the queue and pay nothing yet.", again.Text, StringComparison.Ordinal);
        Assert.Matches(Button("Join the queue"), again.Html);
        Assert.Empty((await town.Get("/reserves?userid=jiwoo")).List("reserves"));

        var done = await buyer.Send(again, Reserve, Meeting);
        Assert.Contains("said=done-wait", done.Address.Query, StringComparison.Ordinal);
        Assert.Single((await town.Get("/reserves?userid=jiwoo")).List("reserves"));

        static string Button(string words) => $"<button [^>]*id=\"reserve-button\"[^>]*>{words}</button>";
    }

    [Fact]
    public async Task The_form_that_took_the_last_one_may_be_sent_again()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");
        var form = await buyer.Go("/items/100");
        foreach (var _ in new[] { 1, 2 })
        {
            Assert.Contains("said=done-reserve", (await buyer.Send(form, Reserve, Meeting)).Address.Query, StringComparison.Ordinal);
        }

        Assert.Single((await town.Get("/reserves?productid=100")).List("reserves"));
    }

    [Fact]
    public async Task Pictures_that_went_with_a_form_that_failed_are_asked_for_again()
    {
        await using var town = await TestTown.Open();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        const string Again = "The pictures you chose were not kept. Please choose them again.";

        var free = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", [Photo(1)], ("Offer.ProductName", "lamp"), ("Offer.Price", "free"));
        Assert.Contains("href=\"/sell#price\"", free.Html, StringComparison.Ordinal);
        Assert.Matches($"<a href=\"/sell#pictures\">{Again}</a>", free.Html);
        Assert.Matches("<input id=\"pictures\"[^>]*aria-describedby=\"pictures-hint pictures-lost\"", free.Html);
        Assert.Matches($"<span class=\"why\" id=\"pictures-lost\">{Again}</span>", free.Html);
        var none = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", [], ("Offer.ProductName", "lamp"), ("Offer.Price", "free"));
        Assert.DoesNotContain(Again, none.Text, StringComparison.Ordinal);

        // What a service says is told as well.
        await town.Stop("stock");
        var down = await town.TurnUntil(seller.Send(await seller.Go("/sell"), "value=\"sell\"", [Photo(1)], ("Offer.ProductName", "lamp"), ("Offer.Price", "5000")));
        Assert.Contains("Goods cannot be reached right now.", down.Text, StringComparison.Ordinal);
        Assert.Contains(Again, down.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_pictures_and_too_large_ones_are_the_fields_fault_and_what_is_right_is_taken()
    {
        await using var town = await TestTown.Open();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        foreach (var pictures in new[] { [.. Enumerable.Range(1, 6).Select(Photo)], new[] { new byte[(2 * 1024 * 1024) + 1] } })
        {
            var refused = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", pictures, ("Offer.ProductName", "lamp"), ("Offer.Price", "5000"));
            Assert.Matches("<input id=\"pictures\"[^>]*aria-invalid=\"true\"[^>]*aria-describedby=\"pictures-hint pictures-wrong pictures-lost\"", refused.Html);
            Assert.Matches("<span class=\"why\" id=\"pictures-wrong\">Up to five pictures of up to 2 MB each.</span>", refused.Html);
        }

        Assert.Empty((await town.Get("/inventories?sellerid=sujin")).List("inventories"));
        var sold = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", Enumerable.Range(1, 5).Select(Photo), ("Offer.ProductName", "lamp"), ("Offer.Price", "5000"));
        Assert.Contains("said=done-sell", sold.Address.Query, StringComparison.Ordinal);
        Assert.Equal(5, Shown(sold));

        // The page does not count what is up already; stock does.
        var sixth = await seller.Send(sold, "value=\"pictures\"", [Photo(6)]);
        Assert.Contains("Up to five pictures; remove one first.", sixth.Text, StringComparison.Ordinal);
        Assert.Matches("<input id=\"pictures\"[^>]*aria-invalid=\"true\"", sixth.Html);
        Assert.Equal(5, Shown(sixth));
        var large = await seller.Send(sold, "value=\"pictures\"", [new byte[(2 * 1024 * 1024) + 1]]);
        Assert.Matches("<details id=\"pictures-of\" open>", large.Html);
        Assert.Matches("<a href=\"/items/[0-9]+#pictures\">Up to five pictures of up to 2 MB each.</a>", large.Html);
    }

    [Fact]
    public async Task Of_pictures_that_are_put_up_until_one_fails_the_page_shows_those_that_are_up()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        var partly = await seller.Send(await seller.Go("/items/100"), "value=\"pictures\"", [Photo(1), Photo(2), "<script>"u8.ToArray(), Photo(3)]);
        Assert.Equal((200, 2), (partly.Status, Shown(partly)));
        Assert.Matches("<span class=\"why\" id=\"pictures-wrong\">One of the files is no JPEG, PNG or WebP picture.</span>", partly.Html);
        Assert.Contains("Remove picture 2", partly.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Remove picture 3", partly.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dispute_may_be_told_in_several_lines()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();
        await town.Put("/trades/1/handover");
        await town.Settle();
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");

        var told = await buyer.Send(await buyer.Go("/me"), "id=\"reason-1\"", ("action", "dispute"), ("reason", "A scratch.\r\nAnd no saddle.\r\n"));
        Assert.Contains("said=done-dispute", told.Address.Query, StringComparison.Ordinal);
        Assert.Equal("A scratch. And no saddle.", (await town.Get("/trades/1"))["reason"]);
    }

    [Fact]
    public async Task The_place_of_a_listing_can_be_taken_away_and_a_page_says_changed_only_where_something_has()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000, latitude = 37.5, longitude = 127.0 });
        await town.Settle();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");

        var same = await seller.Send(await seller.Go("/items/100"), "value=\"change\"", ("Offer.Instant", "true"));
        Assert.Contains("Nothing has changed.", same.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("done-change", same.Address.Query, StringComparison.Ordinal);
        Assert.Equal("37.5", (await town.Get("/inventories/100"))["latitude"]);

        var cleared = await seller.Send(await seller.Go("/items/100"), "value=\"change\"", ("Offer.Instant", "true"), ("Offer.Latitude", ""), ("Offer.Longitude", ""));
        Assert.Contains("said=done-change", cleared.Address.Query, StringComparison.Ordinal);
        var listing = await town.Get("/inventories/100");
        Assert.Equal((null, null, "30000"), (listing["latitude"], listing["longitude"], listing["price"]));
    }

    [Fact]
    public async Task Without_a_place_and_with_coordinates_a_change_is_refused()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, latitude = 37.5, longitude = 127.0 });
        var both = await town.Send(HttpMethod.Patch, "/inventories/100", new { placeless = true, latitude = 37.6, longitude = 127.0 });
        Assert.Equal((HttpStatusCode.BadRequest, "invalid"), (both.Code, both.Problem));
        Assert.NotNull(both.Body!["errors"]!["placeless"]);
        Assert.Equal("37.5", (await town.Send(HttpMethod.Patch, "/inventories/100", new { placeless = false }))["latitude"]);
        Assert.Null((await town.Send(HttpMethod.Patch, "/inventories/100", new { placeless = true }))["latitude"]);
    }

    [Fact]
    public async Task Degrees_that_are_no_number_are_the_fields_fault()
    {
        await using var town = await TestTown.Open();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        foreach (var degrees in new[] { "NaN", "1e999" })
        {
            var refused = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", ("Offer.ProductName", "bicycle"), ("Offer.Price", "30000"), ("Offer.Latitude", degrees), ("Offer.Longitude", "127"));
            Assert.Equal((degrees, 200), (degrees, refused.Status));
            Assert.Contains("id=\"latitude-wrong\"", refused.Html, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("web")]
    public async Task Only_forms_that_bring_pictures_may_be_long(string app)
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        using var seller = new Reader(town, app);
        await seller.SignIn("sujin");
        var padding = ("padding", new string('x', 100 * 1024));
        var sold = await seller.Send(await seller.Go("/sell"), "value=\"sell\"", ("Offer.ProductName", "lamp"), ("Offer.Price", "5000"), padding);
        Assert.Contains("said=done-sell", sold.Address.Query, StringComparison.Ordinal);
        var changed = await seller.Send(await seller.Go("/items/100"), "value=\"change\"", ("Offer.Instant", "true"), ("Offer.Price", "5000"), padding);
        Assert.Contains("said=done-change", changed.Address.Query, StringComparison.Ordinal);

        var other = await seller.Send(changed, "action=\"/language\"", ("to", "ko"), padding);
        Assert.True(other.Status is 400 or 413, $"{other.Status}");
    }

    [Fact]
    public async Task Who_presses_a_button_after_the_session_has_ended_comes_back_to_a_page()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");
        var (form, item) = (await buyer.Go("/me"), await buyer.Go("/items/200"));
        await buyer.Send(form, "action=\"/signout\"");

        var reserve = await buyer.Send(item, Reserve, ("Wish.Day", "2027-04-04"), ("Wish.Address", "here"));
        Assert.Equal("/signin?back=%2Fitems%2F200", reserve.Address.PathAndQuery);
        var asked = await buyer.Send(form, "id=\"a-1-reservecancel\"", ("action", "reservecancel"));
        Assert.Equal("/signin?back=/me", asked.Address.PathAndQuery);
        var back = await buyer.Send(asked, "value=\"enter\"", ("name", "minho"));
        Assert.Equal((200, "/me"), (back.Status, back.Address.AbsolutePath));
        Assert.Equal("/signin?back=%2Fme%2Fnotices", (await new Reader(town).Go("/me/notices")).Address.PathAndQuery);
    }

    [Fact]
    public async Task A_cancellation_that_is_still_being_worked_on_is_not_told_as_done()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000, instant = false });
        await town.Settle();
        await town.Reserve("1", "100", "minho", 30000);
        await town.Settle();
        using var buyer = new Reader(town);
        await buyer.SignIn("minho");

        // Either of them would see the cancellation to its end.
        await town.Stop("payment");
        var trade = town.Faults["trade"].Hold("SaveState");

        var asked = await town.TurnUntil(buyer.Send(await buyer.Go("/me"), "id=\"a-1-reservecancel\"", ("action", "reservecancel")));
        Assert.Equal("CANCEL_PENDING", (await town.Get("/reserves/1"))["statusCode"]);
        Assert.Contains("Your cancellation is being worked on.", asked.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("done-reservecancel", asked.Address.Query, StringComparison.Ordinal);
        trade.SetResult();
    }

    [Theory]
    [InlineData("REQUESTED", "done-request")]
    [InlineData("HELD", "pay-later")]
    [InlineData("WAITLISTED", "done-wait")]
    [InlineData("CONFIRMED", "done-reserve")]
    public void Of_a_reservation_is_told_what_has_come_of_it(string status, string told) => Assert.Equal(
        told, Wish.Told(new(new("1", "100", null, "minho", null, 1, 30000, "2027-04-04", null, "", status, null, null, []), null, status == "CONFIRMED" ? 201 : 202)));

    [Fact]
    public async Task A_search_says_which_field_is_wrong_and_takes_numbers_as_people_write_them()
    {
        await using var town = await TestTown.Open();
        await Listed(town);
        using var visitor = new Reader(town);
        var found = await visitor.Go("/?minprice=20,000&maxprice=50,000");
        Assert.Contains("/items/100", found.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("/items/200", found.Html, StringComparison.Ordinal);

        foreach (var (query, field) in new[] { ("minprice=cheap", "minprice"), ("maxprice=1.5", "maxprice"), ("lat=200&lon=1", "lat"), ("lat=1", "lon"), ("lat=1&lon=1&within=far", "within") })
        {
            var wrong = await visitor.Go($"/?{query}");
            Assert.Matches($"<input id=\"{field}\"[^>]*aria-invalid=\"true\"", wrong.Html);
            Assert.Matches($"<span class=\"why\" id=\"{field}-wrong\">[^<]*[a-z]", wrong.Html);
            Assert.DoesNotContain($">wrong-{field}<", wrong.Html, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Sellers_find_their_own_hidden_goods_by_their_product()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        var ann = ("Authorization", $"Bearer {issuer.Token("ann")}");
        await town.Send(HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, price = 30000 }, headers: ann);
        await town.Send(HttpMethod.Patch, "/inventories/100", new { hidden = true }, headers: ann);
        await town.Settle();
        using var seller = new Reader(town);
        using var stranger = new Reader(town);
        await seller.SignInElsewhere("ann");
        await stranger.SignInElsewhere("eve");

        Assert.Equal((200, "/items/100"), await At(seller));
        Assert.Equal((404, "/products/100"), await At(stranger));

        static async Task<(int, string)> At(Reader reader) => await reader.Go("/products/100") is var page ? (page.Status, page.Address.AbsolutePath) : default;
    }

    [Fact]
    public async Task My_page_asks_of_each_deal_only_those_who_can_still_do_something_about_it()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 3, sellerid = "sujin", price = 30000 });
        await town.Settle();
        foreach (var id in new[] { "going", "handed", "disputed" })
        {
            await town.Reserve(id, "100", $"buyer-{id}", 30000);
            await town.Settle();
        }

        await town.Put("/trades/handed/handover");
        await town.Put("/trades/disputed/handover");
        await town.Settle();
        await town.Put("/trades/disputed/dispute", new { reason = "a scratch" });
        await town.Settle();
        using var seller = new Reader(town);
        await seller.SignIn("sujin");
        town.Reached.Clear();

        var page = await seller.Go("/me");
        Assert.Equal(
            ["/reserves/going", "/trades/going", "/trades/handed"],
            town.Reached.Where(r => r.App is "reservation" or "trade").Select(r => r.Path).Order(StringComparer.Ordinal));
        Assert.Contains("Disputed", page.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("2027-04-04", "4 Apr 2027")]
    [InlineData("2027-04-04T18:30", "4 Apr 18:30")]
    [InlineData("2027-04-04 18:30:00", "4 Apr 18:30")]
    [InlineData("2027-04-04T18:30:00+09:00", "4 Apr 18:30")]
    [InlineData("2027-04-04T09:30:00Z", "4 Apr 18:30")]
    public void A_time_without_an_offset_is_the_time_in_Korea(string said, string shown)
    {
        CultureInfo.CurrentUICulture = new("en");
        Assert.Equal(shown, Say.Meeting(said));
    }

    private static (string Name, string Value)[] Meeting => [("Wish.Day", "2027-04-04"), ("Wish.Address", "here")];

    private static int Shown(Page page) => page.Html.Split("<div class=\"picture\"><img").Length - 1;

    private static byte[] Photo(int shade)
    {
        using var bitmap = new SKBitmap(8, 8);
        bitmap.Erase(new SKColor((byte)(40 * shade), 90, 60));
        using var encoded = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return encoded.ToArray();
    }

    private static async Task Listed(TestTown town)
    {
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000 });
        await town.Post("/inventories", new { id = "200", productid = "200", productname = "chair", qty = 1, sellerid = "sujin", price = 10000 });
        await town.Settle();
    }
}
