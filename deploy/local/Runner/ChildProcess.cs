using System.Diagnostics;

namespace SecondhandTrade.Local;

/// <summary>One app process, which can be stopped gracefully and never outlives the runner.</summary>
public sealed class ChildProcess : IDisposable
{
    // The shell execs the app, so the app has the process id started here. A watcher subshell reads commands from a pipe
    // to the runner: "stop" sends SIGTERM to the app, "gone" ends the watcher because the process id may be reused, and
    // end-of-file means that the runner has died, so the watcher kills the app.
    // The watcher's output is discarded; otherwise it would keep the app's pipes open. Ctrl-C, hang-up and Ctrl-\ are sent
    // to the whole terminal; app and watcher ignore them, because the runner decides when to stop.
    // Apps run at a lower priority: the sidecars, the broker and Redis share the runner's process, which every app waits for, and
    // a dozen starting apps with the same priority could delay a write by seconds.
    // Only the app process itself is killed with the runner, so a command should be the program, not a script that starts it.
    private const string Wrapper = """
        trap '' INT QUIT HUP
        exec 3<&0
        (
          trap '' TERM
          while read -r order <&3; do
            case $order in
              stop) kill -TERM $$ ;;
              gone) exit 0 ;;
            esac
          done
          kill -KILL $$
        ) >/dev/null 2>&1 &
        exec nice -n 5 "$@" 3<&- </dev/null
        """;

    private readonly Process process;
    private readonly Task output;

    private ChildProcess(Process process, Action<string> line)
    {
        this.process = process;
        output = Task.WhenAll(Pump(process.StandardOutput, line), Pump(process.StandardError, line));
    }

    public int Id => process.Id;

    public static ChildProcess Start(IReadOnlyList<string> command, string directory, IEnumerable<KeyValuePair<string, string>> environment, Action<string> line)
    {
        // Windows has no such watcher: stopping kills the process tree, and apps survive a runner that is killed.
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo(command[0], command.Skip(1))
            : new ProcessStartInfo("/bin/sh", ["-c", Wrapper, command[0], .. command]);
        start.WorkingDirectory = directory;
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        return new ChildProcess(Process.Start(start)!, line);
    }

    /// <summary>Waits for the process to exit and returns its exit code; 128 plus the signal number if a signal ended it.</summary>
    public async Task<int> WaitAsync()
    {
        await process.WaitForExitAsync();
        SendCommand("gone");
        // Read the remaining output first, but not for long: a process the app left behind may keep the pipes open for ever.
        await Task.WhenAny(output, Task.Delay(TimeSpan.FromSeconds(1)));
        return process.ExitCode;
    }

    /// <summary>Sends SIGTERM, and kills the app when it has not exited after <paramref name="timeout"/>.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        if (OperatingSystem.IsWindows())
        {
            Kill();
        }

        SendCommand("stop");
        try
        {
            await process.WaitForExitAsync().WaitAsync(timeout);
        }
        catch (TimeoutException)
        {
            Kill();
        }
    }

    /// <summary>Kills the app and its child processes immediately.</summary>
    public void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has already exited.
        }
    }

    public void Dispose() => process.Dispose();

    private void SendCommand(string order)
    {
        try
        {
            process.StandardInput.Write(order + "\n");
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // The watcher has exited; Kill does not need it.
        }
    }

    private static async Task Pump(StreamReader reader, Action<string> line)
    {
        while (await reader.ReadLineAsync() is { } read)
        {
            line(read);
        }
    }
}
