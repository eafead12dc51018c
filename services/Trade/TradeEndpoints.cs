using System.Text.Json.Serialization;
using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Trades;

/// <summary>What the seed sends to open a trade: it names the reservation and what it takes it to be.</summary>
public sealed record OpenTrade(string? Id, string? ProductId, string? UserId, string? ProductName, int? Qty, long? Price) : ValidatedRequest
{
    public override Check Check() => new Check()
        .Id(Id, "id")
        .Id(ProductId, "productid")
        .Text(UserId, "userid", required: true, longest: Caller.LongestName)
        .Text(ProductName, "productname")
        .Number(Qty, "qty", 1, 1000)
        .Number(Price, "price", 1, 1_000_000_000_000, required: false);

    public bool Means(TradeTerm about) => about.ProductId == ProductId && about.UserId == UserId && about.Qty == Qty && (Price is null || about.Price == Price);
}

/// <summary>Why a buyer disputes.</summary>
public sealed record OpenDispute(string? Reason) : ValidatedRequest
{
    public override Check Check() => new Check().Text(Reason, "reason", required: true, longest: 1000);
}

/// <summary>How a dispute ends: <c>paid-out</c> to the seller or <c>refunded</c> to the buyer.</summary>
public sealed record SettleDispute(string? Outcome) : ValidatedRequest
{
    public override Check Check() => new Check().OneOf(Outcome, "outcome", "paid-out", "refunded");
}

/// <summary>A trade as people see it; <c>_links</c> holds only what may be done now.</summary>
public sealed record TradeResource(
    string Id, string ProductId, string? ProductName, string UserId, string? SellerId, int Qty, long Price, string ReserveDt, string? Address, string PaymentId,
    string Status, TradeStatus StatusCode, DateTimeOffset? AcceptBy, DateTimeOffset? HandedOverAt, DateTimeOffset? CompleteBy, string? Reason, DateTimeOffset OpenedAt,
    [property: JsonPropertyName("_links")] Dictionary<string, Link> Links)
{
    public const string Kind = "trades";

    private static readonly string[] Buyers = ["receive", "complete", "defer", "dispute"];
    private static readonly string[] Sellers = ["accept", "decline", "handover"];

    /// <summary>The trade as the caller sees it; whoever is no party but may see it, as the town does, sees it whole.</summary>
    public static TradeResource Of(Trade trade, Caller? caller)
    {
        // The place is between the two only once the trade is accepted.
        var whole = Of(trade);
        return caller is null ? whole
            : caller.Is(whole.UserId) || (caller.Is(whole.SellerId) && trade.Accepted) ? whole.For(caller)
            : whole.For(caller) with { Address = null };
    }

    /// <summary>Whether a deadline has passed since this was written.</summary>
    public bool IsOverdue(DateTimeOffset now) => StatusCode switch
    {
        TradeStatus.AwaitingSeller => AcceptBy <= now,
        TradeStatus.HandedOver => CompleteBy <= now,
        _ => false,
    };

    /// <summary>This without what only another may do.</summary>
    public TradeResource For(Caller caller) => this with
    {
        Links = Links.Where(l => !(Buyers.Contains(l.Key) && !caller.Is(UserId)) && !(Sellers.Contains(l.Key) && !caller.ActsFor(SellerId))).ToDictionary(),
    };

    public static Row<TradeResource> Row(Document<Trade> document)
    {
        var trade = document.State;
        return new(
            trade.Id, document.Version, trade.OpenedAt.ToUnixTimeMilliseconds(),
            [$"userid={trade.About!.UserId}", $"productid={trade.About.ProductId}", $"status={trade.Status!.Value.Korean(trade.ByReservation)}", .. trade.About.SellerId is { } seller ? new[] { $"userid={seller}" } : []],
            Of(trade));
    }

    private static TradeResource Of(Trade trade)
    {
        var (about, path) = (trade.About!, $"/trades/{trade.Id}");
        var links = new Dictionary<string, Link> { ["self"] = new(path), ["reserve"] = new($"/reserves/{trade.Id}"), ["payment"] = new($"/payments/{about.PaymentId}") };
        foreach (var action in trade.Allowed)
        {
            links[action] = new($"{path}/{action}", "PUT");
        }

        return new(
            trade.Id, about.ProductId, about.ProductName, about.UserId, about.SellerId, about.Qty, about.Price, about.ReserveDt, about.Address, about.PaymentId,
            trade.Status!.Value.Korean(trade.ByReservation), trade.Status.Value, trade.AcceptBy, trade.HandedOverAt, trade.CompleteBy, trade.Reason, trade.OpenedAt, links);
    }
}

