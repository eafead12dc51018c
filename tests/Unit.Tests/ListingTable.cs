using System.Collections.Immutable;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using SecondhandTrade.Stocks;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>A listing of two units; "t" is a trade, and the reservation it came from, of one of them; "u" another.</summary>
public sealed class ListingTable(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Now = new(2027, 4, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Offer Bicycle = new("자전거", "seller", 50_000, "거의 새것", new(37.48, 126.98), true, null);

    private static readonly Offer Nothing = new(null, null, null, null, null, null, null);

    private static readonly IReadOnlyList<(string Name, Func<Listing, Decision<Listing>> Do)> Commands =
    [
        ("register", l => l.Register("p", Bicycle, 2, Now)),
        ("register under another id", l => l.Register("other", Bicycle, 2, Now)),
        ("change the price", l => l.Change(Nothing with { Price = 40_000 }, null, "seller", Now)),
        ("change nothing", l => l.Change(Nothing, null, "seller", Now)),
        ("change by stranger", l => l.Change(Nothing with { Price = 1 }, null, "stranger", Now)),
        ("hide", l => l.Change(Nothing with { Hidden = true }, null, "seller", Now)),
        ("show", l => l.Change(Nothing with { Hidden = false }, null, "seller", Now)),
        ("no units left", l => l.Change(Nothing, 0, "seller", Now)),
        ("5 units left", l => l.Change(Nothing, 5, "seller", Now)),
        ("withdraw", l => l.Withdraw("seller")),
        ("withdraw by stranger", l => l.Withdraw("stranger")),
        ("show a picture", l => l.Show(new("a", "image/png"), "seller")),
        ("show a picture by stranger", l => l.Show(new("a", "image/png"), "stranger")),
        ("take the picture down", l => l.TakeDown("a", "seller")),
        ("t held", l => l.Hear(Reserve("t", ReserveStatus.Held))),
        ("t confirmed", l => l.Hear(Reserve("t", ReserveStatus.Confirmed))),
        ("t cancelled", l => l.Hear(Reserve("t", ReserveStatus.Cancelled))),
        ("t fulfilled", l => l.Hear(Reserve("t", ReserveStatus.Fulfilled))),
        ("t accepted", l => l.Commit(Trade("t", 1))),
        ("u accepted, 2 units", l => l.Commit(Trade("u", 2))),
        ("t handed over", l => l.Decrease(Trade("t", 1), Now)),
        ("u handed over, 2 units", l => l.Decrease(Trade("u", 2), Now)),
        ("t trade cancelled", l => l.GiveBack(Trade("t", 1))),
        ("time passes", l => l.Overdue(Now.AddYears(1))),
    ];

    private static Listing OnSale => Next(new Listing("p").Register("p", Bicycle, 2, Now));

    private static Listing Held => Next(OnSale.Hear(Reserve("t", ReserveStatus.Held)));

    private static Listing Committed => Next(Held.Commit(Trade("t", 1)));

    private static IEnumerable<(string Name, Listing State)> States =>
    [
        ("– (nothing registered)", new Listing("p")),
        ("ON_SALE", OnSale),
        ("ON_SALE, t held", Held),
        ("ON_SALE, t committed", Committed),
        ("ON_SALE, t sold", Next(Committed.Decrease(Trade("t", 1), Now))),
        ("RESERVED, t and another held", Next(Held.Hear(Reserve("another", ReserveStatus.Held)))),
        ("SOLD", Next(Next(Committed.Decrease(Trade("t", 1), Now)).Decrease(Trade("another", 1), Now))),
        ("HIDDEN", Next(OnSale.Change(Nothing with { Hidden = true }, null, "seller", Now))),
        ("WITHDRAWN, t committed", Next(Committed.Withdraw("seller"))),
    ];

    [Fact]
    public void A_picture_more_is_offered_only_where_there_is_room_for_it()
    {
        var listing = Next(new Listing("p").Register("p", Bicycle, 2, Now));
        for (var n = 0; n < Listing.MostPictures; n++)
        {
            Assert.Contains("pictures", InventoryResource.Of(listing).Links);
            listing = Next(listing.Show(new($"{n}", "image/png"), "seller"));
        }

        Assert.DoesNotContain("pictures", InventoryResource.Of(listing).Links);
    }

    [Fact]
    public void A_listing_has_an_answer_to_every_command_in_every_status()
    {
        var table = StateTable.Of(States, Commands, Show, e => $"{e.EventType}{(e is ListingEvent { TradeId: { } trade } ? $" {{{trade}}}" : "")}");
        output.WriteLine(table);
        Assert.Equal(Repository.Lines(Machine), Repository.Lines(table));
    }

    [Fact]
    public void No_status_of_a_listing_is_missing_from_the_table()
    {
        var registered = States.Where(s => s.State.Id is not null).ToList();
        Assert.All(registered, s => Assert.StartsWith(StateTable.Code<InventoryStatus>(s.State.Status), s.Name, StringComparison.Ordinal));
        Assert.Equal(Enum.GetValues<InventoryStatus>(), registered.Select(s => s.State.Status).Distinct().Order());
    }

    [Fact]
    public void An_empty_description_takes_it_away_and_one_that_is_not_named_stays()
    {
        Assert.Null(Next(OnSale.Change(Nothing with { Description = "" }, null, "seller", Now)).Offer.Description);
        Assert.Equal("거의 새것", Next(OnSale.Change(Nothing with { Price = 1 }, null, "seller", Now)).Offer.Description);
        Assert.Null(new ChangeInventory(null, null, null, "", null, null, null, null).Wrong());
        Assert.NotNull(new ChangeInventory(null, null, null, "  ", null, null, null, null).Wrong());
    }

    [Fact]
    public void However_many_reservations_come_and_go_a_listing_remembers_a_few_hundred_and_takes_no_old_news_for_new()
    {
        var document = new Document<Listing>(1, OnSale, ImmutableDictionary<string, long>.Empty, []);
        for (var n = 1; n <= 1000; n++)
        {
            Hear(Told(n, 2 * n, ReserveStatus.Held));
            Hear(Told(n, (2 * n) + 1, ReserveStatus.Cancelled));
        }

        Assert.InRange(document.Seen.Count, 1, 400);
        Assert.Empty(document.State.Held);
        var settled = document;
        foreach (var n in new[] { 1, 500, 1000 })
        {
            Hear(Told(n, 2 * n, ReserveStatus.Held));
            Assert.Same(settled, document);
        }

        Hear(Told(1, 2002, ReserveStatus.Held));
        Assert.Equal(["1"], document.State.Held.Keys);

        void Hear(ReserveEvent e) => document = document.Turn(l => l.Hear(e), e, "stock:p", Now, null, Wire.Options(), told: true).Next;

        static ReserveEvent Told(int n, long version, ReserveStatus status) => Reserve($"{n}", status) with { Source = $"reservation:p/{n}", Version = version, Part = 1 };
    }

    [Fact]
    public void Of_a_trade_that_is_sold_the_adjustment_answers_and_of_one_that_was_cancelled_the_watermark()
    {
        var document = new Document<Listing>(1, OnSale, ImmutableDictionary<string, long>.Empty, []);
        Hear(Told("t", 1), l => l.Commit(Trade("t", 1)));
        Hear(Told("t", 2), l => l.Decrease(Trade("t", 1), Now));
        Hear(Told("u", 1), l => l.Commit(Trade("u", 1)));
        Hear(Told("u", 2), l => l.GiveBack(Trade("u", 1)));
        Assert.Equal(["trade:u"], document.Seen.Keys);

        foreach (var id in new[] { "t", "u" })
        {
            Hear(Told(id, 1), l => l.Commit(Trade(id, 1)));
            Hear(Told(id, 2), l => l.Decrease(Trade(id, 1), Now));
        }

        Assert.Equal((1, 2, true), (document.State.Qty, document.State.Adjustments.Count, document.State.Committed.IsEmpty));

        void Hear(TradeEvent e, Func<Listing, Decision<Listing>> decide) => document = document.Turn(decide, e, "stock:p", Now, null, Wire.Options(), told: true).Next;

        static TradeEvent Told(string id, long version) => Trade(id, 1) with { Source = $"trade:{id}", Version = version, Part = 1 };
    }

    [Fact]
    public void A_place_is_taken_away_only_by_saying_so()
    {
        var placed = Next(OnSale.Change(Nothing with { Place = new(37.5, 127) }, null, "seller", Now));
        Assert.Equal(new(37.5, 127), Next(placed.Change(Nothing with { Price = 1 }, null, "seller", Now)).Offer.Place);
        Assert.Null(placed.Change(Nothing with { Placeless = false }, null, "seller", Now).Next);

        var placeless = Next(placed.Change(Nothing with { Placeless = true }, null, "seller", Now));
        Assert.Equal((null, null), (placeless.Offer.Place, placeless.Offer.Placeless));
        Assert.Null(placeless.Change(Nothing with { Placeless = true }, null, "seller", Now).Next);
    }

    private static Listing Next(Decision<Listing> decision) => decision.Next!;

    private static ReserveEvent Reserve(string id, ReserveStatus status) => new() { Id = id, ProductId = "p", Qty = 1, StatusCode = status };

    private static TradeEvent Trade(string id, int qty) => new() { Id = id, ProductId = "p", Qty = qty };

    private static string Show(Listing listing) => string.Join(
        ", ",
        new[]
        {
            listing.Id is null ? "–" : StateTable.Code<InventoryStatus>(listing.Status),
            $"{listing.Qty} of {listing.Supplied}",
            listing.Held.IsEmpty ? null : $"held {string.Join("+", listing.Held.Keys)}",
            listing.Committed.IsEmpty ? null : $"committed {string.Join("+", listing.Committed.Keys)}",
        }.OfType<string>());

    private const string Machine = """
        – (nothing registered)
          register · register under another id | → ON_SALE, 2 of 2  ListingRegistered
          t held · t confirmed | → –, 0 of 0, held t
          t accepted · t handed over | → –, 0 of 0  StockDecreaseRejected {t}
          u accepted, 2 units · u handed over, 2 units | → –, 0 of 0  StockDecreaseRejected {u}
          change the price · change nothing · change by stranger · hide · show · no units left · 5 units left · withdraw · withdraw by stranger · show a picture · show a picture by stranger · take the picture down | refused not-found
          t cancelled · t fulfilled · t trade cancelled · time passes | unchanged

        ON_SALE
          change the price · show | → ON_SALE, 2 of 2  ListingChanged
          hide | → HIDDEN, 2 of 2  ListingChanged
          no units left | → SOLD, 0 of 0  ListingChanged
          5 units left | → ON_SALE, 5 of 5  ListingChanged
          withdraw | → WITHDRAWN, 2 of 2  ListingWithdrawn
          show a picture | → ON_SALE, 2 of 2
          t held · t confirmed | → ON_SALE, 2 of 2, held t
          t accepted | → ON_SALE, 2 of 2, committed t  StockCommitted {t}
          u accepted, 2 units | → ON_SALE, 2 of 2, committed u  StockCommitted {u}
          t handed over | → ON_SALE, 1 of 2  StockDecreased {t}
          u handed over, 2 units | → SOLD, 0 of 2  StockDecreased {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          register · change nothing · take the picture down · t cancelled · t fulfilled · t trade cancelled · time passes | unchanged

        ON_SALE, t held
          change the price · show | → ON_SALE, 2 of 2, held t  ListingChanged
          hide | → HIDDEN, 2 of 2, held t  ListingChanged
          5 units left | → ON_SALE, 5 of 5, held t  ListingChanged
          withdraw | → WITHDRAWN, 2 of 2, held t  ListingWithdrawn
          show a picture | → ON_SALE, 2 of 2, held t
          t cancelled · t fulfilled | → ON_SALE, 2 of 2
          t accepted | → ON_SALE, 2 of 2, held t, committed t  StockCommitted {t}
          u accepted, 2 units | → ON_SALE, 2 of 2, held t, committed u  StockCommitted {u}
          t handed over | → ON_SALE, 1 of 2  StockDecreased {t}
          u handed over, 2 units | → SOLD, 0 of 2, held t  StockDecreased {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          no units left | refused units-promised
          register · change nothing · take the picture down · t held · t confirmed · t trade cancelled · time passes | unchanged

        ON_SALE, t committed
          change the price · show | → ON_SALE, 2 of 2, held t, committed t  ListingChanged
          hide | → HIDDEN, 2 of 2, held t, committed t  ListingChanged
          5 units left | → ON_SALE, 5 of 5, held t, committed t  ListingChanged
          withdraw | → WITHDRAWN, 2 of 2, held t, committed t  ListingWithdrawn
          show a picture | → ON_SALE, 2 of 2, held t, committed t
          t cancelled · t fulfilled | → ON_SALE, 2 of 2, committed t
          u accepted, 2 units · u handed over, 2 units | → ON_SALE, 2 of 2, held t, committed t  StockDecreaseRejected {u}
          t handed over | → ON_SALE, 1 of 2  StockDecreased {t}
          t trade cancelled | → ON_SALE, 2 of 2, held t  StockRestored {t}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          no units left | refused units-promised
          register · change nothing · take the picture down · t held · t confirmed · t accepted · time passes | unchanged

        ON_SALE, t sold
          change the price · show | → ON_SALE, 1 of 2  ListingChanged
          hide | → HIDDEN, 1 of 2  ListingChanged
          no units left | → SOLD, 0 of 1  ListingChanged
          5 units left | → ON_SALE, 5 of 6  ListingChanged
          withdraw | → WITHDRAWN, 1 of 2  ListingWithdrawn
          show a picture | → ON_SALE, 1 of 2
          u accepted, 2 units · u handed over, 2 units | → ON_SALE, 1 of 2  StockDecreaseRejected {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          register · change nothing · take the picture down · t held · t confirmed · t cancelled · t fulfilled · t accepted · t handed over · t trade cancelled · time passes | unchanged

        RESERVED, t and another held
          change the price · show | → RESERVED, 2 of 2, held another+t  ListingChanged
          hide | → HIDDEN, 2 of 2, held another+t  ListingChanged
          5 units left | → ON_SALE, 5 of 5, held another+t  ListingChanged
          withdraw | → WITHDRAWN, 2 of 2, held another+t  ListingWithdrawn
          show a picture | → RESERVED, 2 of 2, held another+t
          t cancelled · t fulfilled | → ON_SALE, 2 of 2, held another
          t accepted | → RESERVED, 2 of 2, held another+t, committed t  StockCommitted {t}
          u accepted, 2 units | → RESERVED, 2 of 2, held another+t, committed u  StockCommitted {u}
          t handed over | → RESERVED, 1 of 2, held another  StockDecreased {t}
          u handed over, 2 units | → SOLD, 0 of 2, held another+t  StockDecreased {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          no units left | refused units-promised
          register · change nothing · take the picture down · t held · t confirmed · t trade cancelled · time passes | unchanged

        SOLD
          change the price · show | → SOLD, 0 of 2  ListingChanged
          hide | → HIDDEN, 0 of 2  ListingChanged
          5 units left | → ON_SALE, 5 of 7  ListingChanged
          withdraw | → WITHDRAWN, 0 of 2  ListingWithdrawn
          show a picture | → SOLD, 0 of 2
          u accepted, 2 units · u handed over, 2 units | → SOLD, 0 of 2  StockDecreaseRejected {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          register · change nothing · no units left · take the picture down · t held · t confirmed · t cancelled · t fulfilled · t accepted · t handed over · t trade cancelled · time passes | unchanged

        HIDDEN
          change the price | → HIDDEN, 2 of 2  ListingChanged
          show | → ON_SALE, 2 of 2  ListingChanged
          no units left | → HIDDEN, 0 of 0  ListingChanged
          5 units left | → HIDDEN, 5 of 5  ListingChanged
          withdraw | → WITHDRAWN, 2 of 2  ListingWithdrawn
          show a picture | → HIDDEN, 2 of 2
          t held · t confirmed | → HIDDEN, 2 of 2, held t
          t accepted | → HIDDEN, 2 of 2, committed t  StockCommitted {t}
          u accepted, 2 units | → HIDDEN, 2 of 2, committed u  StockCommitted {u}
          t handed over | → HIDDEN, 1 of 2  StockDecreased {t}
          u handed over, 2 units | → HIDDEN, 0 of 2  StockDecreased {u}
          register under another id | refused product-listed-already
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          register · change nothing · hide · take the picture down · t cancelled · t fulfilled · t trade cancelled · time passes | unchanged

        WITHDRAWN, t committed
          t cancelled · t fulfilled | → WITHDRAWN, 2 of 2, committed t
          u accepted, 2 units · u handed over, 2 units | → WITHDRAWN, 2 of 2, held t, committed t  StockDecreaseRejected {u}
          t handed over | → WITHDRAWN, 1 of 2  StockDecreased {t}
          t trade cancelled | → WITHDRAWN, 2 of 2, held t  StockRestored {t}
          register under another id | refused product-listed-already
          change the price · change nothing · hide · show · no units left · 5 units left · show a picture | refused not-allowed-in-state
          change by stranger · withdraw by stranger · show a picture by stranger | refused not-found
          register · withdraw · take the picture down · t held · t confirmed · t accepted · time passes | unchanged
        """;
}
