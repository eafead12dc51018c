using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;

namespace SecondhandTrade.Web;

/// <summary>What a button does: one command to one service, then back to a page that says how it went, so that a reload repeats nothing.</summary>
public static partial class FormPosts
{
    public const string LanguageCookie = "town.language";

    /// <summary>Notices on a page, and so as many as are marked as read at once.</summary>
    public const int MostNotices = 20;

    // By the names of the links, with the service that takes them.
    private static readonly Dictionary<string, string> Services = new()
    {
        ["pay"] = "reservation",
        ["reservecancel"] = "reservation",
        ["accept"] = "trade",
        ["decline"] = "trade",
        ["handover"] = "trade",
        ["receive"] = "trade",
        ["complete"] = "trade",
        ["defer"] = "trade",
        ["cancel"] = "trade",
        ["dispute"] = "trade",
    };

    public static void MapFormPosts(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/act", async ([FromForm] string id, [FromForm] string action, [FromForm] string? reason, ServiceClient town, Visitor me) =>
        {
            if (!IsId(id) || !Services.TryGetValue(action, out var app))
            {
                return Results.NotFound();
            }

            var said = await town.Send<Reserve>(
                app, HttpMethod.Put, $"/{(app == "trade" ? "trades" : "reserves")}/{id}/{action}?{me.Asks}", action == "dispute" ? new Dictionary<string, string?> { ["reason"] = reason?.ReplaceLineEndings(" ").Trim() } : null);
            return See(DealOf(id, said.Problem?.Code ?? (action, said.Status) switch
            {
                ("pay", 202) => "pay-later",
                ("reservecancel", 202) => "done-cancel-request",
                _ => $"done-{action}",
            }));
        }).RequireAuthorization();

        routes.MapPost("/me/notices/read", async (IFormCollection form, ServiceClient town, Visitor me) =>
        {
            Problem? problem = null;
            foreach (var id in form["id"].OfType<string>().Where(IsId).Take(MostNotices))
            {
                var said = await town.Send<Notice>("notification", HttpMethod.Put, $"/notices/{id}/read?{me.Asks}");
                problem ??= said.Problem;
            }

            return See($"/me/notices?page={(int.TryParse($"{form["page"]}", out var page) ? page : 0)}{(problem is null ? "" : $"&said={problem.Code}")}");
        }).RequireAuthorization();

        routes.MapPost("/items/{id}/withdraw", async (string id, IFormCollection form, ServiceClient town, Visitor me) =>
            Back($"/items/{id}", (await town.Send<Listing>("stock", HttpMethod.Put, $"/inventories/{Uri.EscapeDataString(id)}/withdraw?{me.Asks}")).Problem?.Code ?? "done-withdraw")).RequireAuthorization();

        routes.MapPost("/items/{id}/pictures/remove", async (string id, [FromForm] string picture, ServiceClient town, Visitor me) => IsId(picture)
            ? Back($"/items/{id}", (await town.Send<Listing>("stock", HttpMethod.Delete, $"/inventories/{Uri.EscapeDataString(id)}/pictures/{picture}?{me.Asks}")).Problem?.Code ?? "done-change")
            : Results.NotFound()).RequireAuthorization();

        // In the visitor's name, and for nobody after them.
        routes.MapGet("/items/{id}/pictures/{picture}", async (string id, string picture, HttpContext http, ServiceClient town, Visitor me) =>
        {
            http.Response.Headers.CacheControl = "private, no-store";
            return IsId(picture) && await town.Look("stock", $"/inventories/{Uri.EscapeDataString(id)}/pictures/{picture}?{me.Asks}") is var (bytes, type)
                ? Results.Bytes(bytes, type)
                : Results.NotFound();
        }).RequireAuthorization();

