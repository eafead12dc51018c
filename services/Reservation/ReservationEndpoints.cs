using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>HTTP endpoints of <c>/reserves</c> and of a product's queue.</summary>
public static class ReservationEndpoints
{
    // Why the book gives a reservation neither a unit nor a place in the queue.
    private static readonly string[] Rejections = ["own-listing", "not-on-sale", "past-date", "price-changed", "price-required", "sold-out", "queue-full", "unknown-product"];

    public static void MapReservations(this IEndpointRouteBuilder routes)
    {
        var reserves = routes.MapGroup("/reserves").WithTags("Reservations");

        reserves.MapPost("", async (PlaceReserve body, Caller caller, HttpContext http, Intake intake) =>
        {
            var asked = body with { Id = http.NewId(body.Id), UserId = caller.Named(body.UserId) };
            if (asked.Wrong() is { } wrong)
            {
                return wrong;
            }

            // One that is known gets its answer, whatever stock says of the product by now.
            if (await intake.Find(asked.Id!) is var (known, _))
            {
                return known.Request == asked ? await Settle(http, intake, known) : Problems.IdTaken(http, body.Id, "reservation", asked.Id!);
            }

            if (!await intake.MayExist(asked.ProductId!))
            {
                return Problems.Problem(404, "unknown-product", $"There is no product {asked.ProductId}; nothing was reserved.", null, ("errors", new Dictionary<string, string[]> { ["productid"] = ["unknown product"] }));
            }

            if (await intake.HasTooMany(asked.UserId!) is { } most)
            {
                return Problems.Problem(409, "too-many-open", $"{most} of your reservations are open already; cancel one, or wait for one to end, before you make another.");
            }

            var journal = await intake.Write(asked);
            return journal.Request == asked ? await Settle(http, intake, journal) : Problems.IdTaken(http, body.Id, "reservation", asked.Id!);
        }).WithSummary("Reserves units of a product and pays for them, or waits in its queue.")
            .Answers<ReserveResource>(201, 202).Refuses(402, "payment-declined").Refuses(404, "unknown-product").Refuses(409, [.. Rejections, "id-conflict", "too-many-open"]).Refuses(422, "idempotency-key-reused");

        reserves.MapGet("", async (Caller caller, string? productid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists, Intake intake) =>
        {
            var paging = new Paging(page, size, sort);
            if (paging.Check().Failed() is { } wrong)
            {
                return wrong;
            }

            var (views, total) = await lists.Query<ReserveResource>(
                ReserveResource.Kind, paging, caller.UserId is { } own ? $"userid={own}" : null, productid is null ? null : $"productid={productid}", status is null ? null : $"status={status}");
            var now = await Task.WhenAll(views.Select(intake.AsOfNow));
            return Hal.List(http, ReserveResource.Kind, [.. now.Select(v => v.UserId == caller.UserId ? v : v.For(caller) with { Address = null })], total, paging);
        }).WithSummary("Lists the caller's reservations, as buyer and as seller.").Lists<ReserveResource>(ReserveResource.Kind);

        reserves.MapGet("/{id}", async (string id, Caller caller, HttpContext http, Intake intake) =>
            await Find(intake, caller, id) is var (journal, position)
                ? Hal.Ok(http, ReserveResource.Of(journal, position, caller), Tag(journal, position))
                : Problems.NotFound("reservation", id)).WithSummary("Shows a reservation to its buyer and its seller.").Answers<ReserveResource>(200);

        reserves.MapGet("/{id}/timeline", async (string id, Caller caller, HttpContext http, Intake intake) =>
            await Find(intake, caller, id) is var (journal, _)
                ? Hal.Ok(http, new TimelineResource(id, journal.Timeline, new() { ["self"] = new($"/reserves/{id}/timeline"), ["reserve"] = new($"/reserves/{id}") }), $"{journal.Timeline.LastOrDefault()?.Order ?? 0}")
                : Problems.NotFound("reservation", id)).WithSummary("Tells what happened to a reservation, oldest first.").Answers<TimelineResource>(200);

        reserves.MapPut("/{id}/pay", async (string id, Caller caller, HttpContext http, Intake intake, IActorProxyFactory actors) =>
        {
            if (await Find(intake, caller, id) is not var (journal, position))
            {
                return Problems.NotFound("reservation", id);
            }

            if (Hal.Stale(http, Tag(journal, position)) is { } stale)
            {
                return stale;
            }

            if (journal.Timeline.IsEmpty)
            {
                await intake.Decide(journal);
            }

            var expected = Hal.NamesVersion(http) ? Tag(journal, position) : null;
            var reply = await Ask(intake, journal, actors.Product(journal.Request.ProductId!).Pay(id, caller.UserId, expected), book => book.Pay(id, caller.UserId, expected));
            return reply.Refusal is { } refusal ? Problems.Refused(refusal) : await Settle(http, intake, journal with { Last = reply.View! }, pay: true);
        }).WithSummary("Pays for a unit that is held, after a payment that was declined or got no answer.")
            .Answers<ReserveResource>(200, 202).Refuses(402, "payment-declined").Refuses(409, [.. Rejections, "not-allowed-in-state", "hold-expired"]);

        reserves.MapPut("/{id}/reservecancel", async (string id, Caller caller, HttpContext http, Intake intake, IActorProxyFactory actors, TimeProvider clock) =>
        {
            if (await Find(intake, caller, id) is not var (journal, position))
            {
                return Problems.NotFound("reservation", id);
            }

            if (Hal.Stale(http, Tag(journal, position)) is { } stale)
            {
                return stale;
            }

            if (journal.Timeline.IsEmpty)
            {
                await intake.Decide(journal);
            }

            var reason = caller.UserId is { } by && by == journal.Last.SellerId ? "by-seller" : "by-buyer";
            var expected = Hal.NamesVersion(http) ? Tag(journal, position) : null;
            var reply = await Ask(
                intake, journal, actors.Product(journal.Request.ProductId!).Cancel(id, caller.UserId, reason, expected),
                book => book.Cancel(id, caller.UserId, reason, clock.GetUtcNow(), expected));
            if (reply.Refusal is { } refusal)
            {
                return Problems.Refused(refusal);
            }

            var reserve = reply.View is { Status: ReserveStatus.CancelPending } pending ? await intake.Void(journal.Request.ProductId!, pending) : reply.View!;
            return Hal.Ok(http, ReserveResource.Of(journal with { Last = reserve }, null, caller), $"{reserve.Version}.", reserve.Status == ReserveStatus.CancelPending ? 202 : 200);
        }).WithSummary("Cancels a reservation; what was paid is voided or given back.").Answers<ReserveResource>(200, 202).Refuses(409, "not-allowed-in-state", "already-handed-over");

        routes.MapGet("/products/{productid}/queue", async (string productid, Caller caller, HttpContext http, AggregateStore store) =>
        {
            var (book, _) = await store.Load(productid, ProductBook.Empty(productid));
            var now = book.State.AsOf(store.Clock.GetUtcNow());
            var own = now.Reserves.Find(r => r.UserId == caller.UserId && r.Status == ReserveStatus.Waitlisted);
            var shown = now.Listing is { } listing && (listing.StatusCode is not (InventoryStatus.Hidden or InventoryStatus.Withdrawn) || own is not null || caller.ActsFor(listing.SellerId));
            if (!shown)
            {
                return Problems.NotFound("product", productid);
            }

            var queue = new QueueResource(
                productid, Math.Max(0, now.Free), now.Reserves.Count(r => r.Status == ReserveStatus.Waitlisted), own is null ? null : now.Position(own.Id),
                new() { ["self"] = new($"/products/{productid}/queue") });
            return Hal.Ok(http, queue, $"{queue.Free}.{queue.Waiting}.{queue.Position}");
        }).WithTags("Reservations").AllowAnonymous().WithSummary("Tells how many units of a product are free and how many people wait.").Answers<QueueResource>(200);
    }

