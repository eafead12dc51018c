using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SecondhandTrade.SystemTests.EndToEnd;
using SecondhandTrade.SystemTests.RealTown;

namespace SecondhandTrade.SystemTests.Images;

/// <summary>The images as deploy/images pushes them, run as a cluster would run them; only the base image is a stand-in.</summary>
public sealed class ImagesTests(ITestOutputHelper output)
{
    private const string Version = "0.0.0-test";

    private static readonly string[] Probes = ["/healthz", "/alive", "/ready"];

    // An empty set of capabilities, as /proc writes it.
    private const string NoRights = "0000000000000000";

    // System calls go through a filter.
    private const string SeccompFilter = "2";

    [Fact]
    public async Task The_town_lives_from_its_images_without_root_rights_or_a_disk_to_write_on()
    {
        foreach (var program in new[] { "podman", "runc", "docker-registry", "ldd", "tar" })
        {
            Assert.SkipUnless(Paths.Any(directory => File.Exists(Path.Combine(directory, program))), $"There is no {program} on the PATH: `apt-get install podman runc docker-registry` brings what runs images.");
        }

        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may run containers with these limits; run the tests as root.");
        Assert.SkipUnless(Path.Exists(Path.Combine(TestTown.Root, ".git")), "Images say which commit they are of, and this is not a clone.");

        var folder = Directory.CreateTempSubdirectory("images-").FullName;
        try
        {
            using var registry = await Registry.Start(folder);
            await Build(registry, folder);
            await Shipped(registry);
            await Live(registry, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // All for one platform; the gateway, which is built first, for both.
    private static async Task Build(Registry registry, string folder)
    {
        var real = Tool.Run("dotnet", ["msbuild", Project("Gateway"), "-t:ComputeContainerBaseImage", "-getProperty:ContainerBaseImage"]).Trim();
        Assert.StartsWith("mcr.microsoft.com/dotnet/aspnet:", real, StringComparison.Ordinal);
        var (repository, tag) = (real[(real.IndexOf('/', StringComparison.Ordinal) + 1)..real.IndexOf(':', StringComparison.Ordinal)], real[(real.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        await registry.PushBase(repository, tag, folder);

        var log = Path.Combine(folder, "build.log");
        var mine = $"-p:ContainerBaseImage={registry.Host}/{repository}:{tag}";
        await Publish(["deploy/images", $"{registry.Host}/town", Version, mine, "-p:ContainerRuntimeIdentifiers=linux-x64"]);
        await Publish(["dotnet", "publish", Project("Gateway"), "--configuration=Release", "--target:PublishContainer", "--verbosity=quiet", $"-p:ContainerRegistry={registry.Host}", "-p:ContainerNamespace=both/", mine]);

        async Task Publish(string[] command)
        {
            // To a file: what a build leaves running holds its output open.
            var start = new ProcessStartInfo("bash", ["-c", "exec \"$@\" >\"$0\" 2>&1", log, .. command]) { WorkingDirectory = TestTown.Root };
            start.Environment["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Host;
            using var build = Process.Start(start)!;
            await build.WaitForExitAsync();
            Assert.True(build.ExitCode == 0, await File.ReadAllTextAsync(log));
        }
    }

    // What the registry has is what was meant to be in it.
    private static async Task Shipped(Registry registry)
    {
        Assert.Equal(["amd64", "arm64"], (await registry.Images("both/secondhand-trade-gateway", await DefaultVersion())).Keys.Order(StringComparer.Ordinal));
        var commit = Tool.Run("git", ["-C", TestTown.Root, "rev-parse", "HEAD"]).Trim();
        foreach (var app in WholeTown.Apps.Keys)
        {
            var config = (await registry.Images($"town/secondhand-trade-{app}", Version))["amd64"]["config"]!;
            Assert.Equal("1654", $"{config["User"]}");
            Assert.Equal(Version, $"{config["Labels"]!["org.opencontainers.image.version"]}");
            Assert.StartsWith(commit, $"{config["Labels"]!["org.opencontainers.image.revision"]}", StringComparison.Ordinal);
        }
    }

    private async Task Live(Registry registry, string folder)
    {
        using var podman = new Podman(folder);
        foreach (var app in WholeTown.Apps.Keys)
        {
            podman.Pull(Image(registry, app));
        }

        using var town = new WholeTown(command: app => JsonSerializer.Serialize(podman.Command(app, Image(registry, app))));
        try
        {
            await town.Open();
            Assert.Equal(WholeTown.Apps.Keys.Order(StringComparer.Ordinal), podman.Names());
            foreach (var (app, port) in WholeTown.Apps)
            {
                Confined(podman.Inspect(app));
                foreach (var probe in Probes)
                {
                    Assert.Equal((app, probe, 200), (app, probe, (int?)(await town.Ask(HttpMethod.Get, probe, port: port))?.Code));
                }
            }

            await using var people = new LiveTown($"http://localhost:{town.Port("8088")}");
            await people.InitializeAsync();
            await new BuyerAndSeller(people).The_seeds_lines_lead_from_a_listing_to_a_completed_trade();
            await new BuyerAndSeller(people).While_the_trade_runs_a_cancel_gives_money_and_stock_back();

            Assert.Equal(0, await town.Close());
            Assert.Empty(podman.Names());
        }
        finally
        {
            output.WriteLine(town.Output);
        }
    }

    // As the kernel sees the process: nobody's user, no capability and no way to gain one, filtered system calls, a root that is read only.
    private static void Confined(JsonNode container)
    {
        var id = $"{container["State"]!["Pid"]}";
        var status = File.ReadLines($"/proc/{id}/status").Select(line => line.Split('\t', StringSplitOptions.TrimEntries)).ToDictionary(line => line[0].TrimEnd(':'), line => line[1]);
        Assert.Equal("1654", status["Uid"]);
        Assert.Equal(NoRights, status["CapEff"]);
        Assert.Equal(NoRights, status["CapBnd"]);
        Assert.Equal("1", status["NoNewPrivs"]);
        Assert.Equal(SeccompFilter, status["Seccomp"]);
        Assert.StartsWith("ro", File.ReadLines($"/proc/{id}/mounts").Select(line => line.Split(' ')).Single(mount => mount[1] == "/")[3], StringComparison.Ordinal);
    }

    private static async Task<string> DefaultVersion() =>
        System.Xml.Linq.XDocument.Parse(await File.ReadAllTextAsync(Path.Combine(TestTown.Root, "Directory.Build.props"))).Descendants("Version").Single().Value;

    private static string[] Paths => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);

    private static string Project(string service) => Path.Combine(TestTown.Root, "services", service, $"{service}.csproj");

    private static string Image(Registry registry, string app) => $"{registry.Host}/town/secondhand-trade-{app}:{Version}";
}
