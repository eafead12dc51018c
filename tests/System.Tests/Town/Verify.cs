using System.Text.Json.Nodes;
using SecondhandTrade.Contracts;
using SecondhandTrade.Payments;
using SecondhandTrade.Platform;
using SecondhandTrade.Reservations;
using SecondhandTrade.Stocks;

namespace SecondhandTrade.SystemTests;

/// <summary>The invariants, checked on a town at rest: by what people can see, and by the documents behind it.</summary>
public static class Verify
{
    public static async Task Holds(TestTown town)
    {
        await town.Settle();
        Assert.Empty(AccessControl.OfTheChart.Refused(town.Called));
        var reserves = await All(town, "reserves");
        var trades = await All(town, "trades");
        var inventories = await All(town, "inventories");
        var pages = await All(town, "mypages");

        foreach (var product in reserves.GroupBy(r => Text(r, "productid")))
        {
            await Units(town, product.Key, [.. product]);
        }

        foreach (var trade in trades)
        {
            await Money(town, trade);
        }

        foreach (var inventory in inventories)
        {
            var lines = (await town.Get($"/inventories/{Text(inventory, "id")}/adjustments")).Body!["adjustments"]!.AsArray();
            var decreases = lines.Where(l => l!["tradeid"] is not null).Select(l => $"{l!["tradeid"]}").ToList();
            Assert.True((int)inventory["qty"]! >= 0, "I11: never negative");
            Assert.Equal((int)inventory["qty"]!, lines.Sum(l => (int)l!["delta"]!));
            Assert.Equal(decreases.Distinct().Count(), decreases.Count);
        }

        var books = (await town.Send(HttpMethod.Get, "/payments/reconciliation", app: "payment")).Body!;
        Assert.True((bool)books["balanced"]!, "I4: captured = escrow + released + refunded");
        Assert.Empty(books["differences"]!.AsArray());

        foreach (var reserve in reserves)
        {
            var page = Assert.Single(pages, p => Text(p, "reservationid") == Text(reserve, "id"));
            var now = await town.Get($"/reserves/{Text(reserve, "id")}");
            Assert.Equal(now["status"], Text(page, "reserveStatus"));
        }

        await Told(town, reserves);
        foreach (var trade in trades)
        {
            Assert.Equal(Text(trade, "status"), Text(Assert.Single(pages, p => Text(p, "reservationid") == Text(trade, "id")), "tradeStatus"));
        }
    }

    // I1: never more units spoken for than were put up. I8: nobody holds while an earlier one waits for what is free.
    private static async Task Units(TestTown town, string productId, List<JsonNode> reserves)
    {
        var store = town.Service<AggregateStore>("reservation");
        var (book, _) = await store.Load(productId, ProductBook.Empty(productId));
        var (listing, _) = await town.Service<AggregateStore>("stock").Load(productId, new Listing(productId));
        var spoken = reserves.Where(r => Text(r, "statusCode") is "HELD" or "CONFIRMED" or "CANCEL_PENDING" or "FULFILLED").Sum(r => (int)r["qty"]!);
        Assert.True(spoken <= listing.State.Supplied, $"I1: {spoken} units of {productId} are spoken for, {listing.State.Supplied} were put up");
        Assert.True(book.State.Free >= 0, "I1: the book gives no more than there is");
        var waiting = book.State.Reserves.Where(r => r.Status == ReserveStatus.Waitlisted && r.Until > town.Clock.GetUtcNow()).ToList();
        Assert.DoesNotContain(waiting, r => r.Qty <= book.State.Free && book.State.Listing!.StatusCode is not (InventoryStatus.Withdrawn or InventoryStatus.Hidden));
    }

    // I7: every change a buyer can see was told to the buyer, and nobody was told anything twice.
    private static async Task Told(TestTown town, List<JsonNode> reserves)
    {
        var notices = (await All(town, "notices")).Where(n => n["reservationid"] is not null).ToList();
        var twice = notices.GroupBy(n => (Text(n, "userid"), Text(n, "reservationid"), Text(n, "status"), Text(n, "message"), Text(n, "createdAt"))).Where(g => g.Count() > 1);
        Assert.Empty(twice.Select(g => g.Key));
        foreach (var reserve in reserves)
        {
            var seen = (await town.Get($"/reserves/{Text(reserve, "id")}/timeline")).Body!["timeline"]!.AsArray().Select(l => Text(l!, "status")).Where(s => s != "예약접수").Distinct();
            var told = notices.Where(n => Text(n, "reservationid") == Text(reserve, "id") && Text(n, "userid") == Text(reserve, "userid")).Select(n => Text(n, "status"));
            Assert.Empty(seen.Except(told).Select(status => $"I7: {Text(reserve, "userid")} was never told that {Text(reserve, "id")} is {status}"));
        }
    }

    // I2, I3, I4: a trade has its payment, nobody else has, and a cancelled one keeps none of it.
    private static async Task Money(TestTown town, JsonNode trade)
    {
        var (document, _) = await town.Service<AggregateStore>("payment").Load(Text(trade, "paymentid"), new Payment(Text(trade, "paymentid")));
        var payment = document.State;
        Assert.Equal(Text(trade, "id"), payment.TradeId);
        Assert.Equal(Text(trade, "userid"), payment.Order!.UserId);
        Assert.Equal((long)trade["price"]! * (int)trade["qty"]!, payment.Order.Amount);
        if (Text(trade, "statusCode") is "CANCELLED" or "DECLINED")
        {
            Assert.Equal(0, payment.Balance(Account.Escrow));
            Assert.True(payment.Status is PaymentStatus.Voided or PaymentStatus.Refunded, $"I4: the payment of cancelled trade {payment.Id} is {payment.Status}");
        }
        else
        {
            Assert.True(payment.Status is PaymentStatus.Claimed or PaymentStatus.Captured or PaymentStatus.Released or PaymentStatus.Refunded, $"I2: trade {payment.Id} has a payment that is {payment.Status}");
        }
    }

    private static async Task<List<JsonNode>> All(TestTown town, string kind)
    {
        var all = new List<JsonNode>();
        for (var page = 0; ; page++)
        {
            var answer = await town.Get($"/{kind}?size=100&page={page}");
            all.AddRange(answer.List(kind).Select(n => n!));
            if (all.Count >= (int)answer.Body!["page"]!["totalElements"]!)
            {
                return all;
            }
        }
    }

    private static string Text(JsonNode node, string field) => $"{node[field]}";
}
