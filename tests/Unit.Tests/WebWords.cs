using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>Whatever the pages say they can say in both languages.</summary>
public sealed partial class WebWords
{
    private static readonly string[] Told = ["ReservationEvents.cs", "TradeEvents.cs", "PaymentEvents.cs"];

    private static IReadOnlySet<string> Korean { get; } = Keys("Words.resx");

    private static IReadOnlySet<string> English { get; } = Keys("Words.en.resx");

    [Fact]
    public void Every_Korean_text_of_a_page_has_its_English()
    {
        var said = Repository.Files("services/Web", "*.razor").Append("services/Web/Say.cs").SelectMany(file => Text().Matches(Repository.Read(file)).Select(m => m.Groups["text"].Value)).ToList();
        Assert.True(said.Count > 50);
        Assert.Empty(said.Except(English));
    }

    [Fact]
    public void Every_code_has_words_in_both_languages() => Assert.Empty(Korean.Except(English));

    [Fact]
    public void Every_code_the_services_may_answer_has_words_in_both_languages()
    {
        var codes = Repository.Files("services", "openapi.json").SelectMany(file => Codes(JsonNode.Parse(Repository.Read(file)))).Select(code => $"said-{code}").ToHashSet();
        Assert.True(codes.Count > 30);
        Assert.Empty(codes.Except(Korean));
        Assert.Empty(codes.Except(English));
    }

    [Fact]
    public void Every_status_of_the_town_has_its_English() => Assert.Empty(
        Status().Matches(Repository.Read("services/Contracts/Names.cs")).Select(m => m.Groups["status"].Value).Except(English));

    [Fact]
    public void Every_event_my_page_tells_of_has_words() => Assert.Empty(
        Told.SelectMany(file => Event().Matches(Repository.Read("services/Contracts", file)).Select(m => $"event-{m.Groups["name"].Value}")).Except(Korean));

    // Wherever a schema says which codes there are, however deep.
    private static IEnumerable<string> Codes(JsonNode? node) => node switch
    {
        JsonObject part => (part["code"] is JsonObject code ? code["enum"]?.AsArray().Select(c => $"{c}") ?? [] : []).Concat(part.SelectMany(p => Codes(p.Value))),
        JsonArray parts => parts.SelectMany(Codes),
        _ => [],
    };

    private static HashSet<string> Keys(string file) =>
        [.. XDocument.Parse(Repository.Read("services/Web", file)).Descendants("data").Select(d => d.Attribute("name")!.Value)];

    [GeneratedRegex("""(?:T|words)\["(?<text>[^"]*[가-힣][^"]*)"[\],]""")]
    private static partial Regex Text();

    [GeneratedRegex("\"(?<status>[가-힣 ]+)\"")]
    private static partial Regex Status();

    [GeneratedRegex(@"public sealed record (?<name>\w+)")]
    private static partial Regex Event();
}
