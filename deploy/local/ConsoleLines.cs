namespace SecondhandTrade.Local;

/// <summary>Writes whole lines, each behind the name of the app that wrote it.</summary>
public sealed class ConsoleLines(TextWriter writer, int width, bool colours)
{
    public const string Runner = "town";

    // Readable on dark and on light; red is left to the apps' own errors.
    private static readonly int[] Palette = [36, 32, 35, 34, 33, 96, 92, 95, 94];
    private readonly Dictionary<string, int> colourOf = [];
    private readonly Lock turn = new();

    /// <summary>Lines on this process's own output: in colour only where a person watches and has not declined.</summary>
    public static ConsoleLines ForConsole(IEnumerable<string> names) => new(
        Console.Out,
        names.Append(Runner).Max(name => name.Length),
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    public void Say(string line) => Write(Runner, line);

    public void Write(string name, string line)
    {
        // One lock, or two apps' lines would run into each other.
        lock (turn)
        {
            if (!colourOf.TryGetValue(name, out var colour))
            {
                colour = name == Runner ? 1 : Palette[colourOf.Count % Palette.Length];
                colourOf[name] = colour;
            }

            writer.WriteLine(colours ? $"\e[{colour}m{name.PadRight(width)} |\e[0m {line}" : $"{name.PadRight(width)} | {line}");
        }
    }

    /// <summary>Writes rows in columns as wide as their widest cell.</summary>
    public void Table(IReadOnlyList<string[]> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            Say(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
