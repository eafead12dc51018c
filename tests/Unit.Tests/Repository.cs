namespace SecondhandTrade;

/// <summary>The source tree that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    public static string Read(params string[] parts) => File.ReadAllText(PathOf(parts));

    /// <summary>Source files below a folder, as paths from the root with forward slashes; what was built is left out.</summary>
    public static IReadOnlyList<string> Files(string folder, string pattern) => Directory.Exists(PathOf(folder))
        ? [.. Directory.EnumerateFiles(PathOf(folder), pattern, SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
            .Where(f => !f.Split('/').Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal)]
        : [];

    /// <summary>Holds a written file to what it is made from; with <c>WRITE_DOCUMENTS=1</c> in the environment writes it instead.</summary>
    public static void Holds(string made, params string[] file)
    {
        if (Environment.GetEnvironmentVariable("WRITE_DOCUMENTS") == "1")
        {
            File.WriteAllText(PathOf(file), made);
        }

        var written = File.Exists(PathOf(file)) ? Lines(Read(file)).Split('\n') : [];
        var line = Lines(made).Split('\n').Zip(written.Concat(Enumerable.Repeat("", int.MaxValue))).Index().FirstOrDefault(l => l.Item.First != l.Item.Second);
        Xunit.Assert.True(Lines(made) == string.Join('\n', written), $"{string.Join('/', file)} is not what the code says, from line {line.Index + 1} on:\n{line.Item.First}\nRun the tests with WRITE_DOCUMENTS=1 to write it anew, and look at the difference.");
    }

    /// <summary>Line ends do not count, nor does the last.</summary>
    public static string Lines(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n');

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "dapr.yaml")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"There is no dapr.yaml above {AppContext.BaseDirectory}.");
    }
}
