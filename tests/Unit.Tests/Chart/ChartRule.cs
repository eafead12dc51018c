using YamlDotNet.RepresentationModel;

namespace SecondhandTrade.UnitTests.Chart;

/// <summary>Something that holds of all that is rendered: who offends against it, and an edit that offends against it and nothing else.</summary>
internal sealed record ChartRule(string Name, Func<Rendered, IEnumerable<string>> Offenders, Action<Rendered> Break)
{
    private static readonly string[] Resources = ["cpu", "memory"];

    private static readonly string[] Sidecar = ["cpu-request", "cpu-limit", "memory-request", "memory-limit"];

    private static readonly Dictionary<string, string> ControlPlane = new()
    {
        ["dapr-sentry"] = "50001",
        ["dapr-operator"] = "6500",
        ["dapr-placement-server"] = "50005",
        ["dapr-scheduler-server"] = "50006",
    };

    // What Dapr's custom resource definitions require of an object where there is one; * is every item of a list.
    private static readonly (string Kind, string[] Path, string[] Fields)[] Required =
    [
        ("Component", ["spec"], ["type", "version", "metadata"]),
        ("Component", ["spec", "metadata", "*"], ["name"]),
        ("Component", ["spec", "metadata", "*", "secretKeyRef"], ["name"]),
        ("Component", ["auth"], ["secretStore"]),
        ("Configuration", ["spec", "tracing"], ["samplingRate"]),
        ("Configuration", ["spec", "tracing", "otel"], ["protocol", "endpointAddress", "isSecure"]),
        ("Configuration", ["spec", "metrics"], ["enabled"]),
        ("Configuration", ["spec", "nameResolution"], ["component", "version", "configuration"]),
        ("Configuration", ["spec", "accessControl", "policies", "*"], ["appId"]),
        ("Configuration", ["spec", "accessControl", "policies", "*", "operations", "*"], ["name", "action"]),
        ("Resiliency", ["spec"], ["policies", "targets"]),
        ("Subscription", ["spec"], ["pubsubname", "topic", "routes"]),
        ("Subscription", ["spec", "routes", "rules", "*"], ["match", "path"]),
    ];

