using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Notifications;

public static class NoticeEndpoints
{
    public static void MapNotices(this IEndpointRouteBuilder routes)
    {
        var notices = routes.MapGroup("/notices").WithTags("Notices");

        notices.MapPost("", async (WriteNotice body, HttpContext http, NoticeDesk desk, TimeProvider clock) =>
        {
            if (body.Wrong() is { } wrong)
            {
                return wrong;
            }

            var asked = body.Open(http.NewId(body.Id), clock.GetUtcNow());
            var kept = await desk.Keep(asked);
            return kept.SaysTheSame(asked)
                ? Hal.Ok(http, NoticeResource.Of(kept), $"{kept.Version}", 201, $"/notices/{kept.Id}")
                : Taken(http, body.Id, asked.Id);
        });

        notices.MapGet("", async (string? userid, string? productid, string? status, string? page, string? size, string? sort, HttpContext http, ReadModel lists) =>
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
            var (views, total) = await lists.Query<NoticeResource>(
                NoticeResource.Kind, paging, userid is null ? null : $"userid={userid}", productid is null ? null : $"productid={productid}", wanted is null ? null : $"status={wanted}");
            return Hal.List(http, NoticeResource.Kind, views, total, paging);
        });

        notices.MapGet("/{id}", async (string id, string? userid, HttpContext http, NoticeDesk desk) =>
            await desk.Find(id) is { } notice && IsTheirs(notice, userid)
                ? Hal.Ok(http, NoticeResource.Of(notice), $"{notice.Version}")
                : Problems.NotFound("notice", id));

        notices.MapPut("/{id}/read", async (string id, string? userid, HttpContext http, NoticeDesk desk) =>
        {
            if (await desk.Find(id) is not { } notice || !IsTheirs(notice, userid))
            {
                return Problems.NotFound("notice", id);
            }

            if (Hal.Stale(http, $"{notice.Version}") is { } stale)
            {
                return stale;
            }

            var read = (await desk.Read(id))!;
            return Hal.Ok(http, NoticeResource.Of(read), $"{read.Version}");
        });

        notices.MapGet("/stream", async (string? userid, HttpContext http, NoticeStream stream) =>
        {
            var last = http.Request.Headers["Last-Event-ID"].ToString();
            var wrong = new Check()
                .Text(userid, "userid", required: true, longest: 64)
                .That(last.Length == 0 || long.TryParse(last, out _), "Last-Event-ID", "Last-Event-ID must be the id of an event of this stream.")
                .Failed();
            if (wrong is null)
            {
                await stream.Write(http, userid!, last.Length == 0 ? null : long.Parse(last));
            }

            return wrong ?? Results.Empty;
        });
    }

    private static bool IsTheirs(Notice notice, string? userid) => userid is null || userid == notice.UserId;

    private static IResult Taken(HttpContext http, string? chosen, string id) => chosen is null && http.Request.Headers.ContainsKey("Idempotency-Key")
        ? Problems.Problem(422, "idempotency-key-reused", "This Idempotency-Key was used with another body; use a new key for a new notice.")
        : Problems.Problem(409, "id-conflict", $"Notice {id} exists already with other content; choose another id.");
}
