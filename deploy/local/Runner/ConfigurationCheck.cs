using Microsoft.Extensions.Logging.Abstractions;

namespace SecondhandTrade.Local;

/// <summary>Validates a run file and its resources without starting anything, and collects all problems.</summary>
public sealed class ConfigurationCheck
{
    private readonly List<string> findings = [];

    private ConfigurationCheck()
    {
    }

    /// <summary>One sentence per problem: file, what is wrong, and what to do; empty when there are none.</summary>
    public IReadOnlyList<string> Findings => findings;

    /// <summary>What was checked, in one line; for a configuration without problems.</summary>
    public string Summary { get; private set; } = "";

    public static ConfigurationCheck Of(string runFile, int townPort = RunnerApi.DefaultPort)
    {
        var check = new ConfigurationCheck();
        check.Try(() => check.CheckAll(RunFile.Load(runFile), townPort));
        return check;
    }

    private void CheckAll(RunFile file, int townPort)
    {
        var resources = Load(file);
        // The checks below would report references to unreadable resources as unknown.
        if (findings.Count > 0)
        {
            return;
        }

        // A context without broker and Redis: the components are only created here, never used.
        var shared = new StandInContext(TimeProvider.System, null!, null!, new WorkTracker(), NullLoggerFactory.Instance, null!, resources);
        var components = new Dictionary<string, ComponentSet>();
        foreach (var app in file.Apps)
        {
            Try(() => components[app.Id] = ComponentSet.For(app.Id, resources, shared));
        }

        CheckRedis(file);
        findings.AddRange(PortsOf(file).Where(taken => taken.Port == townPort).Select(taken =>
            $"{file.Path}: '{taken.Key}: {taken.Port}' of {taken.App} is the port of the runner's own API; give it another, or pass another --town-port."));
        CheckNames(file, resources);
        CheckSubscriptions(file, resources, components);
        CheckPubSubs(resources);
        Summary = $"No problems in {file.Path}: {file.Apps.Count} apps, {resources.Components.Count} components, {resources.Subscriptions.Count} subscriptions.";
    }

    // File by file first, so that an error in one does not hide those in the others.
    private Resources Load(RunFile file)
    {
        if (file.ConfigFile is not null)
        {
            Try(() => Resources.Load([], file.ConfigFile));
        }

        foreach (var path in file.ResourcesPaths.SelectMany(path => Directory.Exists(path) ? Directory.EnumerateFiles(path).Order(StringComparer.Ordinal) : (IEnumerable<string>)[path])
            .Where(path => Path.GetExtension(path) is ".yaml" or ".yml"))
        {
            Try(() => Resources.Load([path], null));
        }

        var all = new Resources([], [], [], new HashSet<string>());
        if (findings.Count == 0)
        {
            Try(() => all = Resources.Load(file.ResourcesPaths, file.ConfigFile));
        }

        return all;
    }

    private void CheckRedis(RunFile file)
    {
        Try(() =>
        {
            var redis = RedisAddress.FromComponents(file.ResourcesPaths);
            if (redis.IsHere)
            {
                foreach (var (port, key, app) in PortsOf(file).Where(taken => taken.Port == redis.Port))
                {
                    findings.Add($"{file.Path}: '{key}: {port}' of {app} is the port of the state store's redisHost {redis}; give it another.");
                }
            }

            foreach (var app in file.Apps.Where(app => app.Env.TryGetValue("ConnectionStrings__Redis", out var told) && told != redis.ToString()))
            {
                findings.Add($"{file.Path}: {app.Id} sets ConnectionStrings__Redis to {app.Env["ConnectionStrings__Redis"]}, but the state store's redisHost is {redis}; an app and its sidecar need the same Redis.");
            }
        });
    }

    private static IEnumerable<(int Port, string Key, string App)> PortsOf(RunFile file) =>
        file.Apps.SelectMany(app => app.Ports, (app, own) => (own.Port, own.Key, app.Id));

