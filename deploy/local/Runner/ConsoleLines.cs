namespace SecondhandTrade.Local;

/// <summary>Writes whole lines to the console, each prefixed with the name of the app that wrote it.</summary>
public sealed class ConsoleLines(TextWriter writer, int width, bool colours)
{
    public const string Runner = "town";

    // Colours that are readable on dark and light backgrounds; red is left for errors.
    private static readonly int[] Palette = [36, 32, 35, 34, 33, 96, 92, 95, 94];
    private readonly Dictionary<string, int> colourOf = [];
    private readonly Lock gate = new();

    /// <summary>Writes to standard output; in colour unless it is redirected or NO_COLOR is set.</summary>
    public static ConsoleLines ForConsole(IEnumerable<string> names) => new(
        Console.Out,
        names.Append(Runner).Max(name => name.Length),
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    public void Say(string line) => Write(Runner, line);

    public void Write(string name, string line)
    {
        // Lines of different apps must not interleave.
        lock (gate)
        {
            if (!colourOf.TryGetValue(name, out var colour))
            {
                colour = name == Runner ? 1 : Palette[colourOf.Count % Palette.Length];
                colourOf[name] = colour;
            }

            writer.WriteLine(colours ? $"\e[{colour}m{name.PadRight(width)} |\e[0m {line}" : $"{name.PadRight(width)} | {line}");
        }
    }

    /// <summary>Writes a table with aligned columns.</summary>
    public void Table(IReadOnlyList<string[]> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            Say(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
