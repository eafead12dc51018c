using System.Runtime.InteropServices;

namespace SecondhandTrade.Local;

/// <summary>Turns Ctrl-C and its kin into one wish to stop; the second time it is an order.</summary>
public sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations;

    public StopSignals() => registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    public CancellationToken Stop => source.Token;

    /// <summary>Whether a second signal came.</summary>
    public bool SecondSignalReceived { get; private set; }

    /// <summary>Called when a second signal comes; the process ends right after.</summary>
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
