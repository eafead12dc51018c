using System.Runtime.InteropServices;

namespace SecondhandTrade.Local;

/// <summary>Handles Ctrl-C, SIGTERM and similar signals: the first one requests a graceful stop, the second one ends the process immediately.</summary>
public sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations;

    public StopSignals() => registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    public CancellationToken Stop => source.Token;

    /// <summary>Whether a second signal was received.</summary>
    public bool SecondSignalReceived { get; private set; }

    /// <summary>Called on the second signal, just before the process exits.</summary>
    public Action OnSecondSignal { get; set; } = () => { };

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (source.IsCancellationRequested)
        {
            SecondSignalReceived = true;
            OnSecondSignal();
            Environment.Exit(1);
        }

        source.Cancel();
    }

    public void Dispose()
    {
        registrations.ForEach(registration => registration.Dispose());
        source.Dispose();
    }
}