        // A story knows its product only; what is shown is how it is offered.
        routes.MapGet("/products/{id}", async (string id, ServiceClient town, Visitor me) =>
        {
            var listings = $"/inventories?productid={Uri.EscapeDataString(id)}";
            var found = (await town.Get<ListOf<Listing>>("stock", listings)).Value?.All ?? [];
            if (found.Count == 0 && me.Id is { } own)
            {
                // What is hidden or withdrawn is listed for its seller alone.
                found = (await town.Get<ListOf<Listing>>("stock", $"{listings}&sellerid={Uri.EscapeDataString(own)}&{me.Asks}")).Value?.All ?? [];
            }

            return found is [var listing, ..] ? Results.Redirect($"/items/{listing.Id}") : Results.NotFound();
        });

        var deadLetters = routes.MapGroup("/operator/deadletters").RequireAuthorization(SignIn.Operator);
        deadLetters.MapPost("/{id}/replay", async (string id, IFormCollection form, ServiceClient town) =>
            Back("/operator", (await town.Send<DeadLetter>("notification", HttpMethod.Post, $"/deadletters/{Uri.EscapeDataString(id)}/replay")).Problem?.Code ?? "done-replay"));
        deadLetters.MapPost("/{id}/discard", async (string id, IFormCollection form, ServiceClient town) =>
            Back("/operator", (await town.Send<DeadLetter>("notification", HttpMethod.Delete, $"/deadletters/{Uri.EscapeDataString(id)}")).Problem?.Code ?? "done-discard"));

        routes.MapPost("/operator/disputes/{id}", async (string id, [FromForm] string outcome, ServiceClient town) => IsId(id)
            ? Back("/operator", (await town.Send<Trade>("trade", HttpMethod.Put, $"/trades/{id}/resolve", new { outcome })).Problem?.Code ?? $"done-{outcome}")
            : Results.NotFound()).RequireAuthorization(SignIn.Operator);

        routes.MapPost("/language", ([FromForm] string to, [FromForm] string? back, HttpContext http) =>
        {
            http.Response.Cookies.Append(LanguageCookie, CookieRequestCultureProvider.MakeCookieValue(new(to == "en" ? "en" : "ko")), new()
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Lax,
                Secure = http.Request.IsHttps,
                MaxAge = TimeSpan.FromDays(365),
            });
            return See(SignIn.Local(back));
        });
    }

    /// <summary>Puts up pictures one after the other; the problem of the first that fails, or null.</summary>
    public static async Task<Problem?> PutUp(this ServiceClient town, Visitor me, string id, IEnumerable<IFormFile> pictures)
    {
        foreach (var picture in pictures.Where(p => p.Length > 0))
        {
            using var content = new StreamContent(picture.OpenReadStream());
            content.Headers.ContentLength = picture.Length;
            if ((await town.Send<Listing>("stock", HttpMethod.Post, $"/inventories/{Uri.EscapeDataString(id)}/pictures?{me.Asks}", content)).Problem is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Whether the pictures of one form are more, or larger, than a listing takes.</summary>
    public static bool AreTooMuch(this IFormFileCollection pictures) => pictures.Count > 5 || pictures.Any(p => p.Length > 2 * 1024 * 1024);

    /// <summary>The address of a deal on its party's own page, and how it went; the page shows it however long ago it was.</summary>
    public static string DealOf(string reservation, string? said = null) =>
        $"/me?{(said is null ? "" : $"said={Uri.EscapeDataString(said)}&")}about={Uri.EscapeDataString(reservation)}#r-{Uri.EscapeDataString(reservation)}";

    /// <summary>Whether the text may be an id, and so part of a path.</summary>
    public static bool IsId(string? id) => id is not null && IdPattern().IsMatch(id);

    private static SeeOther Back(string page, string said) => See($"{page}?said={Uri.EscapeDataString(said)}");

    // 303: the browser comes back with a GET, whatever it came with.
    private static SeeOther See(string address) => new SeeOther(address);

    private sealed class SeeOther(string address) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            (httpContext.Response.StatusCode, httpContext.Response.Headers.Location) = (StatusCodes.Status303SeeOther, address);
            return Task.CompletedTask;
        }
    }

    [GeneratedRegex(@"\A(?!\.)[A-Za-z0-9._~-]{1,64}\z")]
    private static partial Regex IdPattern();
}