    public static IReadOnlyList<ChartRule> All { get; } =
    [
        // Everything.
        new("no two things have one name", c => c.All.GroupBy(d => (d.Text("kind"), d.Name())).Where(g => g.Count() > 1).Select(g => $"{g.Key}"), c => c.Add("{kind: Secret, metadata: {name: twice, labels: {app.kubernetes.io/instance: town}}}\n---\n{kind: Secret, metadata: {name: twice, labels: {app.kubernetes.io/instance: town}}}")),
        Each("everything says which release it is of", c => c.All, d => d.Text("metadata", "labels", "app.kubernetes.io/instance") == "town", c => c.One("Service", "stock").Drop("metadata", "labels", "app.kubernetes.io/instance")),

        // Pods: the restricted profile and what goes with it.
        Pod("a pod is not root", p => p.Text("securityContext", "runAsNonRoot") == "true" && p.Number("securityContext", "runAsUser") > 0, p => p.Set("0", "securityContext", "runAsUser")),
        Pod("a pod has the runtime's seccomp profile", p => p.Text("securityContext", "seccompProfile", "type") == "RuntimeDefault", p => p.Set("Unconfined", "securityContext", "seccompProfile", "type")),
        Pod("a pod is not given a token of the cluster's", p => p.Text("automountServiceAccountToken") == "false", p => p.Set("true", "automountServiceAccountToken")),
        Pod("a pod is not told of all Services by its environment", p => p.Text("enableServiceLinks") == "false", p => p.Drop("enableServiceLinks")),
        Pod("a pod shares nothing with its node", p => p.Text("hostNetwork") is null && p.Text("hostPID") is null && p.Text("hostIPC") is null && p.Items("volumes").All(v => v.At("hostPath") is null), p => p.Set("true", "hostNetwork")),
        new("a workload has an account of its own", c => c.Of("Deployment", "StatefulSet").Where(d => d.Text("spec", "template", "spec", "serviceAccountName") is var account && (account != d.Name() || c.Of("ServiceAccount").All(a => a.Name() != account))).Select(d => d.Name()), c => c.Remove("ServiceAccount", "trade")),
        Container("a container cannot gain rights", k => k.Text("securityContext", "allowPrivilegeEscalation") == "false" && k.Text("securityContext", "privileged") is null, k => k.Set("true", "securityContext", "allowPrivilegeEscalation")),
        Container("a container cannot write to its image", k => k.Text("securityContext", "readOnlyRootFilesystem") == "true", k => k.Set("false", "securityContext", "readOnlyRootFilesystem")),
        Container("a container has no capability", k => k.Words("securityContext", "capabilities", "drop").SequenceEqual(["ALL"]) && k.At("securityContext", "capabilities", "add") is null, k => k.Drop("securityContext", "capabilities")),
        Container("a container says what it needs", k => Resources.All(r => k.Text("resources", "requests", r) is not null), k => k.Drop("resources", "requests", "memory")),
        Container("a container says what it may take", k => Resources.All(r => k.Text("resources", "limits", r) is not null), k => k.Drop("resources", "limits", "memory")),
        Container("an image has a version", k => k.Text("image")!.Split('/')[^1].Split(':') is [_, not "latest" and not ""], k => k.Set("ghcr.io/town/thing:latest", "image")),
        Container("a secret comes from a Secret", k => k.Items("env").All(e => e.Text("value") is not { } value || !Secret(e.Text("name")!) || value.Contains("$(", StringComparison.Ordinal)), k => ((YamlSequenceNode)k.At("env")!).Add(new YamlMappingNode("name", "SOME_PASSWORD", "value", "hunter2"))),
        Container("no command, argument or variable has $$, of which the cluster leaves one $", k => !k.Words("command").Concat(k.Words("args")).Concat(k.Items("env").Select(e => e.Text("value") ?? "")).Any(text => text.Contains("$$", StringComparison.Ordinal)), k => ((YamlScalarNode)k.At("args", "0")!).Value += "$$"),
        new("no secret stands among the settings", c => c.Of("ConfigMap").Where(m => m.Keys("data").Any(Secret)).Select(m => m.Name()), c => c.One("ConfigMap", "trade").Set("hunter2", "data", "Some__Password")),
        Service("what runs may write to /tmp alone", d => d.At("spec", "template", "spec") is var pod && App(d).Items("volumeMounts").Select(m => m.Text("mountPath")).SequenceEqual(["/tmp"]) && pod.Items("volumes").All(v => v.At("emptyDir") is not null), d => d.Drop("spec", "template", "spec", "volumes", "0", "emptyDir")),
        new("the pages have room in /tmp for the uploads of many people at once", c => c.Services.Where(d => d.Name() == Pages && Mebibytes(d.Text("spec", "template", "spec", "volumes", "0", "emptyDir", "sizeLimit")) < 64 * UploadMebibytes).Select(d => d.Name()), c => c.One("Deployment", Pages).Set("64Mi", "spec", "template", "spec", "volumes", "0", "emptyDir", "sizeLimit")),

        // Probes.
        new("what goes on for ever is asked whether it has started, lives and is ready", c => c.Of("Deployment", "StatefulSet").Where(d => App(d) is var k && (k.At("startupProbe") is null || k.At("livenessProbe") is null || k.At("readinessProbe") is null)).Select(d => d.Name()), c => App(c.One("StatefulSet", "redis")).Drop("startupProbe")),
        Service("started means warmed up", d => App(d).Text("startupProbe", "httpGet", "path") == "/healthz", d => App(d).Set("/alive", "startupProbe", "httpGet", "path")),
        Service("alive means that the process answers", d => App(d).Text("livenessProbe", "httpGet", "path") == "/alive", d => App(d).Set("/ready", "livenessProbe", "httpGet", "path")),
        Service("ready means that its own store answers and it stays", d => App(d).Text("readinessProbe", "httpGet", "path") == "/ready", d => App(d).Set("/healthz", "readinessProbe", "httpGet", "path")),
        Service("a start may take two minutes", d => App(d).Number("startupProbe", "periodSeconds") * App(d).Number("startupProbe", "failureThreshold") >= 120, d => App(d).Set("3", "startupProbe", "failureThreshold")),

        // Coming and going.
        Service("how many there are is the autoscaler's to say", d => d.At("spec", "replicas") is null, d => d.Set("1", "spec", "replicas")),
        Service("an upgrade takes nothing away before there is something new", d => d.Text("spec", "strategy", "rollingUpdate", "maxUnavailable") == "0", d => d.Set("1", "spec", "strategy", "rollingUpdate", "maxUnavailable")),
        Service("replicas are spread over zones and machines", d => d.At("spec", "template", "spec").Items("topologySpreadConstraints").Select(t => t.Text("topologyKey")).Order(StringComparer.Ordinal).SequenceEqual(["kubernetes.io/hostname", "topology.kubernetes.io/zone"]), d => d.Drop("spec", "template", "spec", "topologySpreadConstraints", "0")),
        Service("an app outlives its sidecar's last delivery", d => App(d).Number("lifecycle", "preStop", "sleep", "seconds") > Annotations(d).Number("dapr.io/block-shutdown-duration") + Annotations(d).Number("dapr.io/graceful-shutdown-seconds"), d => App(d).Set("20", "lifecycle", "preStop", "sleep", "seconds")),
        Service("a sidecar waits before it leaves, and then drains", d => Annotations(d).Number("dapr.io/block-shutdown-duration") > 0 && Annotations(d).Number("dapr.io/graceful-shutdown-seconds") > 0, d => Annotations(d).Set("0s", "dapr.io/block-shutdown-duration")),
        new("nobody is killed while it still may work", c => c.Services.Where(d => d.Number("spec", "template", "spec", "terminationGracePeriodSeconds") <= App(d).Number("lifecycle", "preStop", "sleep", "seconds") + (ShutdownOf(c, d) is var app and > 0 ? app : 0)).Select(d => d.Name()), c => c.One("Deployment", "stock").Set("30", "spec", "template", "spec", "terminationGracePeriodSeconds")),
        new("an app is told how long it may take to stop", c => c.Services.Where(d => ShutdownOf(c, d) <= 0).Select(d => d.Name()), c => c.One("ConfigMap", "stock").Drop("data", "DOTNET_shutdownTimeoutSeconds")),
        new("every service is scaled, and never to one", c => c.Services.Where(d => Scaler(c, d.Name()) is not { } s || s.Min < 2).Select(d => d.Name()), c => c.One("HorizontalPodAutoscaler", "stock").Set("1", "spec", "minReplicas")),
        new("a service may grow", c => c.Services.Where(d => Scaler(c, d.Name()) is { } s && s.Max <= s.Min).Select(d => d.Name()), c => c.One("HorizontalPodAutoscaler", "stock").Set("2", "spec", "maxReplicas")),
        Each("whoever scales a service looks at its app's processor, too", c => c.Of("HorizontalPodAutoscaler", "ScaledObject"), s => ByProcessor(s) is { Container: "app", Percent: > 0 and <= 100 }, c => c.One("HorizontalPodAutoscaler", "stock").Set("sidecar", "spec", "metrics", "0", "containerResource", "container")),
        new("a service shrinks by one pod at a time, whoever scales it", c => c.Of("HorizontalPodAutoscaler", "ScaledObject").Where(s => ScaleDown(s).Items("policies").Select(p => (p.Text("type"), p.Text("value"))).ToList() is not [("Pods", "1")]).Select(s => s.Name()), c => ScaleDown(c.One("HorizontalPodAutoscaler", "stock"))!.Drop("policies", "0")),
        new("a node that is emptied takes one pod of a service at a time", c => c.Services.Where(d => !c.Of("PodDisruptionBudget").Any(b => b.Text("spec", "maxUnavailable") == "1" && b.At("spec", "selector").Flat() == d.At("spec", "selector").Flat())).Select(d => d.Name()), c => c.Remove("PodDisruptionBudget", "mypage")),
        Service("a changed setting rolls the pods", d => Annotations(d).Text("checksum/settings") is { Length: 64 }, d => Annotations(d).Drop("checksum/settings")),
        Service("a change of what a sidecar is told rolls the pods", d => Annotations(d).Text("checksum/dapr") is { Length: 64 }, d => Annotations(d).Drop("checksum/dapr")),
        Each("sidecars do not reload by themselves, all replicas at once", c => c.Of("Configuration"), f => f.Items("spec", "features").Any(x => x.Text("name") == "HotReload" && x.Text("enabled") == "false"), c => c.One("Configuration", "stock").At("spec", "features", "0")!.Set("true", "enabled")),
        new("a Service leads to its pods", c => c.Services.Where(d => !c.Of("Service").Any(s => s.Name() == d.Name() && s.At("spec", "selector").Flat() == d.At("spec", "selector", "matchLabels").Flat() && s.Text("spec", "ports", "0", "targetPort") == App(d).Text("ports", "0", "name"))).Select(d => d.Name()), c => c.One("Service", "stock").Set("web", "spec", "ports", "0", "targetPort")),

        // Sidecars.
        Service("an app has a sidecar under its own name", d => Annotations(d).Text("dapr.io/enabled") == "true" && Annotations(d).Text("dapr.io/app-id") == d.Name(), d => Annotations(d).Set("false", "dapr.io/enabled")),
        Service("a sidecar knows the port its app listens on", d => Annotations(d).Text("dapr.io/app-port") == App(d).Text("ports", "0", "containerPort"), d => Annotations(d).Set("8081", "dapr.io/app-port")),
        new("an app listens where it says", c => c.Services.Where(d => c.One("ConfigMap", d.Name()).Text("data", "ASPNETCORE_URLS") != "http://+:8080").Select(d => d.Name()), c => c.One("ConfigMap", "stock").Set("http://+:80", "data", "ASPNETCORE_URLS")),
        Service("a sidecar speaks HTTP with its app", d => Annotations(d).Text("dapr.io/app-protocol") == "http", d => Annotations(d).Set("grpc", "dapr.io/app-protocol")),
        new("a sidecar has a configuration of its own", c => c.Services.Where(d => Annotations(d).Text("dapr.io/config") != d.Name() || c.Of("Configuration").All(f => f.Name() != d.Name())).Select(d => d.Name()), c => Annotations(c.One("Deployment", "stock")).Set("trade", "dapr.io/config")),
        Service("an app shows its sidecar a token", d => SecretOf(d, "DAPR_API_TOKEN") is { } s && s == Annotations(d).Text("dapr.io/api-token-secret"), d => Annotations(d).Drop("dapr.io/api-token-secret")),
        Service("a sidecar shows its app a token", d => SecretOf(d, "APP_API_TOKEN") is { } s && s == Annotations(d).Text("dapr.io/app-token-secret"), d => Annotations(d).Drop("dapr.io/app-token-secret")),
        Service("a sidecar looks whether its app is alive", d => Annotations(d).Text("dapr.io/enable-app-health-check") == "true" && Annotations(d).Text("dapr.io/app-health-check-path") == "/alive", d => Annotations(d).Set("/ready", "dapr.io/app-health-check-path")),
        Service("a sidecar says what it needs and may take", d => Sidecar.All(s => Annotations(d).Text($"dapr.io/sidecar-{s}") is not null), d => Annotations(d).Drop("dapr.io/sidecar-memory-limit")),
        Service("a sidecar takes no body of any size", d => Annotations(d).Text("dapr.io/max-body-size") is not null, d => Annotations(d).Drop("dapr.io/max-body-size")),
        Service("a sidecar takes as long a head as the gateway", d => Annotations(d).Text("dapr.io/read-buffer-size") == "16Ki", d => Annotations(d).Drop("dapr.io/read-buffer-size")),
        Service("a sidecar reads no Secrets", d => Annotations(d).Text("dapr.io/disable-builtin-k8s-secret-store") == "true", d => Annotations(d).Drop("dapr.io/disable-builtin-k8s-secret-store")),
        Service("a sidecar has the runtime's seccomp profile", d => Annotations(d).Text("dapr.io/sidecar-seccomp-profile-type") == "RuntimeDefault", d => Annotations(d).Drop("dapr.io/sidecar-seccomp-profile-type")),

        // Who may call whom.
        Each("nobody may call anybody but where it is said", c => c.Of("Configuration"), f => f.Text("spec", "accessControl", "defaultAction") == "deny" && f.Items("spec", "accessControl", "policies").All(p => p.Text("defaultAction") == "deny"), c => c.One("Configuration", "payment").Set("allow", "spec", "accessControl", "defaultAction")),
        Each("a caller is known by its domain and namespace", c => c.Of("Configuration"), f => f.Items("spec", "accessControl", "policies").All(p => p.Text("trustDomain") is { Length: > 0 } && p.Text("namespace") == "town"), c => c.One("Configuration", "payment").Set("public", "spec", "accessControl", "policies", "0", "namespace")),
        Each("what a caller may do is said by paths and verbs", c => c.Of("Configuration"), f => f.Items("spec", "accessControl", "policies").SelectMany(p => p.Items("operations")).All(o => o.Text("name") is not ("/*" or "/**") && o.Words("httpVerb").Count > 0), c => c.One("Configuration", "payment").At("spec", "accessControl", "policies", "0", "operations").Add("{name: /**, httpVerb: [GET], action: allow}")),
        new("what a caller may do is what the values say", c => Values.Keys("services").SelectMany(callee => Said(callee).Except(Told(c, callee)).Select(said => $"{callee}: {said}")), c => c.One("Configuration", "payment").Drop("spec", "accessControl", "policies", "0", "operations", "0")),
        new("from outside payments are only read", c => c.One("Configuration", "payment").Items("spec", "accessControl", "policies").Where(p => p.Text("appId") is "gateway" or "web" && p.Items("operations").Any(o => !o.Words("httpVerb").SequenceEqual(["GET"]))).Select(p => p.Text("appId")!), c => c.One("Configuration", "payment").At("spec", "accessControl", "policies", "0", "operations").Add("{name: /payments, httpVerb: [POST], action: allow}")),

        // What Dapr is told is what it is told on one machine.
        new("a Dapr resource has every field its definition requires", c => Required.SelectMany(r => c.Of(r.Kind).Where(d => d.Every(r.Path).Any(at => r.Fields.Any(field => at.At(field) is null))).Select(d => $"{r.Kind} {d.Name()} {string.Join('.', r.Path)}")), c => c.One("Configuration", "stock").Drop("spec", "nameResolution", "version")),
        new("components are the canonical ones, but for addresses, secrets and who may use them", c => Components.Differences(c), c => c.One("Component", "pubsub").At("spec", "metadata", "2")!.Set("2.0.0", "value")),
        new("subscriptions are the canonical ones", c => Components.Differences(c, "Subscription"), c => c.Remove("Subscription", "trade-stock")),
        new("policies for failures are the canonical ones", c => Components.Differences(c, "Resiliency"), c => c.One("Resiliency", "town").Set("9s", "spec", "policies", "timeouts", "payment")),
        new("traces are sampled as the canonical configuration says", c => c.Of("Configuration").Where(f => f.Text("spec", "tracing", "samplingRate") != Components.Canonical("Configuration", "town").Text("spec", "tracing", "samplingRate")).Select(f => f.Name()), c => c.One("Configuration", "stock").Set("0", "spec", "tracing", "samplingRate")),
        Each("a sidecar counts what it serves without the paths, whose ids would make series without end", c => c.Of("Configuration"), f => f.Text("spec", "metrics", "enabled") == "true" && f.Text("spec", "metrics", "http", "increasedCardinality") == "false", c => c.One("Configuration", "stock").Drop("spec", "metrics", "http")),
        new("a component is for the apps that keep state, and for them alone", c => c.Of("Component").Where(k => !k.Words("scopes").Order(StringComparer.Ordinal).SequenceEqual(Stored(c))).Select(k => k.Name()), c => ((YamlSequenceNode)c.One("Component", "statestore").At("scopes")!).Add("gateway")),

        // The network.
        new("what no rule allows is denied", c => c.Of("NetworkPolicy").Any(n => n.At("spec", "podSelector").Flat() == "{matchLabels: {app.kubernetes.io/instance: town}}" && n.Words("spec", "policyTypes").Count == 2 && n.At("spec", "ingress") is null && n.At("spec", "egress") is null) ? [] : ["nothing denies"], c => c.Remove("NetworkPolicy", "default-deny")),
        Each("no rule lets everybody in", c => c.Of("NetworkPolicy"), n => n.Items("spec", "ingress").All(i => i.Items("from").Any() && i.Items("from").All(f => f.Children.Count > 0)), c => c.Add("{kind: NetworkPolicy, metadata: {name: open, labels: {app.kubernetes.io/instance: town}}, spec: {podSelector: {matchLabels: {a: b}}, ingress: [{ports: [{port: 1}]}]}}")),
        Each("no rule is without ports", c => c.Of("NetworkPolicy"), n => n.Items("spec", "ingress").Concat(n.Items("spec", "egress")).All(r => r.Items("ports").Any()), c => c.One("NetworkPolicy", "dns").Drop("spec", "egress", "0", "ports")),
        new("the network lets a call in where the access control does", c => c.Services.Where(d => !Lets(c, d.Name(), "ingress", "50002").SequenceEqual(Callers(c, d.Name()))).Select(d => d.Name()), c => c.One("NetworkPolicy", "payment").Drop("spec", "ingress", "0", "from", "0")),
        new("the network lets a call out where the access control does", c => c.Services.Where(d => !Lets(c, d.Name(), "egress", "50002").SequenceEqual(Callees(c, d.Name()))).Select(d => d.Name()), c => c.One("NetworkPolicy", "stock").At("spec", "egress", "0", "ports")!.At("0")!.Set("50001", "port")),
        new("past the sidecars only gateway and pages go, to the notices, and the gateway to the pages", c => c.Services.Where(d => !Lets(c, d.Name(), "ingress", "8080").Except(["outside", "helm-test"]).SequenceEqual(d.Name() switch { "notification" => ["gateway", "web"], "web" => ["gateway"], _ => [] })).Select(d => d.Name()), c => c.One("NetworkPolicy", "notification").At("spec", "ingress", "1", "from", "0", "podSelector", "matchLabels")!.Set("stock", "app.kubernetes.io/name")),
        new("only the gateway and who is public is reached from outside", c => c.Of("NetworkPolicy").Where(n => n.Items("spec", "ingress").Any(i => i.Items("from").Any(f => f.At("namespaceSelector") is not null || f.At("ipBlock") is not null) && i.Items("ports").Any(p => p.Text("port") == "8080")) && n.Name() is not ("gateway" or "metrics")).Select(n => n.Name()), c => ((YamlSequenceNode)c.One("NetworkPolicy", "notification").At("spec", "ingress", "1", "from")!).Add(new YamlMappingNode("namespaceSelector", new YamlMappingNode("a", "b")))),
        new("who goes past the sidecars is told where to", c => c.Of("ConfigMap").Select(m => (m.Name(), m.Keys("data").Where(k => k.EndsWith("__Address", StringComparison.Ordinal)).Select(k => m.Text("data", k)!).Order(StringComparer.Ordinal))).Where(m => c.Services.Any(d => d.Name() == m.Item1) && !m.Item2.SequenceEqual(Lets(c, m.Item1, "egress", "8080").Select(callee => $"http://{callee}:8080"))).Select(m => m.Item1), c => c.One("ConfigMap", "web").Drop("data", "Notification__Address")),
        new("who is called through a proxy believes it, and nobody else does", c => c.Of("ConfigMap").Where(m => (m.Text("data", "ASPNETCORE_FORWARDEDHEADERS_ENABLED") == "true") != (m.Name() is "gateway" or Pages)).Select(m => m.Name()), c => c.One("ConfigMap", "stock").Set("true", "data", "ASPNETCORE_FORWARDEDHEADERS_ENABLED")),
        Each("who scrapes reaches of the gateway the port for that alone", c => c.Of("NetworkPolicy").Where(n => n.Name() is "metrics" or Apart), n => n.Words("spec", "podSelector", "matchExpressions", "0", "values").SequenceEqual(["gateway"]) && (n.Text("spec", "podSelector", "matchExpressions", "0", "operator"), n.Text("spec", "ingress", "0", "ports", "0", "port")) == (n.Name() == Apart ? ("In", MetricsPort) : ("NotIn", "8080")) && n.Items("spec", "ingress").Single().Items("ports").Count() == 1, c => c.One("NetworkPolicy", "metrics").Drop("spec", "podSelector", "matchExpressions")),
        new("nobody but who scrapes reaches the gateway's port for that", c => c.Of("NetworkPolicy").Where(n => n.Name() != Apart && n.Items("spec", "ingress").SelectMany(i => i.Items("ports")).Any(p => p.Text("port") == MetricsPort)).Select(n => n.Name()), c => c.One("NetworkPolicy", "gateway").At("spec", "ingress", "0", "ports").Add("{protocol: TCP, port: 9464}")),
        Each("no Service leads to a port for who scrapes", c => c.Of("Service"), s => s.Items("spec", "ports").All(p => p.Text("targetPort") is not ("metrics" or MetricsPort)), c => c.One("Service", "gateway").At("spec", "ports").Add("{name: metrics, port: 80, targetPort: metrics}")),
        new("the gateway has its metrics on a port of their own, by which a scraper finds it", c => (c.One("ConfigMap", "gateway").Text("data", "Metrics__Port"), App(c.One("Deployment", "gateway")).Items("ports").SingleOrDefault(p => p.Text("name") == "metrics").Text("containerPort")) == (MetricsPort, MetricsPort) ? [] : ["gateway"], c => c.One("ConfigMap", "gateway").Drop("data", "Metrics__Port")),
        new("every sidecar reaches Dapr's control plane, each part on its port", c => ControlPlane.Where(p => !c.One("NetworkPolicy", "control-plane").Items("spec", "egress").Any(e => e.Text("to", "0", "podSelector", "matchLabels", "app") == p.Key && e.Text("to", "0", "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name") == "dapr-system" && e.Text("ports", "0", "port") == p.Value)).Select(p => p.Key), c => c.One("NetworkPolicy", "control-plane").At("spec", "egress", "0", "ports", "0")!.Set("443", "port")),
        new("names are looked up in the cluster alone", c => c.One("NetworkPolicy", "dns").Items("spec", "egress").Where(e => e.Text("to", "0", "podSelector", "matchLabels", "k8s-app") != "kube-dns" || e.Items("ports").Any(p => p.Text("port") != "53")).Select(_ => "dns"), c => c.One("NetworkPolicy", "dns").Drop("spec", "egress", "0", "to")),
        new("who keeps state reaches Kafka and Redis, and nobody else does", c => c.Services.Where(d => ReachesStores(c, d.Name()) != Stored(c).Contains(d.Name())).Select(d => d.Name()), c => c.One("NetworkPolicy", "trade").Drop("spec", "egress", $"{c.One("NetworkPolicy", "trade").Items("spec", "egress").Count() - 1}")),
        new("the pages reach the Redis their keys are in, and no broker", c => Ports(c, Pages, "redisHost") && !Ports(c, Pages, "brokers") ? [] : [Pages], c => c.One("NetworkPolicy", Pages).Drop("spec", "egress", $"{c.One("NetworkPolicy", Pages).Items("spec", "egress").Count() - 1}")),
        Each("the ingress leads to the gateway", c => c.Of("Ingress"), i => i.Items("spec", "rules").SelectMany(r => r.Items("http", "paths")).All(p => p.Text("backend", "service", "name") is "gateway"), c => c.One("Ingress", "gateway").At("spec", "rules", "0", "http", "paths", "0", "backend", "service")!.Set("payment", "name")),
        Each("a certificate is for hosts that have a name, or says none", c => c.Of("Ingress"), i => i.Items("spec", "tls").All(t => t.At("hosts") is null || t.Words("hosts") is [{ Length: > 0 }, ..]), c => ((YamlMappingNode)c.One("Ingress", "gateway").At("spec")!).Add("tls", new YamlSequenceNode(new YamlMappingNode("hosts", new YamlSequenceNode(new YamlScalarNode("")))))),

        // The pair for a trial.
        Each("what a trial keeps is on a volume", c => c.Of("StatefulSet"), s => s.Items("spec", "volumeClaimTemplates").Select(v => v.Name()).SequenceEqual(["data"]) && App(s).Items("volumeMounts").Any(m => m.Text("name") == "data"), c => c.One("StatefulSet", "kafka").Drop("spec", "volumeClaimTemplates")),
        Each("Kafka keeps every event and every group's offsets, however long the town is closed", c => c.Of("StatefulSet").Where(s => s.Name() == "kafka"), s => Variable(s, "KAFKA_LOG_RETENTION_MS").Text("value") == "-1" && Variable(s, "KAFKA_OFFSETS_RETENTION_MINUTES").Text("value") == $"{int.MaxValue}", c => Variable(c.One("StatefulSet", "kafka"), "KAFKA_LOG_RETENTION_MS")!.Set("604800000", "value")),
        Each("Kafka's garbage collector logs to stdout, not into a volume that fills", c => c.Of("StatefulSet").Where(s => s.Name() == "kafka"), s => Variable(s, "KAFKA_GC_LOG_OPTS").Text("value") is { } log && log.Contains(":stdout", StringComparison.Ordinal), c => Variable(c.One("StatefulSet", "kafka"), "KAFKA_GC_LOG_OPTS")!.Set("-Xlog:gc:file=gc.log", "value")),
        new("Kafka's own tools, in its pod, reach it by the name it gives of itself", c => c.Of("StatefulSet").Where(s => s.Name() == "kafka" && (!Lets(c, "kafka", "ingress", "9092").Contains("kafka") || !Lets(c, "kafka", "egress", "9092").Contains("kafka"))).Select(s => s.Name()), c => c.One("NetworkPolicy", "kafka").Drop("spec", "egress", "0")),
        Each("Redis has a write on the disk before it says so", c => c.Of("StatefulSet").Where(s => s.Name() == "redis"), s => string.Join(' ', App(s).Words("args")).Contains("--appendonly yes --appendfsync always", StringComparison.Ordinal), c => ((YamlScalarNode)App(c.One("StatefulSet", "redis")).At("args", "6")!).Value = "everysec"),
        Each("Redis asks for a password", c => c.Of("StatefulSet").Where(s => s.Name() == "redis"), s => App(s).Words("args").Contains("--requirepass"), c => App(c.One("StatefulSet", "redis")).Drop("args", "7")),
    ];

