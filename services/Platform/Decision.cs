using System.Collections.Immutable;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.Platform;

/// <summary>Why a command was not done: a stable code, a sentence for who asked, and what may be done instead.</summary>
public sealed record Refusal(string Code, string Detail, string? CurrentStatus = null, IReadOnlyList<string>? Allowed = null)
{
    /// <summary>Who acts has seen another version than the one that is now.</summary>
    public static Refusal VersionChanged(string now) => new("version-changed", $"This has changed meanwhile (it is now at {now}); read it again before acting.");
}

/// <summary>Nothing to do: it is so already, or it is too late to matter.</summary>
public enum Unchanged
{
    Already,
}

/// <summary>The result of a command: the next state with its events, <see cref="Unchanged"/>, or a <see cref="Refusal"/>.</summary>
public sealed record Decision<TState>(TState? Next, IReadOnlyList<Event> Events, Refusal? Refusal)
    where TState : class
{
    public static implicit operator Decision<TState>((TState Next, Event Event) accepted) => new(accepted.Next, [accepted.Event], null);

    public static implicit operator Decision<TState>((TState Next, IReadOnlyList<Event> Events) accepted) => new(accepted.Next, accepted.Events, null);

    public static implicit operator Decision<TState>(TState next) => new(next, [], null);

    public static implicit operator Decision<TState>(Unchanged _) => new(null, [], null);

    public static implicit operator Decision<TState>(Refusal refusal) => new(null, [], refusal);

    /// <summary>Decides further on what this decision left, so that both become one write; a refusal of the second leaves the first.</summary>
    public Decision<TState> Then(TState before, Func<TState, Decision<TState>> decide)
    {
        var after = decide(Next ?? before);
        return new(after.Next ?? Next, [.. Events, .. after.Events], after.Refusal);
    }
}

/// <summary>The state of an aggregate: pure, and aware of its own deadlines.</summary>
public interface IAggregate<TSelf>
    where TSelf : class, IAggregate<TSelf>
{
    /// <summary>Applies the deadlines that have passed by then; called before every command and read.</summary>
    Decision<TSelf> Overdue(DateTimeOffset now);

    /// <summary>When there is something to do without a request, or null.</summary>
    DateTimeOffset? NextWake { get; }

    /// <summary>The watermarks that are still needed; those of sources that can change nothing any more are left out.</summary>
    ImmutableDictionary<string, long> Trim(ImmutableDictionary<string, long> seen) => seen;

    /// <summary>The state without what may be forgotten once its events are out.</summary>
    TSelf Told() => (TSelf)this;
}

/// <summary>What every aggregate can be asked.</summary>
public static class Aggregates
{
    /// <summary>The state as it is at a time, with the deadlines that have passed by then applied.</summary>
    public static T AsOf<T>(this T state, DateTimeOffset now)
        where T : class, IAggregate<T> => state.Overdue(now).Next ?? state;
}

/// <summary>An actor's answer: what is so now, why not if it was refused, whether this turn changed anything, and the document's version.</summary>
public sealed record Reply<TView>(TView? View, Refusal? Refusal, bool Changed, long Version)
    where TView : class
{
    /// <summary>The same answer, showing a part of the whole.</summary>
    public Reply<TPart> Of<TPart>(Func<TView, TPart?> part)
        where TPart : class => new(View is null ? null : part(View), Refusal, Changed, Version);
}
