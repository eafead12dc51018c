using System.Net;
using System.Text.RegularExpressions;

namespace SecondhandTrade.SystemTests.Pages;

/// <summary>A page as it came: its status, where the redirects ended, and its text.</summary>
public sealed record Page(int Status, Uri Address, string Html, HttpResponseMessage Response)
{
    /// <summary>What the page says, without the entities that HTML writes it with.</summary>
    public string Text => WebUtility.HtmlDecode(Html);
}

/// <summary>Someone who reads the pages and sends their forms as a browser without script does, cookies included.</summary>
public sealed partial class Reader : IDisposable
{
    private readonly TestTown town;
    private readonly CookieContainer cookies;
    private readonly HttpClient http;

    public Reader(TestTown town, string app = "gateway")
    {
        (this.town, cookies) = (town, new());
        http = new(new SocketsHttpHandler { CookieContainer = cookies }) { BaseAddress = town.Address(app) };
    }

    public Task<Page> Go(string path) => Read(new(HttpMethod.Get, path));

    /// <summary>Signs in where a name is believed.</summary>
    public async Task SignIn(string name) => await Send(await Go("/signin"), "value=\"enter\"", ("name", name));

    /// <summary>Signs in at the OpenID provider of the town.</summary>
    public async Task SignInElsewhere(string name)
    {
        var desk = await Go("/signin/oidc?back=/");

        // As browsers do on loopback, where there is nobody in between.
        foreach (var cookie in cookies.GetAllCookies().Cast<Cookie>())
        {
            cookie.Secure = false;
        }

        await Read(new(HttpMethod.Get, new Uri($"{desk.Address}&user={Uri.EscapeDataString(name)}")));
    }

    /// <summary>Sends the form of the page that has the mark in it, with its hidden fields and what is filled in.</summary>
    public Task<Page> Send(Page page, string mark, params (string Name, string Value)[] filled)
    {
        var (address, fields) = Filled(page, mark, filled);
        return Read(new(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))) });
    }

    /// <summary>The same with pictures.</summary>
    public Task<Page> Send(Page page, string mark, IEnumerable<byte[]> pictures, params (string Name, string Value)[] filled)
    {
        var (address, fields) = Filled(page, mark, filled);
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields)
        {
            form.Add(new StringContent(value), name);
        }

        foreach (var picture in pictures)
        {
            form.Add(new ByteArrayContent(picture) { Headers = { ContentType = new("image/png") } }, "pictures", "picture.png");
        }

        return Read(new(HttpMethod.Post, address) { Content = form });
    }

    /// <summary>The value of a field in the form that has the mark in it.</summary>
    public static string Value(Page page, string mark, string field) => Form(page, mark).Fields.Single(f => f.Name == field).Value;

    public async Task<Page> Read(HttpRequestMessage request)
    {
        using (request)
        {
            request.Headers.TryAddWithoutValidation("Accept", "text/html");
            request.Headers.TryAddWithoutValidation("Accept-Language", "en");
            var response = await http.SendAsync(request);
            return new((int)response.StatusCode, response.RequestMessage!.RequestUri!, await response.Content.ReadAsStringAsync(), response);
        }
    }

    public void Dispose() => http.Dispose();

    private static (Uri Address, IReadOnlyList<(string Name, string Value)> Fields) Filled(Page page, string mark, (string Name, string Value)[] filled)
    {
        var (action, fields) = Form(page, mark);
        return (new(page.Address, action), [.. fields.Where(f => !filled.Any(own => own.Name == f.Name)), .. filled]);
    }

    private static (string Action, IReadOnlyList<(string Name, string Value)> Fields) Form(Page page, string mark)
    {
        var form = Forms().Matches(page.Html).Select(m => m.Value).SingleOrDefault(f => f.Contains(mark, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"{page.Address} ({page.Status}) has no form, or several, with {mark}:\n{page.Html}");
        var action = Action().Match(form) is { Success: true } named ? WebUtility.HtmlDecode(named.Groups["action"].Value) : page.Address.PathAndQuery;
        return (action, [.. Inputs().Matches(form).Select(m => m.Value).Where(i => Attribute(i, "name") is not null && Attribute(i, "type") is not ("checkbox" or "file")).Select(i => (Attribute(i, "name")!, Attribute(i, "value") ?? ""))]);
    }

    private static string? Attribute(string tag, string name) =>
        Regex.Match(tag, $"\\s{name}=\"(?<value>[^\"]*)\"") is { Success: true } found ? WebUtility.HtmlDecode(found.Groups["value"].Value) : null;

    [GeneratedRegex("<form\\b.*?</form>", RegexOptions.Singleline)]
    private static partial Regex Forms();

    [GeneratedRegex("^<form\\b[^>]*\\saction=\"(?<action>[^\"]*)\"")]
    private static partial Regex Action();

    [GeneratedRegex("<input\\b[^>]*>")]
    private static partial Regex Inputs();
}
