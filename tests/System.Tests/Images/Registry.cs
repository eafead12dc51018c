using System.Diagnostics;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Runner;

namespace SecondhandTrade.SystemTests.Images;

/// <summary>
/// Debian's docker-registry on this machine, and in it, under the real one's name, a base image made of this machine's .NET and the libraries it loads:
/// no shell and no package manager, as in the real one. What it lacks of the real one is being that.
/// </summary>
internal sealed partial class Registry : IDisposable
{
    private const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    private const string Index = "application/vnd.oci.image.index.v1+json";

    private readonly ChildProcess process;
    private readonly HttpClient http;

    private Registry(ChildProcess process, string host)
    {
        (this.process, Host) = (process, host);
        http = new() { BaseAddress = new Uri($"http://{host}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public string Host { get; }

    public static async Task<Registry> Start(string folder)
    {
        var host = $"127.0.0.1:{Ports.Free(1)[0]}";
        var settings = Path.Combine(folder, "registry.yml");
        await File.WriteAllTextAsync(settings, $"""
            version: 0.1
            log:
              level: error
            storage:
              filesystem:
                rootdirectory: {folder}/registry
            http:
              addr: {host}
            """);
        var output = new StringBuilder();
        var registry = new Registry(ChildProcess.Start(["docker-registry", "serve", settings], folder, [], line => output.AppendLine(line)), host);
        await Eventually.Holds(() => registry.Answers(), () => $"the registry to answer:\n{output}");
        return registry;
    }

    /// <summary>Makes the base image and pushes it, for both platforms; only that of this machine could run.</summary>
    public async Task PushBase(string repository, string tag, string folder)
    {
        var layer = Path.Combine(folder, "base.tar");
        Pack(layer);
        var (digest, size) = (await DigestOf(layer), new FileInfo(layer).Length);
        await Push(repository, digest, () => new StreamContent(File.OpenRead(layer)));
        var platforms = new JsonArray();
        foreach (var architecture in new[] { "amd64", "arm64" })
        {
            var config = Bytes(new
            {
                architecture,
                os = "linux",
                config = new { User = "1654", Env = new[] { $"PATH={DotnetRoot}", "APP_UID=1654", "ASPNETCORE_HTTP_PORTS=8080", "DOTNET_RUNNING_IN_CONTAINER=true" } },
                rootfs = new { type = "layers", diff_ids = new[] { digest } },
                history = new[] { new { created_by = "this machine" } },
            });
            await Push(repository, DigestOf(config), () => new ByteArrayContent(config));
            var manifest = Bytes(new
            {
                schemaVersion = 2,
                mediaType = Manifest,
                config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = DigestOf(config), size = config.Length },
                layers = new[] { new { mediaType = "application/vnd.oci.image.layer.v1.tar", digest, size } },
            });
            await PushManifest(repository, DigestOf(manifest), Manifest, manifest);
            platforms.Add(JsonSerializer.SerializeToNode(new { mediaType = Manifest, digest = DigestOf(manifest), size = manifest.Length, platform = new { architecture, os = "linux" } }));
        }

        await PushManifest(repository, tag, Index, Bytes(new { schemaVersion = 2, mediaType = Index, manifests = platforms }));
    }

    /// <summary>What an index holds: the configuration of each platform's image, by its architecture.</summary>
    public async Task<Dictionary<string, JsonNode>> Images(string repository, string tag)
    {
        var images = new Dictionary<string, JsonNode>();
        foreach (var platform in (await Read($"/v2/{repository}/manifests/{tag}", Index))["manifests"]!.AsArray())
        {
            var manifest = await Read($"/v2/{repository}/manifests/{platform!["digest"]}", Manifest);
            images[$"{platform["platform"]!["architecture"]}"] = await Read($"/v2/{repository}/blobs/{manifest["config"]!["digest"]}", "*/*");
        }

        return images;
    }

    public void Dispose()
    {
        http.Dispose();
        process.Kill();
        process.Dispose();
    }

    // The runtime lies in {root}/shared/Microsoft.NETCore.App/{version}/.
    private static string DotnetRoot { get; } = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    private static void Pack(string layer)
    {
        string[] dotnet = [Path.Combine(DotnetRoot, "dotnet"), Path.Combine(DotnetRoot, "host"), Path.Combine(DotnetRoot, "shared")];
        string[] native = [dotnet[0], .. Directory.GetFiles(Path.Combine(DotnetRoot, "host"), "*.so", SearchOption.AllDirectories), .. Directory.GetFiles(RuntimeEnvironment.GetRuntimeDirectory(), "*.so")];
        var loaded = Library().Matches(Tool.Run("ldd", native)).Select(m => m.Value).Where(file => !file.StartsWith(DotnetRoot, StringComparison.Ordinal)).Distinct().ToList();

        // OpenSSL is looked for only when it is needed, so ldd does not know of it.
        var besides = Path.GetDirectoryName(loaded.Single(file => Path.GetFileName(file) == "libc.so.6"))!;
        string[] all = [.. dotnet, .. loaded, Path.Combine(besides, "libssl.so.3"), Path.Combine(besides, "libcrypto.so.3")];
        Tool.Run("tar", ["--create", "--dereference", "--owner=0", "--group=0", "--file", layer, "--directory", "/", .. all.Select(file => file.TrimStart('/'))]);
    }

    private async Task Push(string repository, string digest, Func<HttpContent> content)
    {
        using var begun = await http.PostAsync($"/v2/{repository}/blobs/uploads/", null);
        var to = begun.EnsureSuccessStatusCode().Headers.Location!.ToString();
        using var body = content();
        body.Headers.ContentType = new("application/octet-stream");
        using var done = await http.PutAsync($"{to}{(to.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={digest}", body);
        done.EnsureSuccessStatusCode();
    }

    private async Task PushManifest(string repository, string reference, string type, byte[] manifest)
    {
        using var body = new ByteArrayContent(manifest);
        body.Headers.ContentType = new(type);
        using var done = await http.PutAsync($"/v2/{repository}/manifests/{reference}", body);
        done.EnsureSuccessStatusCode();
    }

    private async Task<JsonNode> Read(string path, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(type));
        using var answer = await http.SendAsync(request);
        return JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
    }

    private bool Answers()
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/");
            using var answer = http.Send(request);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static byte[] Bytes(object document) => JsonSerializer.SerializeToUtf8Bytes(document);

    private static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private static async Task<string> DigestOf(string file)
    {
        await using var content = File.OpenRead(file);
        return $"sha256:{Convert.ToHexStringLower(await SHA256.HashDataAsync(content))}";
    }

    [GeneratedRegex(@"(?<=\s)/\S+(?= \(0x)")]
    private static partial Regex Library();
}

/// <summary>Another's program, run to its end.</summary>
internal static class Tool
{
    /// <summary>Returns what it wrote; one that fails fails the test.</summary>
    public static string Run(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}{errors.Result}");
        return output;
    }
}
