using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.UnitTests.Chart;

/// <summary>What the chart gives Dapr beside what <c>components/</c> says.</summary>
internal static class Components
{
    // Where things are and by which secret, which a cluster says for itself.
    private static readonly string[] Declared = ["brokers", "authType", "saslUsername", "saslPassword", "saslMechanism", "disableTls", "redisHost", "redisPassword", "enableTLS"];

    private static Rendered OnOneMachine { get; } = Rendered.Read(string.Join("\n---\n", Repository.Files("components", "*.yaml").Select(f => Repository.Read(f))));

    public static YamlMappingNode Canonical(string kind, string name) => OnOneMachine.One(kind, name);

    /// <summary>What is said in one place only.</summary>
    public static IEnumerable<string> Differences(Rendered chart, string kind = "Component")
    {
        var (here, there) = (Said(OnOneMachine), Said(chart));
        return here.Except(there).Concat(there.Except(here));

        HashSet<string> Said(Rendered from) => [.. from.Of(kind).Select(Flat)];
    }

    private static string Flat(YamlMappingNode resource)
    {
        var all = $"{resource.Text("apiVersion")} {resource.Name()}";
        return resource.Text("kind") == "Component"
            ? $"{all} {resource.Text("spec", "type")} {resource.Text("spec", "version")} {string.Join(", ", resource.Items("spec", "metadata").Where(m => !Declared.Contains(m.Text("name"))).Select(m => YamlPaths.Flat(m)))}"
            : $"{all} {resource.At("scopes").Flat()} {resource.At("spec").Flat()}";
    }
}
