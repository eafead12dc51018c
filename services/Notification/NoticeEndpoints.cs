using Microsoft.AspNetCore.Authorization;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

/// <summary>HTTP endpoints of <c>/notices</c>: lists, reading, and the stream of server-sent events.</summary>
public static class NoticeEndpoints
{
    private const int MostWatched = 100;

    public static void MapNotices(this IEndpointRouteBuilder routes)
    {
        var notices = routes.MapGroup("/notices").WithTags("Notices");

        notices.MapPost("", async (WriteNotice said, Caller caller, HttpContext http, NoticeService desk, TimeProvider clock) =>
        {
            // A person writes to nobody but themselves.
            var body = said with { UserId = caller.Named(said.UserId) };
            if (body.Wrong() is { } wrong)
            {
                return wrong;
            }

            var asked = body.Open(http.NewId(body.Id), clock.GetUtcNow());
            var kept = await desk.Keep(asked);
            return kept.SaysTheSame(asked)
                ? Hal.Ok(http, NoticeResource.Of(kept), $"{kept.Version}", 201, $"/notices/{kept.Id}")
                : Problems.IdTaken(http, body.Id, "notice", asked.Id);
        }).WithSummary("Writes a notice.").Answers<NoticeResource>(201).Refuses(409, "id-conflict").Refuses(422, "idempotency-key-reused");

        notices.MapGet("", async (Caller caller, string? productid, string? reservationid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists) =>
        {
            var paging = new Paging(page, size, sort);
            if (paging.Check().Failed() is { } wrong)
            {
                return wrong;
            }

            var wanted = status switch
            {
                "READ" => NoticeStatus.Read.Korean(),
                "UNREAD" => NoticeStatus.Unread.Korean(),
                _ => status,
            };
            // Who looks into a reservation for others wants to see whom it was told to.
            var whose = caller.UserId is { } own && !(caller.IsOperator && reservationid is not null) ? $"userid={own}" : null;
            var (views, total) = await lists.Query<NoticeResource>(
                NoticeResource.Kind, paging, whose, productid is null ? null : $"productid={productid}",
                reservationid is null ? null : $"reservationid={reservationid}", wanted is null ? null : $"status={wanted}");
            return Hal.List(http, NoticeResource.Kind, views, total, paging);
        }).WithSummary("Lists the caller's notices, also by whether they were read; to an operator everyone's of one reservation.").Lists<NoticeResource>(NoticeResource.Kind);

        notices.MapGet("/{id}", async (string id, Caller caller, HttpContext http, NoticeService desk) =>
            await desk.Find(id) is { } notice && caller.Is(notice.UserId)
                ? Hal.Ok(http, NoticeResource.Of(notice), $"{notice.Version}")
                : Problems.NotFound("notice", id)).WithSummary("Shows a notice to its addressee.").Answers<NoticeResource>(200);

        notices.MapPut("/{id}/read", async (string id, Caller caller, HttpContext http, NoticeService desk) =>
        {
            if (await desk.Find(id) is not { } notice || !caller.Is(notice.UserId))
            {
                return Problems.NotFound("notice", id);
            }

            if (Hal.Stale(http, $"{notice.Version}") is { } stale)
            {
                return stale;
            }

            var read = (await desk.Read(id))!;
            return Hal.Ok(http, NoticeResource.Of(read), $"{read.Version}");
        }).WithSummary("Marks a notice as read.").Answers<NoticeResource>(200);

        notices.MapGet("/stream", async (Caller caller, string? products, HttpContext http, NoticeStream stream) =>
        {
            var last = http.Request.Headers["Last-Event-ID"].ToString();
            var watched = (products ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Distinct().ToList();
            var wrong = new Check()
                .Text(caller.UserId, "userid", required: watched.Count == 0, longest: Caller.LongestName)
                .That(watched.Count <= MostWatched, "products", $"products may name up to {MostWatched} products.")
                .That(last.Length == 0 || long.TryParse(last, out _), "Last-Event-ID", "Last-Event-ID must be the id of an event of this stream.")
                .Failed();
            if (wrong is null)
            {
                await stream.Write(http, caller.UserId, last.Length == 0 ? null : long.Parse(last), watched, LifeOfToken(http));
            }

            return wrong ?? Results.Empty;
        }).RequireAuthorization(policy => policy.RequireAssertion(MayListen)).WithSummary("Server-sent events: the caller's notices as they come, and which of the products have changed.").Produces<string>(200, "text/event-stream");
    }

    // What is left of the token's life, by the clock that it was validated with; null for one who needed none.
    private static TimeSpan? LifeOfToken(HttpContext http) =>
        long.TryParse(http.User.FindFirst("exp")?.Value, out var seconds) ? DateTimeOffset.FromUnixTimeSeconds(seconds) - TimeProvider.System.GetUtcNow() : null;

    // Who only looks at goods need not be anyone; but a token that is shown is a good one.
    private static bool MayListen(AuthorizationHandlerContext asked) => asked.User.Identity is { IsAuthenticated: true }
        || (asked.Resource is HttpContext http && (http.RequestServices.GetRequiredService<SignIn>().IsOpen
            || (http.Request.Query["products"] is [{ Length: > 0 }, ..] && http.Request.Headers.Authorization.Count == 0)));
}
