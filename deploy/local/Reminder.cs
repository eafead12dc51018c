using System.Text.Json;
using System.Text.Json.Serialization;

namespace SecondhandTrade.Local;

/// <summary>Whose reminder it is and what it is called.</summary>
internal sealed record ReminderKey(string AppId, string Type, string Id, string Name)
{
    public string Field => $"{Type}||{Id}||{Name}";
}

/// <summary>A reminder as it is kept: what the actor asked for, and what is left of it.</summary>
internal sealed record Reminder(
    string Type, string Id, string Name, JsonElement? Data, string DueTime, TimeSpan? Every, int? Left, DateTimeOffset Next, DateTimeOffset? Expires)
{
    public bool IsOver(DateTimeOffset now) => Expires <= now;

    /// <summary>What remains after a tick; null when nothing does.</summary>
    public Reminder? AfterTick() =>
        Every is not { } every || Left == 1 || Expires <= Next + every ? null : this with { Next = Next + every, Left = Left - 1 };

    /// <summary>Reads what the SDK sends, and refuses what the Scheduler refuses.</summary>
    public static Reminder Read(string type, string id, string name, JsonElement body, DateTimeOffset now)
    {
        var (due, period, ttl) = (Text(body, "dueTime"), Text(body, "period"), Text(body, "ttl"));
        if (body.TryGetProperty("failure_policy", out _) || body.TryGetProperty("failurePolicy", out _))
        {
            // daprd reads it over gRPC only; over HTTP it says yes and goes on with its three retries, which would be found out too late.
            throw new ApiError(501, Grpc.Core.StatusCode.Unimplemented, "ERR_NOT_SUPPORTED_LOCALLY", $"the failure policy of the reminder {name} would be overlooked: a tick is always offered three times more; leave it out");
        }

        var every = ScheduleParser.ParsePeriod(period);
        if (due.Length == 0 && every is null)
        {
            throw new FormatException("a reminder needs a due time or a period");
        }

        if (ttl.Length > 0 && every is null)
        {
            throw new FormatException("a reminder that fires once has no use for a ttl");
        }

        var first = due.Length > 0 ? ScheduleParser.ParseTime(due, now) : now + every!.Every;
        DateTimeOffset? expires = ttl.Length > 0 ? ScheduleParser.ParseTime(ttl, now) : null;
        return expires <= now
            ? throw new FormatException("the ttl of the reminder has passed already")
            : new Reminder(type, id, name, DataOf(body), due, every?.Every, every?.Times, first, expires);
    }

    /// <summary>What the app is told: daprd leaves the registered times out.</summary>
    public byte[] ToCallback() => GoJson.WriteEscapedInOrder([("data", Data), ("dueTime", ""), ("period", "")]);

    public static string Text(JsonElement body, string name) =>
        body.ValueKind != JsonValueKind.Object ? throw new FormatException("the body is not a JSON object")
        : body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    public static JsonElement? DataOf(JsonElement body) => body.TryGetProperty("data", out var data) ? data.Clone() : null;
}

[JsonSerializable(typeof(Reminder))]
internal sealed partial class ReminderJson : JsonSerializerContext;
