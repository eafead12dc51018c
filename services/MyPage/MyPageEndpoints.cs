using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

/// <summary>HTTP endpoints of <c>/mypages</c>: reading, lag, and rebuilding.</summary>
public static class MyPageEndpoints
{
    public static void MapMyPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/mypages").WithTags("My page");

        pages.MapGet("", async (Caller caller, string? role, string? productid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists) =>
        {
            var paging = new Paging(page, size, sort);
            var side = role?.ToUpperInvariant();
            if (paging.Check().That(side is null or "BUYER" or "SELLER", "role", "role must be BUYER or SELLER.").Failed() is { } wrong)
            {
                return wrong;
            }

            var person = side switch { "BUYER" => "userid", "SELLER" => "sellerid", _ => "party" };
            var (rows, total) = await lists.Query<MyPageRow>(
                MyPages.Kind, paging, caller.UserId is { } own ? $"{person}={own}" : null, productid is null ? null : $"productid={productid}", status is null ? null : $"status={status}");
            return Hal.List(http, MyPages.Kind, [.. rows.Select(row => MyPageResource.Of(row, caller.UserId))], total, paging);
        }).WithSummary("Lists the caller's reservations with their trades and payments, as BUYER, as SELLER or both.").Lists<MyPageResource>(MyPages.Kind);

        pages.MapGet("/{reservationid}", async (string reservationid, Caller caller, HttpContext http, ReadModel lists) =>
            await lists.Find<MyPageRow>(MyPages.Kind, reservationid) is { View: var row, Version: var version } && (caller.Is(row.UserId) || caller.Is(row.SellerId) || caller.IsOperator)
                ? Hal.Ok(http, MyPageResource.Of(row, caller.UserId), $"{version}")
                : Problems.NotFound("reservation", reservationid)).WithSummary("Shows a reservation with its trade, its payment and all that happened.").Answers<MyPageResource>(200);

        pages.MapGet("/lag", async (HttpContext http, ProjectionLag lag) =>
            Hal.List(http, "lag", await lag.Read(), ProjectionLag.Topics.Count, new(null, null, null))).RequireAuthorization(SignIn.Operator)
            .WithSummary("Tells how far behind my page is on each topic.").Lists<TopicLag>("lag");

        pages.MapPost("/rebuild", async (MyPages rows) => TypedResults.Ok(await rows.Rebuild())).RequireAuthorization(SignIn.Operator)
            .WithSummary("Makes every row anew from its events and tells which differed.").Produces<Rebuilt>();
    }
}