    private void CheckNames(RunFile file, Resources resources)
    {
        var apps = file.Apps.Select(app => app.Id).ToHashSet();
        var components = resources.Components.Select(component => component.Name).ToHashSet();
        string KnownApps() => string.Join(", ", apps);

        foreach (var (where, what, scopes) in resources.Components.Select(c => (c.Where, $"the component '{c.Name}'", c.Scopes))
            .Concat(resources.Subscriptions.Select(s => (s.Subscription.Where, $"the subscription to '{s.Subscription.Topic}'", s.Scopes)))
            .Concat(resources.Resiliency.Select(r => (r.File, "the resiliency document", r.Scopes))))
        {
            foreach (var unknown in scopes.Where(scope => !apps.Contains(scope)))
            {
                findings.Add($"{where}: {what} is scoped to '{unknown}', and no app of {file.Path} is called that; the apps are {KnownApps()}.");
            }
        }

        foreach (var (spec, where, _) in resources.Resiliency)
        {
            foreach (var unknown in spec.Apps.Keys.Where(target => !apps.Contains(target)))
            {
                findings.Add($"{where}: the resiliency target 'apps.{unknown}' is no app of {file.Path}; the apps are {KnownApps()}.");
            }

            foreach (var unknown in spec.Inbound.Keys.Union(spec.Outbound.Keys).Where(target => !components.Contains(target)))
            {
                findings.Add($"{where}: the resiliency target 'components.{unknown}' is no component; the components are {string.Join(", ", components)}.");
            }
        }
    }

    private void CheckSubscriptions(RunFile file, Resources resources, Dictionary<string, ComponentSet> components)
    {
        var deadLetters = resources.Subscriptions.Select(s => (s.Subscription.PubSub, Topic: s.Subscription.DeadLetterTopic)).ToHashSet();
        foreach (var (subscription, _) in resources.Subscriptions.Where(s => string.IsNullOrEmpty(s.Subscription.Default)))
        {
            findings.Add($"{subscription.Where}: the subscription to '{subscription.Topic}' has no default route, so events that match no rule are dropped silently; add routes.default.");
        }

        foreach (var app in file.Apps)
        {
            var mine = resources.Subscriptions.Where(s => Resources.InScope(s.Scopes, app.Id)).Select(s => s.Subscription).ToList();
            var pubSubs = resources.Components.Where(c => c.Type.StartsWith("pubsub.", StringComparison.Ordinal) && Resources.InScope(c.Scopes, app.Id)).Select(c => c.Name).ToHashSet();
            var policies = new Resiliency(ResiliencySpec.Merge(resources.Resiliency.Where(r => Resources.InScope(r.Scopes, app.Id)).Select(r => r.Spec)), TimeProvider.System);

            findings.AddRange(Subscription.Problems(mine, app.Id, pubSubs.Contains));
            foreach (var subscription in mine)
            {
                // A subscription to a dead-letter topic needs no dead-letter topic of its own.
                if (subscription.DeadLetterTopic is not null || deadLetters.Contains((subscription.PubSub, subscription.Topic)))
                {
                    continue;
                }

                var retry = policies.ForInbound(subscription.PubSub).Retry;
                if (IsBounded(retry))
                {
                    findings.Add($"{subscription.Where}: {app.Id}'s subscription to '{subscription.Topic}' has no deadLetterTopic, and the inbound retries of '{subscription.PubSub}' end; add one, or a message is lost when they are exhausted.");
                }
                else if ((retry is null or { Http: not null } or { Grpc: not null }) && components.GetValueOrDefault(app.Id)?.PubSubs.GetValueOrDefault(subscription.PubSub) is { Bus: null } pubSub && (!pubSub.RetryInPlace || pubSub.MaxRetries >= 0))
                {
                    findings.Add($"{subscription.Where}: {app.Id}'s subscription to '{subscription.Topic}' has no deadLetterTopic, and '{subscription.PubSub}' gives up on a message (backOffMaxRetries, or consumeRetryEnabled: false); add one, or such a message is lost.");
                }
            }
        }
    }

    private void CheckPubSubs(Resources resources)
    {
        foreach (var pubSub in resources.Components.Where(c => c.Type == "pubsub.kafka" && c.Metadata.All(m => m is not { Name: "initialOffset", Value: "oldest" })))
        {
            findings.Add($"{pubSub.Where}: '{pubSub.Name}' does not say initialOffset: oldest, so a new consumer group misses the messages published before it joins; add it.");
        }
    }

    // An exponential retry ends after 15 minutes, whatever maxRetries says.
    private static bool IsBounded(RetrySpec? retry) => retry is { Exponential: true } or { MaxRetries: >= 0 };

    private void Try(Action look)
    {
        try
        {
            look();
        }
        catch (LocalRunnerException e)
        {
            findings.AddRange(e.Message.Split(Environment.NewLine).Except(findings));
        }
    }
}
