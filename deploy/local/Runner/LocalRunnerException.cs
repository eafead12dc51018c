namespace SecondhandTrade.Local;

/// <summary>The apps cannot be started or restarted as configured; the message is for the user and says where, what and what to do.</summary>
public sealed class LocalRunnerException : Exception
{
    public LocalRunnerException(string message) : base(message) { }

    public LocalRunnerException(string message, Exception inner) : base(message, inner) { }
}
