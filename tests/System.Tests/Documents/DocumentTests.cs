extern alias gateway;

using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Yarp.ReverseProxy.Configuration;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>The documents say what is there: no route without an operation, no operation without a route.</summary>
public sealed class DocumentTests
{
    // What the sidecar, a probe or a scraper calls by a convention of its own.
    private static readonly string[] Unlisted = ["/events", "/actors", "/dapr", "/healthz", "/alive", "/ready", "/metrics"];

    [Fact]
    public async Task Each_context_serves_the_document_that_lies_beside_its_code()
    {
        await using var town = await TestTown.Open();
        foreach (var document in await ContextDocument.Read(town))
        {
            var folder = document.Context == "mypage" ? "MyPage" : char.ToUpperInvariant(document.Context[0]) + document.Context[1..];
            Repository.Holds(document.Text + "\n", "services", folder, "openapi.json");
        }
    }

    [Fact]
    public async Task Every_route_is_documented_and_every_documented_operation_is_routed()
    {
        await using var town = await TestTown.Open();
        foreach (var document in await ContextDocument.Read(town))
        {
            var routed = town.Service<EndpointDataSource>(document.Context).Endpoints.OfType<RouteEndpoint>()
                .Select(e => (Path: '/' + e.RoutePattern.RawText!.Trim('/'), e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods))
                .Where(e => !Unlisted.Any(prefix => e.Path == prefix || e.Path.StartsWith($"{prefix}/", StringComparison.Ordinal)))
                .SelectMany(e => e.HttpMethods!.Select(method => $"{method} {e.Path}"));
            Assert.Equal(routed.Order(StringComparer.Ordinal), document.Operations.Select(o => $"{o}").Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Every_operation_says_in_a_sentence_what_it_does()
    {
        await using var town = await TestTown.Open();
        Assert.All((await ContextDocument.Read(town)).SelectMany(d => d.Operations), o => Assert.EndsWith(".", (string?)o.Said["summary"]));
    }

    [Fact]
    public async Task The_gateway_leads_to_what_is_documented_unless_it_is_within_the_town()
    {
        await using var town = await TestTown.Open();
        var operations = (await ContextDocument.Read(town)).SelectMany(d => d.Operations).ToList();
        foreach (var operation in operations)
        {
            town.Reached.Clear();
            var path = operation.At(_ => "nobody");
            await town.Send(new HttpMethod(operation.Method), path, operation.Body is null ? null : "{}");
            var reached = town.Reached.Contains((operation.Of.Context, operation.Method, path));
            Assert.True(reached != operation.IsWithinTown, $"{operation} of {operation.Of.Context} is {(reached ? "" : "not ")}to be reached through the gateway, and its document says otherwise.");
        }

        var listed = town.Service<IProxyConfigProvider>("gateway").GetConfig().Routes.Where(r => r.Metadata!["context"] != "web" && !r.Match.Path!.StartsWith("/openapi", StringComparison.Ordinal));
        Assert.All(listed, route => Assert.Contains(operations, o => !o.IsWithinTown && o.Of.Context == route.Metadata!["context"] && route.Match.Methods?.Contains(o.Method) != false
            && new TemplateMatcher(TemplateParser.Parse(route.Match.Path!), []).TryMatch(o.At(_ => "nobody"), [])));
    }
}
