using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>Secrets from the environment or from a JSON file.</summary>
internal sealed class SecretStore
{
    private readonly Func<string, Dictionary<string, string>?> get;
    private readonly Func<Dictionary<string, Dictionary<string, string>>> all;

    private SecretStore(Func<string, Dictionary<string, string>?> get, Func<Dictionary<string, Dictionary<string, string>>> all) =>
        (this.get, this.all) = (get, all);

    public Dictionary<string, string>? Get(string name) => get(name);

    public Dictionary<string, Dictionary<string, string>> All() => all();

    public static SecretStore FromEnvironment(string prefix)
    {
        return new SecretStore(
            name => IsSafe(name) ? new() { [name] = Environment.GetEnvironmentVariable(prefix + name) ?? "" } : null,
            () => Environment.GetEnvironmentVariables().Keys.Cast<string>()
                .Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && IsSafe(k[prefix.Length..]))
                .ToDictionary(k => k[prefix.Length..], k => new Dictionary<string, string> { [k[prefix.Length..]] = Environment.GetEnvironmentVariable(k) ?? "" }));

        // The tokens of the town are nobody's secret to read.
        bool IsSafe(string name) => name is not ("APP_API_TOKEN" or "DAPR_API_TOKEN");
    }

    public static SecretStore FromFile(string file, string separator, string where)
    {
        if (!File.Exists(file))
        {
            throw new TownException($"{where}, secretsFile: '{file}' does not exist; create it or correct the path.");
        }

        var flat = new Dictionary<string, Dictionary<string, string>>();
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            Flatten(document.RootElement, "");
        }
        catch (JsonException e)
        {
            throw new TownException($"{where}, secretsFile: '{file}' is not valid JSON: {e.Message}", e);
        }

        return new SecretStore(name => flat.GetValueOrDefault(name), () => flat);

        void Flatten(JsonElement element, string path)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in element.EnumerateObject())
                {
                    Flatten(property.Value, path.Length == 0 ? property.Name : path + separator + property.Name);
                }

                return;
            }

            flat[path] = new() { [path] = element.ToString() };
        }
    }
}
