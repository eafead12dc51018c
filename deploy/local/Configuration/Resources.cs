namespace SecondhandTrade.Local;

/// <summary>All Dapr resources as declared in YAML: components, subscriptions, resiliency, configuration.</summary>
internal sealed record Resources(
    IReadOnlyList<ComponentSpec> Components,
    IReadOnlyList<(Subscription Subscription, IReadOnlyList<string> Scopes)> Subscriptions,
    IReadOnlyList<(ResiliencySpec Spec, string File, IReadOnlyList<string> Scopes)> Resiliency,
    IReadOnlySet<string> Features)
{
    public static Resources Load(IEnumerable<string> paths, string? configFile)
    {
        var components = new List<ComponentSpec>();
        var subscriptions = new List<(Subscription, IReadOnlyList<string>)>();
        var resiliency = new List<(ResiliencySpec, string, IReadOnlyList<string>)>();
        var features = new HashSet<string>();
        if (configFile is not null)
        {
            if (!File.Exists(configFile))
            {
                throw new LocalRunnerException($"{configFile}: this configuration file does not exist; correct configFilePath.");
            }

            foreach (var document in Yaml.ReadAll(configFile))
            {
                Configure(document, features);
            }
        }

        foreach (var (document, isAlone) in paths.SelectMany(FilesIn).Distinct().Select(Yaml.ReadAll).SelectMany(file => file.Select(document => (document, file.Count == 1))))
        {
            switch (document.Required("kind"))
            {
                case "Component":
                    components.Add(ComponentSpec.Read(document));
                    break;
                case "Subscription":
                    subscriptions.Add((Subscription.Read(document), Scopes(document)));
                    break;
                case "Resiliency" when !isAlone:
                    throw new LocalRunnerException($"{document.File}: a resiliency document shares its file with others, and daprd reads only the first document of such a file; give each a file of its own.");
                case "Resiliency":
                    resiliency.Add((ResiliencySpec.Read(document), document.File, Scopes(document)));
                    break;
                case "Configuration":
                    // Like daprd, which reads its configuration from --config only, not from the resources path.
                    break;
                case var kind:
                    throw new LocalRunnerException($"{document.File}: kind '{kind}' is not supported locally; move the file out of the resources path or use a real daprd.");
            }
        }

        foreach (var twice in components.GroupBy(c => c.Name).Where(g => g.Count() > 1 && g.All(c => c.Scopes.Count == 0)))
        {
            throw new LocalRunnerException($"{twice.Last().Where}: the name '{twice.Key}' is taken by {twice.First().Where}; rename one of the two components.");
        }

        return new Resources(components, subscriptions, resiliency, features);
    }

    public static IReadOnlyList<string> Scopes(Yaml document) => document["scopes"]?.Items().Select(s => s.Text()).ToArray() ?? [];

    public static bool InScope(IReadOnlyList<string> scopes, string appId) => scopes.Count == 0 || scopes.Contains(appId);

    private static IEnumerable<string> FilesIn(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path).Where(f => Path.GetExtension(f) is ".yaml" or ".yml").Order(StringComparer.Ordinal)
        : File.Exists(path) ? [path]
        : throw new LocalRunnerException($"{path}: this resources path does not exist; correct resourcesPaths.");

    private static void Configure(Yaml document, HashSet<string> features)
    {
        document.Only("apiVersion", "kind", "metadata", "spec");
        document["metadata"]?.Only("name", "namespace", "labels", "annotations");
        if (document["spec"] is not { } spec)
        {
            return;
        }

        spec.Only("tracing", "features", "metric", "metrics", "logging");

        // Validated against daprd's schema only; the local sidecars ignore tracing, metrics and logging settings.
        var tracing = spec["tracing"]?.Only("samplingRate", "stdout", "otel", "zipkin");
        tracing?["otel"]?.Only("protocol", "endpointAddress", "isSecure", "headers", "timeout");
        tracing?["zipkin"]?.Only("endpointAddress");
        foreach (var metrics in new[] { spec["metric"], spec["metrics"] })
        {
            metrics?.Only("enabled", "recordErrorCodes", "http", "latencyDistributionBuckets", "workflow", "rules");
            metrics?["http"]?.Only("increasedCardinality", "pathMatching", "excludeVerbs");
            metrics?["workflow"]?.Only("latencyDistributionBuckets", "latencyDistributionUnits");
            foreach (var rule in metrics?["rules"]?.Items() ?? [])
            {
                foreach (var label in rule.Only("name", "labels")["labels"]?.Items() ?? [])
                {
                    label.Only("name", "regex");
                }
            }
        }

        spec["logging"]?.Only("apiLogging")["apiLogging"]?.Only("enabled", "obfuscateURLs", "omitHealthChecks");
        foreach (var feature in spec["features"]?.Items() ?? [])
        {
            feature.Only("name", "enabled");
            if (feature["enabled"]?.Text() == "true")
            {
                features.Add(feature.Required("name"));
            }
        }
    }
}
