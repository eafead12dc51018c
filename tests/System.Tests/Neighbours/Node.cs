using System.Diagnostics;

namespace SecondhandTrade.SystemTests.Neighbours;

/// <summary>What the tests in another language need: node, and the packages of tests/neighbour.</summary>
internal static class Node
{
    public static string Folder { get; } = Path.Combine(TestTown.Root, "tests", "neighbour");

    public static void SkipUnlessInstalled()
    {
        Assert.SkipUnless(IsOnPath("node"), "There is no node on the PATH: install Node 20 or later, then run `npm ci --prefix tests/neighbour`.");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Folder, "node_modules", "@dapr", "dapr")), "The packages of tests/neighbour are not installed: run `npm ci --prefix tests/neighbour`.");
    }

    public static Process Start(string script, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(Folder, script)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(directory => File.Exists(Path.Combine(directory, program)) || File.Exists(Path.Combine(directory, $"{program}.exe")));
}
