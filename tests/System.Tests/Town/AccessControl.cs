using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.SystemTests;

/// <summary>What one app may ask of another: a path and the verbs, of which * is any.</summary>
internal sealed record Permission(string Caller, string Callee, string Path, IReadOnlyList<string> Verbs);

/// <summary>Who may call whom in a cluster, by what the chart says and as daprd reads it.</summary>
internal sealed class AccessControl
{
    private readonly Dictionary<(string Caller, string Callee), Node> paths = [];

    public AccessControl(IEnumerable<Permission> permissions)
    {
        Permissions = [.. permissions];

        // Where several paths fit, the one that was read first counts; the chart writes them in this order.
        foreach (var permission in Permissions.OrderBy(p => p.Path, StringComparer.Ordinal))
        {
            if (!paths.TryGetValue((permission.Caller, permission.Callee), out var node))
            {
                paths[(permission.Caller, permission.Callee)] = node = new("");
            }

            foreach (var part in Parts(permission.Path))
            {
                var next = node.Below.Find(n => n.Name == part);
                if (next is null)
                {
                    node.Below.Add(next = new(part));
                }

                node = next;
            }

            node.Verbs ??= permission.Verbs;
        }
    }

    /// <summary>What <c>values.yaml</c> says; a rule of the chart holds what is rendered to it.</summary>
    public static AccessControl OfTheChart { get; } = Read();

    public IReadOnlyList<Permission> Permissions { get; }

    public AccessControl Without(Permission permission) => new(Permissions.Where(p => p != permission));

    /// <summary>The calls that went well here, and would be refused in a cluster.</summary>
    public IEnumerable<Call> Refused(IEnumerable<Call> calls) => calls.Where(call => call.Status < 400 && !Allows(call)).Distinct();

    public bool Allows(Call call) => paths.TryGetValue((call.Caller, call.Callee), out var node) && Find(node, Parts(call.Path)) is { } verbs && (verbs.Contains(call.Verb) || verbs.Contains("*"));

    // A path counts for all that lies below it; * is one last part or none, ** one part in between.
    private static IReadOnlyList<string>? Find(Node? node, string[] parts)
    {
        for (var at = 0; at < parts.Length; at++)
        {
            node = node!.Next(parts[at], at == parts.Length - 1);
            if (node is null || node.Verbs is not null)
            {
                return node?.Verbs;
            }
        }

        return node!.Next("*", true)?.Verbs;
    }

    private static string[] Parts(string path) => path.ToLowerInvariant().Split('/')[1..];

    private static AccessControl Read()
    {
        var yaml = new YamlStream();
        using var text = new StringReader(Repository.Read("deploy", "helm", "values.yaml"));
        yaml.Load(text);
        return new(
            from service in Entries(yaml.Documents[0].RootNode["services"])
            from caller in Entries(service.Value["callers"])
            from path in Entries(caller.Value)
            select new Permission(caller.Name, service.Name, path.Name, [.. ((YamlSequenceNode)path.Value).Select(verb => $"{verb}")]));

        static IEnumerable<(string Name, YamlNode Value)> Entries(YamlNode node) => ((YamlMappingNode)node).Children.Select(child => ($"{child.Key}", child.Value));
    }

    private sealed class Node(string name)
    {
        public string Name => name;

        public List<Node> Below { get; } = [];

        public IReadOnlyList<string>? Verbs { get; set; }

        public Node? Next(string part, bool last) => Below.Find(n => n.Name == part || n.Name == "**" || (n.Name == "*" && last));
    }
}
