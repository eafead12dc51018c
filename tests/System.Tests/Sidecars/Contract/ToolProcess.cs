using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>A program a test starts and ends; its last words are kept for a failure to show.</summary>
internal sealed class ToolProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = new();

    private ToolProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, e) => Keep(e.Data);
        process.ErrorDataReceived += (_, e) => Keep(e.Data);
    }

    public string LastWords => string.Join(Environment.NewLine, lines);

    public static ToolProcess Start(string path, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        var tool = new ToolProcess(new Process { StartInfo = start });
        tool.process.Start();
        tool.process.BeginOutputReadLine();
        tool.process.BeginErrorReadLine();
        return tool;
    }

    /// <summary>Asks again and again until the answer is yes; nobody listening yet is a no.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var limit = DateTime.UtcNow.AddSeconds(30); ;)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or SocketException or IOException)
            {
                // Not there yet.
            }

            Assert.True(DateTime.UtcNow < limit, "it did not come up");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        await process.WaitForExitAsync();
        process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
            while (lines.Count > 50 && lines.TryDequeue(out _)) { }
        }
    }
}
