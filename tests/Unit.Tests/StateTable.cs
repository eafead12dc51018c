using System.Text;
using System.Text.Json;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.UnitTests;

/// <summary>A machine as text: what every command does in every state, so that a frozen copy of it can be read and compared.</summary>
internal static class StateTable
{
    public static string Of<T>(
        IEnumerable<(string Name, T State)> states, IReadOnlyList<(string Name, Func<T, Decision<T>> Do)> commands, Func<T, string> status, Func<Event, string> tell, string? quiet = null)
        where T : class
    {
        var text = new StringBuilder();
        foreach (var (name, state) in states)
        {
            var answers = commands.Select(c => (c.Name, Answer: c.Do(state))).ToLookup(c => c.Answer switch
            {
                { Refusal: { } refusal } => $"refused {refusal.Code}",
                { Next: { } next } => $"→ {string.Join("  ", [status(next), .. c.Answer.Events.Select(tell)])}",
                _ => "unchanged",
            });
            text.Append(text.Length > 0 ? "\n" : "").Append(name).Append('\n');
            foreach (var answer in answers.OrderBy(a => a.Key[0] switch { '→' => 0, 'r' => 1, _ => 2 }))
            {
                // A provider has many words; those that change nothing are named together.
                var names = answer.Select(a => quiet is not null && answer.Key == "unchanged" && a.Name.Contains(':') ? quiet : a.Name).Distinct();
                text.Append("  ").AppendJoin(" · ", names).Append(" | ").Append(answer.Key).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>A status as it is spelled on the wire.</summary>
    public static string Code<TStatus>(TStatus? status)
        where TStatus : struct, Enum => status is { } known ? JsonSerializer.Serialize(known).Trim('"') : "–";
}