    public override string ToString() => Name;

    private static ChartRule Each(string name, Func<Rendered, IEnumerable<YamlNode>> which, Func<YamlNode, bool> holds, Action<Rendered> breaks) =>
        new(name, c => which(c).Where(d => !holds(d)).Select(d => d.Name()), breaks);

    private static ChartRule Service(string name, Func<YamlNode, bool> holds, Action<YamlNode> breaks) => Each(name, c => c.Services, holds, c => breaks(c.One("Deployment", "stock")));

    private static ChartRule Pod(string name, Func<YamlNode, bool> holds, Action<YamlNode> breaks) =>
        new(name, c => c.Pods.Where(p => !holds(p.Pod)).Select(p => p.Name), c => breaks(c.Pods.Single(p => p.Name == "kafka").Pod));

    private static ChartRule Container(string name, Func<YamlNode, bool> holds, Action<YamlNode> breaks) =>
        new(name, c => c.Containers.Where(k => !holds(k.Container)).Select(k => k.Name), c => breaks(c.Containers.Single(k => k.Name == "reserve-and-cancel/buyer").Container));

    private static YamlNode App(YamlNode workload) => workload.At("spec", "template", "spec", "containers", "0")!;

    private static YamlNode Annotations(YamlNode workload) => workload.At("spec", "template", "metadata", "annotations")!;