/// <summary>HTTP endpoints of <c>/trades</c>.</summary>
public static class TradeEndpoints
{
    // Capture and stock commitment follow acceptance asynchronously; wait for up to 2 s rather than refuse a fast user.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public static void MapTrades(this IEndpointRouteBuilder routes)
    {
        var trades = routes.MapGroup("/trades").WithTags("Trades");

        trades.MapPost("", async (OpenTrade said, Caller caller, HttpContext http, AggregateStore store, PaymentClaimer claims) =>
        {
            var body = said with { UserId = caller.Named(said.UserId) };
            if (body.Wrong() is { } wrong)
            {
                return wrong;
            }

            var trade = await Find(store, body.Id!);
            if (trade.About is { } others && !caller.Is(others.UserId))
            {
                return Unpaid(body.Id!);
            }

            if (!trade.Exists)
            {
                switch (await claims.Look(body.Id!))
                {
                    case null:
                        return Problems.Unavailable("payment-unavailable", "Whether this is paid cannot be asked at the moment; no trade was opened.");
                    case { Outcome: PaymentStatus.Authorized or PaymentStatus.Claimed or PaymentStatus.Captured or PaymentStatus.Released, UserId: var payer } when caller.Is(payer):
                        break;
                    default:
                        return Unpaid(body.Id!);
                }

                trade = await Until(store, body.Id!, t => t.Status is not null);
                if (trade.Status == TradeStatus.Draft && trade.About is { } draft && body.Means(draft) && await claims.Claim(trade) is { View: { Exists: true } claimed })
                {
                    return Matches(http, body, caller, claimed, 201);
                }

                trade = await Find(store, body.Id!);
                return trade.Exists ? Matches(http, body, caller, trade, 201)
                    : trade.Status == TradeStatus.Refused ? Problems.Problem(402, "payment-required", $"The payment of reservation {body.Id} could not be claimed; there is no trade.")
                    : Problems.Unavailable("trade-not-ready", $"Reservation {body.Id} is paid but its trade is not open yet; ask again in a moment.", 1);
            }

            return Matches(http, body, caller, trade, 200);
        }).WithSummary("Opens the trade of a reservation that is paid; it opens by itself, too.")
            .Answers<TradeResource>(200, 201).Refuses(402, "payment-required").Refuses(409, "id-conflict").Refuses(503, "payment-unavailable", "trade-not-ready");

        trades.MapGet("", async (Caller caller, string? productid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists, AggregateStore store) =>
        {
            var paging = new Paging(page, size, sort);
            if (paging.Check().Failed() is { } wrong)
            {
                return wrong;
            }

            // Whoever settles disputes must find them.
            var whose = caller.UserId is { } own && !(caller.IsOperator && status == TradeStatus.Disputed.Korean()) ? $"userid={own}" : null;
            var (views, total) = await lists.Query<TradeResource>(
                TradeResource.Kind, paging, whose, productid is null ? null : $"productid={productid}", status is null ? null : $"status={status}");
            var now = await Task.WhenAll(views.Select(async v => v.IsOverdue(store.Clock.GetUtcNow()) ? TradeResource.Of(await Find(store, v.Id), null) : v));
            return Hal.List(http, TradeResource.Kind, [.. now.Select(v => (v.UserId == caller.UserId ? v : v with { Address = null }).For(caller))], total, paging);
        }).WithSummary("Lists the caller's trades, as buyer and as seller; to an operator everyone's that are in dispute.").Lists<TradeResource>(TradeResource.Kind);

        trades.MapGet("/{id}", async (string id, Caller caller, HttpContext http, AggregateStore store) =>
            await Find(store, id) is { Exists: true } trade && IsParty(caller, trade) ? Hal.Ok(http, TradeResource.Of(trade, caller), trade.Tag) : Problems.NotFound("trade", id))
            .WithSummary("Shows a trade to its buyer and its seller.").Answers<TradeResource>(200);

        void Act(string name, TradeAction action, string summary, params IEnumerable<string> refusals) => trades.MapPut($"/{{id}}/{name}", (string id, Caller caller, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
            Do(http, store, actors, id, action, caller, null)).WithSummary(summary).Answers<TradeResource>(200).Refuses(409, ["not-allowed-in-state", .. refusals]);

        Act("accept", TradeAction.Accept, "The seller takes the buyer's reservation on.");
        Act("decline", TradeAction.Decline, "The seller does not take it on; the buyer's money goes back.");
        Act("handover", TradeAction.HandOver, "The seller has handed the goods over.", "not-ready");
        Act("receive", TradeAction.Receive, "The buyer has received the goods.", "not-ready");
        Act("complete", TradeAction.Complete, "The buyer is content; the seller is paid.");
        Act("defer", TradeAction.Defer, "The buyer wants more time to look at the goods.", "deferred-to-the-limit");
        Act("cancel", TradeAction.Cancel, "Either calls it off before the hand-over; the buyer's money goes back.", "already-handed-over");

        trades.MapPut("/{id}/dispute", async (string id, Caller caller, OpenDispute body, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
            body.Wrong() ?? await Do(http, store, actors, id, TradeAction.Dispute, caller, body.Reason))
            .WithSummary("The buyer finds something wrong with the goods; the money stays where it is.").Answers<TradeResource>(200).Refuses(409, "not-allowed-in-state");

        trades.MapPut("/{id}/resolve", async (string id, SettleDispute body, HttpContext http, AggregateStore store, IActorProxyFactory actors) =>
            body.Wrong() ?? await Do(http, store, actors, id, body.Outcome == "refunded" ? TradeAction.ResolveRefunded : TradeAction.ResolvePaidOut, null, null)).RequireAuthorization(SignIn.Operator)
            .WithinTown().WithSummary("Settles a dispute: the seller is paid, or the buyer gets the money back.").Answers<TradeResource>(200).Refuses(409, "not-allowed-in-state");
    }

    private static async Task<IResult> Do(HttpContext http, AggregateStore store, IActorProxyFactory actors, string id, TradeAction action, Caller? caller, string? reason)
    {
        var trade = await Find(store, id);
        if (!trade.Exists || (caller is not null && !MayTry(caller, trade, action)))
        {
            return Problems.NotFound("trade", id);
        }

        if (Hal.Stale(http, trade.Tag) is { } stale)
        {
            return stale;
        }

        if (action is TradeAction.HandOver or TradeAction.Receive)
        {
            // What is waited for is not a change that the caller should look at first.
            var ready = await Until(store, id, t => t.Status != TradeStatus.InProgress || (t.Captured && t.Committed));
            trade = ready.Status == trade.Status ? ready : trade;
        }

        var reply = await actors.Trade(id).Do(action, caller?.UserId, reason, Hal.NamesVersion(http) ? trade.Tag : null);
        return reply.Refusal is { } refusal ? Problems.Refused(refusal) : Hal.Ok(http, TradeResource.Of(reply.View!, caller), reply.View!.Tag);
    }

    private static IResult Matches(HttpContext http, OpenTrade body, Caller caller, Trade trade, int status) => body.Means(trade.About!)
        ? Hal.Ok(http, TradeResource.Of(trade, caller), trade.Tag, status, status == 201 ? $"/trades/{trade.Id}" : null)
        : Problems.Problem(409, "id-conflict", $"Trade {trade.Id} is about another product, buyer, quantity or price.");

    private static IResult Unpaid(string id) => Problems.Problem(402, "payment-required", $"Reservation {id} has no authorised payment; a trade exists only once it is paid.");

    private static bool IsParty(Caller caller, Trade trade) => caller.Is(trade.About!.UserId) || caller.Is(trade.About.SellerId);

    // Where the listing names no seller there is nobody to do the seller's part but one who is believed.
    private static bool MayTry(Caller caller, Trade trade, TradeAction action) =>
        action is TradeAction.Accept or TradeAction.Decline or TradeAction.HandOver ? caller.ActsFor(trade.About!.SellerId) : IsParty(caller, trade);

    private static async Task<Trade> Find(AggregateStore store, string id)
    {
        var (document, _) = await store.Load(id, new Trade(id));
        return document.State.AsOf(store.Clock.GetUtcNow());
    }

    private static async Task<Trade> Until(AggregateStore store, string id, Func<Trade, bool> ready)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        var trade = await Find(store, id);
        while (!ready(trade) && waited.Elapsed < Moment)
        {
            await Task.Delay(Look);
            trade = await Find(store, id);
        }

        return trade;
    }
}

[JsonSerializable(typeof(OpenTrade))]
[JsonSerializable(typeof(OpenDispute))]
[JsonSerializable(typeof(SettleDispute))]
[JsonSerializable(typeof(PaymentClaim))]
[JsonSerializable(typeof(PaymentAnswer))]
[JsonSerializable(typeof(Document<Trade>))]
[JsonSerializable(typeof(Reply<Trade>))]
[JsonSerializable(typeof(TradeResource))]
[JsonSerializable(typeof(HalList<TradeResource>))]
public sealed partial class TradeJson : JsonSerializerContext;
