namespace SecondhandTrade.Local;

/// <summary>The town cannot start as it is written; the message is one sentence that says where, what and what to do.</summary>
public sealed class LocalRunnerException : Exception
{
    public LocalRunnerException(string message) : base(message) { }

    public LocalRunnerException(string message, Exception inner) : base(message, inner) { }
}