    private static YamlMappingNode? Variable(YamlNode workload, string name) => App(workload).Items("env").SingleOrDefault(e => e.Text("name") == name);

    private static string? SecretOf(YamlNode workload, string variable) => Variable(workload, variable).Text("valueFrom", "secretKeyRef", "name");

    // Of sizes as the chart writes them: 64Mi, 1Gi.
    private static int Mebibytes(string? size) => size is null ? 0 : int.Parse(size[..^2], System.Globalization.CultureInfo.InvariantCulture) * (size.EndsWith("Gi", StringComparison.Ordinal) ? 1024 : 1);

    private static bool Secret(string name) => name.Contains("password", StringComparison.OrdinalIgnoreCase) || name.Contains("token", StringComparison.OrdinalIgnoreCase)
        || name.Contains("secret", StringComparison.OrdinalIgnoreCase) || name.Contains("ConnectionStrings", StringComparison.Ordinal);

    private static int ShutdownOf(Rendered chart, YamlNode service) => chart.One("ConfigMap", service.Name()).Number("data", "DOTNET_shutdownTimeoutSeconds");

    private static (int Min, int Max)? Scaler(Rendered chart, string app) =>
        chart.Of("HorizontalPodAutoscaler", "ScaledObject").SingleOrDefault(s => s.Text("spec", "scaleTargetRef", "name") == app) is not { } scaler ? null
        : scaler.Text("kind") == "ScaledObject" ? (scaler.Number("spec", "minReplicaCount"), scaler.Number("spec", "maxReplicaCount"))
        : (scaler.Number("spec", "minReplicas"), scaler.Number("spec", "maxReplicas"));

