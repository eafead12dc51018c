using System.Text.RegularExpressions;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.UnitTests;

/// <summary>What runs on others' machines with this repository's rights takes only code that was looked at, and no right it does not use.</summary>
public sealed partial class Workflows
{
    public static TheoryData<string> Files => [.. Repository.Files(".github/workflows", "*.yml")];

    [Fact]
    public void They_are_found() => Assert.Equal([".github/workflows/ci.yml", ".github/workflows/release.yml"], Repository.Files(".github/workflows", "*"));

    [Theory]
    [MemberData(nameof(Files))]
    public void What_others_wrote_is_pinned_by_its_full_commit_and_says_its_version(string file)
    {
        var uses = Uses().Matches(Repository.Read(file)).Select(m => m.Groups["what"].Value).ToList();
        Assert.Equal(Jobs(file).Sum(job => Steps(job).Count(step => Has(step, "uses"))), uses.Count);
        Assert.NotEmpty(uses);
        Assert.All(uses, what => Assert.Matches(Pinned(), what));
    }

    [Fact]
    public void Nothing_is_released_that_was_not_tested()
    {
        var jobs = (YamlMappingNode)Root(".github/workflows/release.yml")["jobs"];
        Assert.Equal("./.github/workflows/ci.yml", jobs["test"]["uses"].ToString());
        Assert.Equal("test", jobs["images"]["needs"].ToString());
        Assert.Equal("images", jobs["chart"]["needs"].ToString());
    }

    [Fact]
    public void What_the_pages_looked_like_is_kept() => Assert.Contains(
        Jobs(".github/workflows/ci.yml").SelectMany(Steps),
        step => Has(step, "with") && Has((YamlMappingNode)step["with"], "path") && step["with"]["path"].ToString() == "TestResults/screenshots");

    [Theory]
    [MemberData(nameof(Files))]
    public void They_may_read_and_a_job_that_may_more_says_so_itself(string file)
    {
        Assert.Equal([("contents", "read")], Permissions(Root(file)));
        foreach (var job in Jobs(file).Where(job => Has(job, "permissions")))
        {
            Assert.Equal([("contents", "read"), ("packages", "write")], Permissions(job));
        }
    }

    [Fact]
    public void A_change_that_is_only_proposed_is_given_no_right_to_write() =>
        Assert.DoesNotContain(Jobs(".github/workflows/ci.yml"), job => Has(job, "permissions"));

    [Theory]
    [MemberData(nameof(Files))]
    public void No_job_keeps_the_token_it_cloned_with_or_knows_another_secret(string file)
    {
        var text = Repository.Read(file);
        Assert.All(Secret().Matches(text), m => Assert.Equal("GITHUB_TOKEN", m.Groups["name"].Value));
        var clones = Jobs(file).SelectMany(Steps).Where(step => Has(step, "uses") && step["uses"].ToString().StartsWith("actions/checkout@", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(clones);
        Assert.All(clones, step => Assert.Equal("false", step["with"]["persist-credentials"].ToString()));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_command_is_given_what_others_chose_in_its_environment_only(string file)
    {
        // A branch or a tag may be called `"; anything; "`: between the lines of a script, the shell would run it.
        var commands = Jobs(file).SelectMany(Steps).Where(step => Has(step, "run")).Select(step => step["run"].ToString()).ToList();
        Assert.NotEmpty(commands);
        Assert.All(commands, command => Assert.DoesNotContain("${{", command, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_job_ends_and_no_two_runs_meet(string file)
    {
        Assert.True(Has(Root(file), "concurrency"));
        Assert.All(Jobs(file), job => Assert.InRange(int.Parse(job["timeout-minutes"].ToString()), 1, 90));
    }

    private static YamlMappingNode Root(string file)
    {
        var stream = new YamlStream();
        using var text = new StringReader(Repository.Read(file));
        stream.Load(text);
        return (YamlMappingNode)Assert.Single(stream.Documents).RootNode;
    }

    // Without those that are a whole workflow of this repository, which stands here itself.
    private static IEnumerable<YamlMappingNode> Jobs(string file) =>
        ((YamlMappingNode)Root(file)["jobs"]).Children.Values.Cast<YamlMappingNode>().Where(job => !Has(job, "uses") || !job["uses"].ToString().StartsWith("./", StringComparison.Ordinal));

    private static IEnumerable<YamlMappingNode> Steps(YamlMappingNode job) => job["steps"].AllOf();

    private static IEnumerable<(string, string)> Permissions(YamlMappingNode node) =>
        ((YamlMappingNode)node["permissions"]).Children.Select(p => (p.Key.ToString(), p.Value.ToString()));

    private static bool Has(YamlMappingNode node, string key) => node.Children.ContainsKey(new YamlScalarNode(key));

    [GeneratedRegex(@"^\s*(- )?uses:\s*(?<what>[^.\s].*)$", RegexOptions.Multiline)]
    private static partial Regex Uses();

    [GeneratedRegex(@"^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+\s*$")]
    private static partial Regex Pinned();

    [GeneratedRegex(@"\$\{\{[^}]*\bsecrets\.(?<name>\w+)")]
    private static partial Regex Secret();
}
