using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.UnitTests.Chart;

/// <summary>What a cluster would be given.</summary>
internal sealed class Rendered(List<YamlMappingNode> documents)
{
    public IReadOnlyList<YamlMappingNode> All => documents;

    /// <summary>The services' own workloads, one per app.</summary>
    public IEnumerable<YamlMappingNode> Services => Of("Deployment");

    /// <summary>Everything that becomes pods, with the part that describes them.</summary>
    public IEnumerable<(string Name, YamlNode Pod)> Pods =>
    [
        .. Of("Deployment", "StatefulSet").Select(d => (d.Name(), d.At("spec", "template", "spec")!)),
        .. Of("Pod").Select(d => (d.Name(), d.At("spec")!)),
    ];

    public IEnumerable<(string Name, YamlMappingNode Container)> Containers => Pods.SelectMany(p => p.Pod.Items("containers").Select(c => ($"{p.Name}/{c.Text("name")}", c)));

    public static Rendered Read(string text)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return new([.. stream.Documents.Select(d => d.RootNode).OfType<YamlMappingNode>()]);
    }

    public IEnumerable<YamlMappingNode> Of(params string[] kinds) => documents.Where(d => kinds.Contains(d.Text("kind")));

    public YamlMappingNode One(string kind, string name) => Of(kind).Single(d => d.Name() == name);

    public void Add(string text) => documents.AddRange(Read(text).All);

    public void Remove(string kind, string name) => documents.Remove(One(kind, name));
}

internal static class YamlPaths
{
    public static YamlNode? At(this YamlNode? node, params string[] path) => path.Aggregate(node, (at, name) => at switch
    {
        YamlMappingNode map when map.Children.TryGetValue(new YamlScalarNode(name), out var child) => child,
        YamlSequenceNode list when int.TryParse(name, out var index) && index < list.Children.Count => list.Children[index],
        _ => null,
    });

    public static string? Text(this YamlNode? node, params string[] path) => (node.At(path) as YamlScalarNode)?.Value;

    public static int Number(this YamlNode? node, params string[] path) => int.TryParse(node.Text(path)?.TrimEnd('s'), out var number) ? number : -1;

    public static IEnumerable<YamlMappingNode> Items(this YamlNode? node, params string[] path) => (node.At(path) as YamlSequenceNode)?.OfType<YamlMappingNode>() ?? [];

    public static IReadOnlyList<string> Words(this YamlNode? node, params string[] path) => [.. (node.At(path) as YamlSequenceNode)?.OfType<YamlScalarNode>().Select(s => s.Value!) ?? []];

    public static IReadOnlyList<string> Keys(this YamlNode? node, params string[] path) => [.. (node.At(path) as YamlMappingNode)?.Children.Keys.Select(k => k.ToString()) ?? []];

    /// <summary>All the nodes that a path leads to, where * stands for every item of a list.</summary>
    public static IEnumerable<YamlNode> Every(this YamlNode node, params string[] path) => path.Aggregate(Enumerable.Repeat(node, 1), (nodes, name) =>
        nodes.SelectMany(at => name == "*" ? at.Items() : at.At(name) is { } child ? [child] : Enumerable.Empty<YamlNode>()));

    public static string Name(this YamlNode node) => node.Text("metadata", "name")!;

    /// <summary>Puts a value where the path leads; what leads there must exist.</summary>
    public static void Set(this YamlNode node, string value, params string[] path) => ((YamlMappingNode)node.At(path[..^1])!).Children[new YamlScalarNode(path[^1])] = new YamlScalarNode(value);

    /// <summary>Adds an item to the list.</summary>
    public static void Add(this YamlNode? list, string item) => ((YamlSequenceNode)list!).Add(Rendered.Read(item).All.Single());

    public static void Drop(this YamlNode node, params string[] path)
    {
        if (node.At(path[..^1]) is YamlSequenceNode list)
        {
            list.Children.RemoveAt(int.Parse(path[^1], System.Globalization.CultureInfo.InvariantCulture));
        }
        else if (!((YamlMappingNode)node.At(path[..^1])!).Children.Remove(new YamlScalarNode(path[^1])))
        {
            throw new KeyNotFoundException(string.Join('/', path));
        }
    }

    /// <summary>The same for two nodes that mean the same, in whatever order their keys stand.</summary>
    public static string Flat(this YamlNode? node) => node switch
    {
        YamlMappingNode map => $"{{{string.Join(", ", map.Children.OrderBy(c => c.Key.ToString(), StringComparer.Ordinal).Select(c => $"{c.Key}: {c.Value.Flat()}"))}}}",
        YamlSequenceNode list => $"[{string.Join(", ", list.Select(c => c.Flat()))}]",
        _ => node?.ToString() ?? "nothing",
    };
}