    private static (string? Container, int Percent)? ByProcessor(YamlNode scaler) =>
        scaler.Items("spec", "triggers").SingleOrDefault(t => t.Text("type") == "cpu" && t.Text("metricType") == "Utilization") is { } trigger ? (trigger.Text("metadata", "containerName"), trigger.Number("metadata", "value"))
        : scaler.Items("spec", "metrics").SingleOrDefault(m => m.Text("containerResource", "name") == "cpu").At("containerResource") is { } resource ? (resource.Text("container"), resource.Number("target", "averageUtilization"))
        : null;

    private static YamlNode? ScaleDown(YamlNode scaler) => scaler.At("spec", "behavior", "scaleDown") ?? scaler.At("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown");

    // Who is public shows its metrics here, and lets in who scrapes by this policy.
    private const string MetricsPort = "9464";

    private const string Apart = "metrics-of-public";

    // They keep the keys of their cookies in Redis, past Dapr, and nothing else.
    private const string Pages = "web";

    // A form with pictures, which is spooled to /tmp while it is read: what the ingress lets through.
    private const int UploadMebibytes = 12;

    private static IReadOnlyList<string> Stored(Rendered chart) => [.. chart.Services.Where(d => SecretOf(d, "REDIS_PASSWORD") is not null && d.Name() != Pages).Select(d => d.Name()).Order(StringComparer.Ordinal)];

