namespace SecondhandTrade.Local;

/// <summary>The town cannot start as it is written; the message is one sentence that says where, what and what to do.</summary>
public sealed class TownException : Exception
{
    public TownException(string message) : base(message) { }

    public TownException(string message, Exception inner) : base(message, inner) { }

    public TownException() { }
}