    // For anyone but buyer and seller: 404, as if it did not exist.
    private static async Task<(Journal Journal, int? Position)?> Find(Intake intake, Caller caller, string id) =>
        await intake.Find(id) is { } found && (caller.Is(found.Journal.Last.UserId) || caller.Is(found.Journal.Last.SellerId)) ? found : null;

    // As ProductBook.Tag, for what may have left the book.
    private static string Tag(Journal journal, int? position) => $"{journal.Last.Version}.{position}";

    /// <summary>Sees a reservation as far as it goes now, decision and payment, and answers as the buyer needs it.</summary>
    private static async Task<IResult> Settle(HttpContext http, Intake intake, Journal journal, bool pay = false)
    {
        var (reserve, isPost) = (journal.Last, !pay);
        if (journal.Timeline.IsEmpty && await intake.Decide(journal) is { View: { } decided } reply)
        {
            // A request that is only repeated does not charge again, nor one whose twin has just been decided.
            (reserve, pay) = (decided, pay || reply.Changed);
        }

        PaymentAnswer? said = null;
        if (reserve.Status == ReserveStatus.Held)
        {
            // One whose first answer was lost is told again what it said, a declined payment most of all.
            (reserve, said) = pay ? await intake.Pay(journal.Request.ProductId!, reserve) : (reserve, await intake.PaymentOf(reserve.Id));
        }

        if (reserve is { Status: ReserveStatus.Held } && said?.Outcome is PaymentStatus.Declined)
        {
            return Problems.Problem(
                402, "payment-declined", $"The payment was declined ({said.Reason ?? "no reason given"}); the unit is held until {reserve.PayBy:u}, pay again at /reserves/{reserve.Id}/pay.", null,
                ("currentStatus", reserve.Status.Korean()), ("allowed", reserve.Allowed), ("payBy", reserve.PayBy));
        }

        if (reserve.Status == ReserveStatus.Rejected)
        {
            return Problems.Problem(409, reserve.Reason!, Sentence(reserve, journal.Request.ProductId!), null, ("currentStatus", reserve.Status.Korean()), ("allowed", reserve.Allowed));
        }

        if (reserve.Status is ReserveStatus.Expired && !isPost)
        {
            return Problems.Refused(new("hold-expired", "The time to pay has passed and the unit was given on.", reserve.Status.Korean(), []));
        }

        var pending = reserve.Status is ReserveStatus.Held or ReserveStatus.Requested;
        if (pending)
        {
            http.Response.Headers.RetryAfter = "10";
        }

        var position = reserve.Status == ReserveStatus.Waitlisted ? (await intake.Find(reserve.Id))?.Position : null;
        var resource = ReserveResource.Of(journal with { Last = reserve }, position);
        return Hal.Ok(http, resource, $"{reserve.Version}.{position}", pending ? 202 : isPost ? 201 : 200, isPost ? $"/reserves/{reserve.Id}" : null);
    }