    private static YamlNode Values { get; } = Rendered.Read(Repository.Read("deploy", "helm", "values.yaml")).All.Single();

    private static IEnumerable<string> Said(string callee) => Values.Keys("services", callee, "callers").SelectMany(caller => Values.Keys("services", callee, "callers", caller)
        .Select(path => $"{caller} {path} {string.Join(' ', Values.Words("services", callee, "callers", caller, path))}"));

    private static IEnumerable<string> Told(Rendered chart, string callee) => chart.One("Configuration", callee).Items("spec", "accessControl", "policies").SelectMany(p => p.Items("operations")
        .Where(o => o.Text("action") == "allow").Select(o => $"{p.Text("appId")} {o.Text("name")} {string.Join(' ', o.Words("httpVerb"))}"));

    private static IEnumerable<string> Allowed(Rendered chart, string callee) => chart.One("Configuration", callee).Items("spec", "accessControl", "policies").Select(p => p.Text("appId")!);

    /// <summary>Who calls an app through the sidecars; the replicas of one that keeps state call each other.</summary>
    private static IEnumerable<string> Callers(Rendered chart, string app) => Allowed(chart, app).Concat(Stored(chart).Where(s => s == app)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Callees(Rendered chart, string app) =>
        chart.Services.Select(d => d.Name()).Where(callee => Allowed(chart, callee).Contains(app) || (callee == app && Stored(chart).Contains(app))).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Lets(Rendered chart, string app, string direction, string port) => chart.One("NetworkPolicy", app).Items("spec", direction)
        .Where(r => r.Items("ports").Any(p => p.Text("port") == port))
        .SelectMany(r => r.Items(direction == "ingress" ? "from" : "to")).Select(p => p.Text("podSelector", "matchLabels", "app.kubernetes.io/name") ?? "outside").Order(StringComparer.Ordinal);

    private static bool ReachesStores(Rendered chart, string app) => Ports(chart, app, "brokers") && Ports(chart, app, "redisHost");

    // Whether an app may go out to the ports of the addresses that a component names.
    private static bool Ports(Rendered chart, string app, string addresses)
    {
        var named = chart.Of("Component").SelectMany(c => c.Items("spec", "metadata")).Single(m => m.Text("name") == addresses).Text("value")!.Split(',');
        var open = chart.One("NetworkPolicy", app).Items("spec", "egress").SelectMany(e => e.Items("ports")).Select(p => p.Text("port"));
        return !named.Select(a => a.Split(':')[^1]).Except(open).Any();
    }
}
