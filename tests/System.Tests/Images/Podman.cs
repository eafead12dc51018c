using System.Text.Json.Nodes;

namespace SecondhandTrade.SystemTests.Images;

/// <summary>Containers of this test alone: podman's storage in a folder of its own.</summary>
internal sealed class Podman(string folder) : IDisposable
{
    // runc and cgroupfs: what also works inside a sandbox. The limits are those of a process that may not raise its own.
    private readonly string[] podman = ["--root", Path.Combine(folder, "images"), "--runroot", Path.Combine(folder, "running"), "--cgroup-manager=cgroupfs", "--runtime=runc"];

    // What Kubernetes calls restricted, and a root nobody can write to; the user is the image's own.
    private static readonly string[] Restricted =
        ["--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];

    /// <summary>What a sidecar and a run file tell an app.</summary>
    private static readonly string[] Told = ["APP_*", "DAPR_*", "ASPNETCORE_*", "ConnectionStrings__*", "Notification__*", "Web__*", "Town__*", "OTEL_*"];

    public void Pull(string image) => Tool.Run("podman", [.. podman, "pull", "--quiet", "--tls-verify=false", image]);

    /// <summary>The command that runs an image as the runner starts apps: it lasts as long as the container, and passes on the wish to stop.</summary>
    public string[] Command(string name, string image) =>
        ["podman", .. podman, "run", "--rm", "--replace", $"--name={name}", "--network=host", .. Restricted, .. Told.Select(variable => $"--env={variable}"), image];

    /// <summary>The names of all containers there are, running or not.</summary>
    public List<string> Names() => [.. Tool.Run("podman", [.. podman, "ps", "--all", "--format={{.Names}}"]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    public JsonNode Inspect(string name) => JsonNode.Parse(Tool.Run("podman", [.. podman, "inspect", name]))![0]!;

    public void Dispose()
    {
        Tool.Run("podman", [.. podman, "rm", "--all", "--force", "--time=0"]);
        Tool.Run("podman", [.. podman, "rmi", "--all", "--force"]);
        var mounted = Path.Combine(folder, "images", "overlay");
        if (File.ReadLines("/proc/mounts").Any(line => line.Split(' ')[1] == mounted))
        {
            Tool.Run("umount", [mounted]);
        }
    }
}
