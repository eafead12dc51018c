using System.Net;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;
using SecondhandTrade.Stocks;

namespace SecondhandTrade.SystemTests;

/// <summary>The documents that aggregates are kept in: they do not grow without need, cost no more reads than has changed, and are written once.</summary>
public sealed class Aggregates
{
    [Fact]
    public async Task What_has_been_published_leaves_a_document_also_where_each_activation_writes_once()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        using var http = new HttpClient();
        for (var price = 1; price <= 3; price++)
        {
            (await http.DeleteAsync(new Uri(town.Address("stock"), "/actors/ListingActor/100"))).EnsureSuccessStatusCode();
            Assert.Equal(HttpStatusCode.OK, (await Price(town, price)).Code);
        }

        Assert.Single((await Listing(town)).Document.Outbox);
    }

    [Fact]
    public async Task After_an_outage_of_the_broker_what_has_waited_is_published_before_more_is_added_to_it()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        town.Faults["stock"].On = true;
        for (var price = 1; price <= 3; price++)
        {
            await Price(town, price);
        }

        Assert.Equal(3, (await Listing(town)).Document.Outbox.Count);
        town.Faults["stock"].On = false;
        town.Clock.Advance(TimeSpan.FromSeconds(4));
        await Price(town, 4);

        Assert.Single((await Listing(town)).Document.Outbox);
        await town.Settle();
        Assert.Equal(4, (await town.Service<AggregateStore>("reservation").Load("100", ProductBook.Empty("100"))).Document.State.Listing!.Price);
    }

    [Fact]
    public async Task A_turn_of_a_book_reads_only_the_journals_of_what_it_has_changed()
    {
        const int Confirmed = 50;
        await using var town = await TestTown.Open();
        await town.List("100", qty: Confirmed + 1);
        await town.Stop("trade");
        await Task.WhenAll(Enumerable.Range(1, Confirmed).Select(n => town.Reserve($"{n}", "100", $"buyer{n}")));
        await town.Settle();
        Assert.Equal(Confirmed, (await town.Get("/reserves?status=예약완료")).Body!["page"]!["totalElements"]!.GetValue<int>());

        var before = town.Faults["reservation"].Reads;
        Assert.Equal("예약완료", (await town.Reserve("last", "100", "abc"))["status"]);
        await town.Settle();

        Assert.InRange(town.Faults["reservation"].Reads - before, 1, Confirmed / 2);
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_no_change_by_another()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var tag = (await town.Get("/inventories/100")).Response.Headers.ETag!.Tag;
        town.Faults["stock"].LoseAnswer("SaveState");

        var answer = await town.Send(HttpMethod.Patch, "/inventories/100", new { price = 1000 }, headers: ("If-Match", tag));

        Assert.Equal((HttpStatusCode.OK, "1000"), (answer.Code, answer["price"]));
        Assert.Equal((1000, 2), ((await Listing(town)).Document.State.Offer.Price, (await Listing(town)).Document.Version));
        await town.Settle();
        Assert.Equal(1000, (await town.Service<AggregateStore>("reservation").Load("100", ProductBook.Empty("100"))).Document.State.Listing!.Price);
    }

    [Fact]
    public async Task What_another_owner_has_written_is_the_version_that_is_compared()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        var (document, etag) = await Listing(town);
        Assert.True(await town.Service<AggregateStore>("stock").Save("100", document with { Version = document.Version + 1 }, etag));
        var tag = (await town.Get("/inventories/100")).Response.Headers.ETag!.Tag;

        var answer = await town.Send(HttpMethod.Patch, "/inventories/100", new { price = 1000 }, headers: ("If-Match", tag));

        Assert.Equal((HttpStatusCode.OK, "1000"), (answer.Code, answer["price"]));
    }

    private static Task<Answer> Price(TestTown town, int price) => town.Send(HttpMethod.Patch, "/inventories/100", new { price });

    private static Task<(Document<Listing> Document, string ETag)> Listing(TestTown town) => town.Service<AggregateStore>("stock").Load("100", new Listing("100"));
}
