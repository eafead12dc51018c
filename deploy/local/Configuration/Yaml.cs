using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.Local;

/// <summary>A YAML node that knows its file and field, for error messages.</summary>
internal sealed class Yaml
{
    private readonly YamlNode node;

    private Yaml(YamlNode node, string file, string field) => (this.node, File, Field) = (node, file, field);

    public string File { get; }

    public string Field { get; }

    public string Where => Field.Length == 0 ? File : $"{File}, {Field}";

    public static List<Yaml> ReadAll(string file)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = System.IO.File.OpenText(file);
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            throw new LocalRunnerException($"{file}: line {e.Start.Line} is not valid YAML: {e.Message}", e);
        }

        return [.. stream.Documents.Where(d => d.RootNode is YamlMappingNode).Select(d => new Yaml(d.RootNode, file, ""))];
    }

    public Yaml? this[string name] =>
        Mapping().Children.TryGetValue(new YamlScalarNode(name), out var child) && child is not YamlScalarNode { Value: null or "null" or "~", Style: ScalarStyle.Plain }
            ? new Yaml(child, File, Sub(name))
            : null;

    public IEnumerable<(string Name, Yaml Value)> Fields() =>
        Mapping().Children.Select(c => (Name(c.Key), new Yaml(c.Value, File, Sub(Name(c.Key)))));

    public IEnumerable<Yaml> Items() =>
        node is YamlSequenceNode list
            ? list.Children.Select((item, i) => new Yaml(item, File, $"{Field}[{i}]"))
            : throw new LocalRunnerException($"{Where}: a list is expected here.");

    public string Text() =>
        node is YamlScalarNode scalar ? scalar.Value ?? "" : throw new LocalRunnerException($"{Where}: a single value is expected here.");

    public string Required(string name) =>
        this[name]?.Text() is { Length: > 0 } text ? text : throw new LocalRunnerException($"{Where}: '{name}' is missing; add it.");

    public Yaml Section(string name) => this[name] ?? throw new LocalRunnerException($"{Where}: '{name}' is missing; add it.");

    /// <summary>Throws for any other field, so that a misspelt field is not silently ignored.</summary>
    public Yaml Only(params string[] names)
    {
        foreach (var (name, value) in Fields())
        {
            if (!names.Contains(name))
            {
                throw new LocalRunnerException($"{value.Where}: '{name}' is not known here; use one of {string.Join(", ", names)}.");
            }
        }

        return this;
    }

    public int Number() =>
        int.TryParse(Text(), out var number) ? number : throw new LocalRunnerException($"{Where}: '{Text()}' is not a whole number.");

    public TimeSpan Duration() =>
        GoDuration.TryParse(Text(), out var time) ? time : throw new LocalRunnerException($"{Where}: '{Text()}' is not a duration; write it like 500ms, 5s or 1h30m.");

    private static string Name(YamlNode key) => ((YamlScalarNode)key).Value ?? "";

    private string Sub(string name) => Field.Length == 0 ? name : $"{Field}.{name}";

    private YamlMappingNode Mapping() =>
        node as YamlMappingNode ?? throw new LocalRunnerException($"{Where}: fields are expected here.");
}
