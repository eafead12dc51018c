using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SecondhandTrade.SystemTests;

/// <summary>deploy/local/CAPABILITIES.md, made from what a run of these tests found: this test program, started with a file of results instead of tests.</summary>
public static partial class Capabilities
{
    private const string Part = "--capabilities";
    private const string NotRun = "not run";
    private const string Passed = "passed";

    // Before the tests' own entry point, which would refuse the argument.
    [ModuleInitializer]
    public static void TellIfAsked()
    {
        if (Environment.GetCommandLineArgs() is [_, Part, var results])
        {
            Console.Out.Write(Table(JsonNode.Parse(File.ReadAllText(results))!));
            Console.Out.Flush();
            Environment.Exit(0);
        }
    }

    /// <summary>The page for one file of results in the Common Test Report Format: of xUnit's own it alone tells the traits of a theory's rows.</summary>
    public static string Table(JsonNode results)
    {
        var tests = results["results"]!["tests"]!.AsArray().Select(test => test!).ToList();
        var features = tests.SelectMany(Features).GroupBy(found => found.Feature).OrderBy(feature => feature.Key, StringComparer.Ordinal).ToList();
        var refusals = tests.SelectMany(test => Traits(test, "Refused").Select(what => (what, Result: Result(test)))).GroupBy(found => found.what, found => found.Result).OrderBy(what => what.Key, StringComparer.Ordinal);
        var page = new StringBuilder("""
            # What the stand-in for Dapr does

            Made by `.ci/run` from the results of its tests; it fails where the committed page says something else. Numbers are tests. The same contract is
            held to three: the stand-in on the Redis inside the runner (Garnet), the stand-in on a redis-server, and a real daprd where the environment names one.

            | feature | stand-in, Garnet | stand-in, redis-server | daprd |
            |---|---|---|---|

            """);
        var differ = new List<string>();
        foreach (var feature in features)
        {
            string[] cells = [.. Enumerable.Range(0, 3).Select(target => Cell(feature.Where(found => found.Target == target).Select(found => found.Result)))];
            page.AppendLine($"| {feature.Key} | {string.Join(" | ", cells)} |");
            if (cells[1] != NotRun && cells[0] != cells[1])
            {
                differ.Add(feature.Key);
            }
        }

        page.AppendLine().AppendLine($"Other on redis-server than on Garnet: {(differ.Count == 0 ? "nothing" : string.Join(", ", differ))}. What keeps nothing in Redis is not run on both.");
        page.AppendLine().AppendLine("Refused by name, before it could be half done:").AppendLine().AppendLine("| what | stand-in |").AppendLine("|---|---|");
        foreach (var what in refusals)
        {
            page.AppendLine($"| {what.Key} | {(what.All(result => result == Passed) ? "refused" : Cell(what))} |");
        }

        return page.ToString().ReplaceLineEndings("\n");
    }

    // What ran in another language is one test here and tells of its checks in its output.
    private static IEnumerable<(string Feature, int Target, string Result)> Features(JsonNode test) => Traits(test, "Feature").SelectMany(feature =>
        (test["stdout"]?.AsArray() ?? []).SelectMany(line => $"{line}".Split('\n')).Select(line => Check().Match(line)).Where(check => check.Success).ToList() is { Count: > 0 } checks
            ? checks.Select(check => ($"{feature}: {check.Groups["area"].Value}", Target(test), check.Groups["not"].Success ? "failed" : Passed))
            : [(feature, Target(test), Result(test))]);

    // One value is a text, several are a list.
    private static IEnumerable<string> Traits(JsonNode test, string name) =>
        test["labels"]?[name] is { } value ? value is JsonArray several ? several.Select(one => $"{one}") : [$"{value}"] : [];

    private static int Target(JsonNode test) => $"{test["extra"]!["type"]}" switch
    {
        var type when type.EndsWith("OnDaprd", StringComparison.Ordinal) => 2,
        var type when type.EndsWith("WithRedis", StringComparison.Ordinal) => 1,
        _ => 0,
    };

    private static string Result(JsonNode test) => $"{test["status"]}";

    private static string Cell(IEnumerable<string> results)
    {
        var ran = results.Where(result => result is not ("skipped" or "pending")).ToList();
        var failed = ran.Count(result => result != Passed);
        return ran.Count == 0 ? NotRun : failed == 0 ? $"passed {ran.Count}" : $"failed {failed} of {ran.Count}";
    }

    [GeneratedRegex("^(?<not>not )?ok (?<area>[^:]+):")]
    private static partial Regex Check();
}