    /// <summary>Asks the actor; what has ended and left the book, perhaps only just now, is answered from the journal by the same rules.</summary>
    private static async Task<Reply<Reserve>> Ask(Intake intake, Journal journal, Task<Reply<Reserve>> actor, Func<ProductBook, Decision<ProductBook>> rule)
    {
        var reply = await actor;
        if (reply.Refusal?.Code != "not-found" || await intake.Find(journal.Request.Id!) is not ({ Last: { IsOpen: false } last }, _))
        {
            return reply;
        }

        var ended = ProductBook.Empty(journal.Request.ProductId!) with { Reserves = [last] };
        return new(last, rule(ended).Refusal, Changed: false, Version: 0);
    }

    private static string Sentence(Reserve reserve, string productId) => reserve.Reason switch
    {
        "own-listing" => "The product is your own.",
        "not-on-sale" => $"Product {productId} is not on sale.",
        "past-date" => $"reserveDt {reserve.ReserveDt} is in the past.",
        "price-changed" => $"The price is {reserve.Price} won, not {reserve.AskedPrice}; look again and reserve at the price that is.",
        "price-required" => "The listing names no price, so the reservation must.",
        "sold-out" => $"Product {productId} has fewer than {reserve.Qty} units left to come.",
        "queue-full" => "All units are taken and the waiting list is full.",
        _ => $"Product {productId} could not be reserved: {reserve.Reason}.",
    };
}
