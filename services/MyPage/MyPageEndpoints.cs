using SecondhandTrade.Platform;

namespace SecondhandTrade.MyPages;

public static class MyPageEndpoints
{
    public static void MapMyPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/mypages").WithTags("My page");

        pages.MapGet("", async (string? userid, string? role, string? productid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists) =>
        {
            var paging = new Paging(page, size, sort);
            var side = role?.ToUpperInvariant();
            if (paging.Check().That(side is null or "BUYER" or "SELLER", "role", "role must be BUYER or SELLER.").Failed() is { } wrong)
            {
                return wrong;
            }

            var person = side switch { "BUYER" => "userid", "SELLER" => "sellerid", _ => "party" };
            var (rows, total) = await lists.Query<MyPageRow>(
                MyPages.Kind, paging, userid is null ? null : $"{person}={userid}", productid is null ? null : $"productid={productid}", status is null ? null : $"status={status}");
            return Hal.List(http, MyPages.Kind, [.. rows.Select(row => MyPageResource.Of(row, userid))], total, paging);
        });

        pages.MapGet("/{reservationid}", async (string reservationid, string? userid, HttpContext http, ReadModel lists) =>
            await lists.Find<MyPageRow>(MyPages.Kind, reservationid) is { View: var row, Version: var version } && (userid is null || userid == row.UserId || userid == row.SellerId)
                ? Hal.Ok(http, MyPageResource.Of(row, userid), $"{version}")
                : Problems.NotFound("reservation", reservationid));

        pages.MapGet("/lag", async (HttpContext http, LagBoard lag) =>
            Hal.List(http, "lag", await lag.Read(), LagBoard.Topics.Count, new(null, null, null)));

        pages.MapPost("/rebuild", async (MyPages rows) => TypedResults.Ok(await rows.Rebuild()));
    }
}
