using System.Diagnostics;

namespace SecondhandTrade.Local;

/// <summary>One running app that ends when it is told to, and never outlives this process.</summary>
public sealed class ChildProcess : IDisposable
{
    // The app takes the shell's place (exec), so its id is the one started here. Beside it stays a watcher on the
    // runner's end of a pipe: "stop" asks the app to end, "gone" says that its id must not be touched any more, and
    // the end of the pipe means that the runner is no more, so the app must not be either.
    // The watcher's own output goes nowhere, or it would hold the app's open. Ctrl-C, a hang-up and Ctrl-\ reach the
    // whole terminal; app and watcher pass over them and wait for what the runner decides.
    // Only the app itself is ended when the runner is killed: a command should be the program, not something that starts it.
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
        exec "$@" 3<&- </dev/null
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
        // On Windows there is no such pipe: a stopped runner kills the process tree, and one that was itself killed leaves the apps behind.
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

    /// <summary>Waits for the end and returns the exit code; 128 and a signal's number if a signal ended it.</summary>
    public async Task<int> WaitAsync()
    {
        await process.WaitForExitAsync();
        SendCommand("gone");
        // What the app wrote last is read before anybody is told that it ended; what it left behind may hold its output open for ever.
        await Task.WhenAny(output, Task.Delay(TimeSpan.FromSeconds(1)));
        return process.ExitCode;
    }

    /// <summary>Asks the app to end, and ends it if it has not after <paramref name="patience"/>.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (OperatingSystem.IsWindows())
        {
            Kill();
        }

        SendCommand("stop");
        try
        {
            await process.WaitForExitAsync().WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            Kill();
        }
    }

    /// <summary>Ends the app and whatever it started, at once.</summary>
    public void Kill()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
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
            // The watcher is gone; Kill does not need it.
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
