using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.Routing;

namespace SecondhandTrade.SystemTests.Pages;

/// <summary>Forms that someone else's page makes a browser send.</summary>
public sealed class ForgedForms
{
    // Everything that any form needs, so that nothing is missing but the token.
    private static readonly (string Name, string Value)[] Fields =
    [
        ("id", "1"), ("action", "reservecancel"), ("reason", "x"), ("picture", "abc"), ("outcome", "refunded"), ("to", "ko"), ("back", "/"), ("name", "minho"), ("page", "0"),
        ("Wish.Day", "2027-04-04"), ("Wish.Address", "here"), ("Wish.Price", "30000"), ("Wish.Id", "7"), ("Offer.ProductName", "lamp"), ("Offer.Price", "5000"), ("Offer.Qty", "1"), ("Offer.Id", "8"),
    ];

    // The forms that are pages of their own.
    private static readonly Dictionary<string, string[]> OfPages = new() { ["/signin"] = ["enter"], ["/sell"] = ["sell"], ["/items/{Id}"] = ["reserve", "change", "pictures"] };

    [Fact]
    public async Task Whatever_takes_a_form_refuses_one_without_the_token_of_the_page_and_asks_nothing_of_the_town()
    {
        await using var town = await TestTown.Open();
        await town.Post("/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, sellerid = "sujin", price = 30000 });
        await town.Settle();
        var taking = town.Service<EndpointDataSource>("web").Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") == true)
            .Select(e => (Path: $"/{e.RoutePattern.RawText!.TrimStart('/')}", IsPage: e.Metadata.GetMetadata<ComponentTypeMetadata>() is not null)).ToList();
        Assert.InRange(taking.Count(e => !e.IsPage), 9, int.MaxValue);
        Assert.Subset(taking.Where(e => e.IsPage).Select(e => e.Path).ToHashSet(), OfPages.Keys.ToHashSet());

        foreach (var (path, isPage) in taking)
        {
            foreach (var handler in isPage ? OfPages.GetValueOrDefault(path, ["none"]) : ["none"])
            {
                using var person = new Reader(town, "web");
                await person.SignIn(handler is "change" or "pictures" ? "sujin" : "minho");
                var page = await person.Go("/");

                // What the form before this one has begun is none of this one's doing.
                await town.Settle();
                town.Reached.Clear();
                Assert.Equal((path, handler, 400), (path, handler, (await Post(person, path, handler, null)).Status));
                Assert.DoesNotContain(town.Reached, r => r.App != "web" && r.Method != "GET");

                // With it, it is taken: the token was all that was missing.
                if (handler != "none" || !isPage)
                {
                    Assert.NotEqual((path, handler, 400), (path, handler, (await Post(person, path, handler, Reader.Value(page, "action=\"/language\"", "__RequestVerificationToken"))).Status));
                }
            }
        }
    }

    private static Task<Page> Post(Reader person, string path, string handler, string? token)
    {
        var address = path.Replace("{Id}", "100", StringComparison.Ordinal).Replace("{id}", "100", StringComparison.Ordinal).Replace("{Status:int}", "404", StringComparison.Ordinal);
        (string Name, string Value)[] fields = [.. Fields, ("_handler", handler), .. token is null ? [] : new[] { ("__RequestVerificationToken", token) }];
        return person.Read(new(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))) });
    }
}
