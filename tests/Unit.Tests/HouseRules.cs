using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>The rules of the house that the compiler does not hold anyone to.</summary>
public sealed partial class HouseRules
{
    public static TheoryData<string> Projects => [.. Repository.Files("services", "*.csproj")];

    public static TheoryData<string> Decisions =>
        [.. Repository.Files("services", "*.cs").Where(f => Path.GetFileName(f) is "ProductBook.cs" or "Payment.cs" or "Trade.cs" or "Listing.cs" or "Notices.cs" or "MyPageRow.cs")];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_service_stands_on_Platform_and_Contracts_and_on_no_other_service(string project)
    {
        var stands = XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/'))).ToList();
        var may = Path.GetFileNameWithoutExtension(project) switch
        {
            "Contracts" => [],
            "Platform" => ["Contracts"],
            _ => new[] { "Contracts", "Platform" },
        };
        Assert.Empty(stands.Except(may));
    }

    [Fact]
    public void What_decides_is_found() => Assert.True(Decisions.Count >= 4);

    [Theory]
    [MemberData(nameof(Decisions))]
    public void What_decides_is_pure(string file) => Assert.Empty(NotPure().Matches(Code(file)).Select(m => m.Value));

    [Fact]
    public void Only_the_aggregate_publishes()
    {
        var publishing = Repository.Files("services", "*.cs").Where(f => Publishing().IsMatch(Code(f)));
        Assert.Empty(publishing.Except(["services/Platform/AggregateActor.cs", "services/Notification/DeadLetters.cs"]));
        Assert.Matches(Publishing(), Code("services/Platform/AggregateActor.cs"));
    }

    [Fact]
    public void The_platform_stays_small() => Assert.InRange(Repository.Files("services/Platform", "*.cs").Count, 1, 9);

    [Fact]
    public void A_service_is_flat() => Assert.DoesNotContain(Repository.Files("services", "*.cs"), f => f.Count(c => c == '/') > 2 && !f.StartsWith("services/Web/", StringComparison.Ordinal));

    [Fact]
    public void No_file_is_called_after_having_no_subject() => Assert.DoesNotContain(
        Repository.Files("services", "*").Concat(Repository.Files("tests", "*.cs")).Concat(Repository.Files("deploy", "*.cs")), f => NoSubject().IsMatch(Path.GetFileName(f)));

    [Fact]
    public void Only_actors_and_the_payment_provider_have_interfaces()
    {
        var interfaces = Repository.Files("services", "*.cs").SelectMany(f => Interface().Matches(Code(f)).Select(m => (Name: m.Groups["name"].Value, Bases: m.Groups["bases"].Value)));
        Assert.All(interfaces, i => Assert.True(i.Name is "IPaymentProvider" or "IAggregate" || i.Bases.Contains("IActor", StringComparison.Ordinal), i.Name));
    }

    [Fact]
    public void A_subscription_never_answers_404() =>
        Assert.DoesNotContain(Repository.Files("services", "*Subscriptions.cs"), f => Code(f).Contains("NotFound", StringComparison.Ordinal));

    [Fact]
    public void The_readme_fits_on_two_pages()
    {
        if (File.Exists(Repository.PathOf("README.md")))
        {
            Assert.InRange(File.ReadAllLines(Repository.PathOf("README.md")).Length, 1, 120);
        }
    }

    [Fact]
    public void The_top_of_the_repository_holds_nothing_it_does_not_need()
    {
        string[] may =
        [
            "services", "components", "deploy", "tests", "dapr.yaml", "SecondhandTrade.sln", "README.md", "LICENSE", "Directory.Build.props", "Directory.Packages.props", "global.json",
        ];
        var names = Directory.EnumerateFileSystemEntries(Repository.Root).Select(e => Path.GetFileName(e)!).Where(n => n[0] != '.');
        var unkept = Repository.Read(".gitignore").Split('\n').Select(line => line.Trim().Trim('/'));
        Assert.Empty(names.Except(may).Except(unkept));
    }

    /// <summary>A file's text without its comments.</summary>
    private static string Code(string file) => Comment().Replace(Repository.Read(file), "");

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(async|await|DateTime\.Now|DateTimeOffset\.Now|UtcNow|GetUtcNow|ILogger|LoggerMessage|TimeProvider|HttpClient|DaprClient|IConnectionMultiplexer|Random|Guid\.NewGuid)\b")]
    private static partial Regex NotPure();

    [GeneratedRegex(@"\.(PublishByteEventAsync|PublishEventAsync|BulkPublishEventAsync)\b")]
    private static partial Regex Publishing();

    [GeneratedRegex("(Utils?|Helpers?|Common)", RegexOptions.IgnoreCase)]
    private static partial Regex NoSubject();

    [GeneratedRegex(@"\binterface\s+(?<name>\w+)(<[^>]*>)?\s*(:\s*(?<bases>[^{]*))?")]
    private static partial Regex Interface();
}
