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
            name => new() { [name] = MayRead(prefix + name) ? Environment.GetEnvironmentVariable(prefix + name) ?? "" : "" },
            () => Environment.GetEnvironmentVariables().Keys.Cast<string>()
                .Where(k => k.Length > prefix.Length && k.StartsWith(prefix, StringComparison.Ordinal) && MayRead(k))
                .ToDictionary(k => k[prefix.Length..], k => new Dictionary<string, string> { [k[prefix.Length..]] = Environment.GetEnvironmentVariable(k) ?? "" }));
    }

    /// <summary>False for the API tokens and other DAPR_ variables of the sidecars, which no secret store may expose.</summary>
    public static bool MayRead(string variable) =>
        !variable.Equals("APP_API_TOKEN", StringComparison.OrdinalIgnoreCase) && !variable.StartsWith("DAPR_", StringComparison.OrdinalIgnoreCase);

    public static SecretStore FromFile(string file, string separator, string where)
    {
        if (!File.Exists(file))
        {
            throw new LocalRunnerException($"{where}, secretsFile: '{file}' does not exist; create it or correct the path.");
        }

        var flat = new Dictionary<string, Dictionary<string, string>>();
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            Flatten(document.RootElement, "");
        }
        catch (JsonException e)
        {
            throw new LocalRunnerException($"{where}, secretsFile: '{file}' is not valid JSON: {e.Message}", e);
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
