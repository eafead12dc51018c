using System.Text.Json;
using System.Text.Json.Serialization;

namespace SecondhandTrade.Local;

/// <summary>Identifies a reminder: app, actor and name.</summary>
internal sealed record ReminderKey(string AppId, string Type, string Id, string Name)
{
    public string Field => $"{Type}||{Id}||{Name}";
}

/// <summary>A reminder as stored in Redis: as registered, with its next due time and remaining repetitions.</summary>
internal sealed record Reminder(
    string Type, string Id, string Name, JsonElement? Data, string DueTime, TimeSpan? Every, int? Left, DateTimeOffset Next, DateTimeOffset? Expires)
{
    public bool IsOver(DateTimeOffset now) => Expires <= now;

    /// <summary>The reminder after a tick; null when it has ended.</summary>
    public Reminder? AfterTick() =>
        Every is not { } every || Left == 1 || Expires <= Next + every ? null : this with { Next = Next + every, Left = Left - 1 };

    /// <summary>Parses a registration and rejects what the Dapr Scheduler rejects.</summary>
    public static Reminder Read(string type, string id, string name, JsonElement body, DateTimeOffset now)
    {
        var (due, period, ttl) = (Text(body, "dueTime"), Text(body, "period"), Text(body, "ttl"));
        if (body.TryGetProperty("failure_policy", out _) || body.TryGetProperty("failurePolicy", out _))
        {
            // daprd supports this over gRPC only; over HTTP it silently ignores it and keeps its default of three retries.
            throw new ApiError(501, Grpc.Core.StatusCode.Unimplemented, "ERR_NOT_SUPPORTED_LOCALLY", $"the failure policy of the reminder {name} would be ignored: a failed tick is always retried three times; remove it");
        }

        var every = ScheduleParser.ParsePeriod(period);
        if (due.Length == 0 && every is null)
        {
            throw new FormatException("a reminder needs a due time or a period");
        }

        if (ttl.Length > 0 && every is null)
        {
            throw new FormatException("a reminder without a period cannot have a ttl");
        }

        var first = due.Length > 0 ? ScheduleParser.ParseTime(due, now) : now + every!.Every;
        DateTimeOffset? expires = ttl.Length > 0 ? ScheduleParser.ParseTime(ttl, now) : null;
        return expires <= now
            ? throw new FormatException("the ttl of the reminder has passed already")
            : new Reminder(type, id, name, DataOf(body), due, every?.Every, every?.Times, first, expires);
    }

    /// <summary>The callback body; like daprd, without the registered times.</summary>
    public byte[] ToCallback() => GoJson.WriteEscapedInOrder([("data", Data), ("dueTime", ""), ("period", "")]);

    public static string Text(JsonElement body, string name) =>
        body.ValueKind != JsonValueKind.Object ? throw new FormatException("the body is not a JSON object")
        : body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    public static JsonElement? DataOf(JsonElement body) => body.TryGetProperty("data", out var data) ? data.Clone() : null;
}

[JsonSerializable(typeof(Reminder))]
internal sealed partial class ReminderJson : JsonSerializerContext;
