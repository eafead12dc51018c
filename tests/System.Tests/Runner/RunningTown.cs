using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>A real runner process over a small town in a directory of its own.</summary>
public sealed class RunningTown : IDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = new();

    private RunningTown(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => process.Id;

    public string Output => string.Join(Environment.NewLine, lines);

    public static RunningTown Start(string directory, params string[] arguments)
    {
        // The usual port may be a developer's own town's.
        string[] apart = arguments.Contains("--check") || arguments.Contains("--town-port") ? [] : ["--town-port", $"{Ports.Free(1)[0]}"];

        // Whoever runs the tests in the background may have had them ignore Ctrl-C, and the runner would inherit that.
        string[] dotnet = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(dotnet[0], [.. dotnet[1..], Path.Combine(AppContext.BaseDirectory, "SecondhandTrade.Local.dll"), .. apart, .. arguments])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new RunningTown(Process.Start(start)!);
    }

    /// <summary>Waits until the output holds a match, and returns it.</summary>
    public async Task<Match> Says(string pattern)
    {
        var match = Match.Empty;
        await Eventually.Holds(() => (match = Regex.Match(Output, pattern, RegexOptions.Multiline)).Success,
            () => $"'{pattern}' in the runner's output:{Environment.NewLine}{Output}");
        return match;
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("/bin/kill", [$"-{name}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL, to the runner alone.</summary>
    public void Kill() => process.Kill();

    public async Task<int> Ended()
    {
        await Eventually.Holds(() => process.HasExited, () => $"the runner to end; it said:{Environment.NewLine}{Output}");
        process.WaitForExit();
        return process.ExitCode;
    }

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}

/// <summary>Waits for a condition that another process brings about.</summary>
public static class Eventually
{
    // A dozen processes start on a small machine that does other things as well.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The same for a condition that has to be asked for.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan? within = null)
    {
        var deadline = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(deadline.Elapsed < (within ?? Patience), $"Waited in vain for {what()}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    public static async Task Holds(Func<bool> condition, Func<string> what, TimeSpan? within = null)
    {
        var deadline = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(deadline.Elapsed < (within ?? Patience), $"Waited in vain for {what()}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
