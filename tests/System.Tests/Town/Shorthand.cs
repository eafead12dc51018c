namespace SecondhandTrade.SystemTests;

/// <summary>What nearly every test does first.</summary>
public static class Shorthand
{
    /// <summary>Lists a product under an inventory of the same id and lets the news go round.</summary>
    public static async Task List(this TestTown town, string productId, int qty = 1)
    {
        await town.Post("/inventories", new { id = productId, productid = productId, productname = "애플워치", qty });
        await town.Settle();
    }

    public static Task<Answer> Reserve(this TestTown town, string id, string productId, string buyer, long price = 50000, int qty = 1) =>
        town.Post("/reserves", new { id, productid = productId, userid = buyer, qty, reserveDt = "2027-04-04", address = "서울", price });
}
