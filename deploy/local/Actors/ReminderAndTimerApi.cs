using System.Text.Json;
using Grpc.Core;

namespace SecondhandTrade.Local;

/// <summary>The reminder and timer API of one sidecar.</summary>
internal sealed class ReminderAndTimerApi(StandInContext shared, Sidecar sidecar)
{
    public async Task SetReminderAsync(string type, string id, string name, JsonElement body)
    {
        RequireHosted(type);
        bool stored;
        try
        {
            var overwrite = !(body.TryGetProperty("overwrite", out var wanted) && wanted.ValueKind == JsonValueKind.False);
            stored = await shared.Reminders.SetAsync(KeyOf(type, id, name), Reminder.Read(type, id, name, body, shared.Clock.GetUtcNow()), overwrite);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or StackExchange.Redis.RedisException)
        {
            throw new ApiError(500, StatusCode.Internal, "ERR_ACTOR_REMINDER_CREATE", $"error creating actor reminder: {e.Message}");
        }

        if (!stored)
        {
            throw new ApiError(409, StatusCode.AlreadyExists, "ERR_ACTOR_REMINDER_ALREADY_EXISTS", $"actor reminder {name} already exists");
        }
    }

    public byte[] GetReminder(string type, string id, string name)
    {
        RequireHosted(type);
        var reminder = shared.Reminders.Get(KeyOf(type, id, name))
            ?? throw new ApiError(404, StatusCode.NotFound, "ERR_ACTOR_REMINDER_NOT_FOUND", $"actor reminder {name} is not found");
        return GoJson.WriteEscapedInOrder(
        [
            ("actorID", id), ("actorType", type), ("data", reminder.Data),
            ("dueTime", reminder.DueTime.Length > 0 ? reminder.DueTime : null),
            ("period", reminder.Every is { } every ? $"@every {GoDuration.Write(every)}" : null),
        ]);
    }

    public Task DeleteReminderAsync(string type, string id, string name)
    {
        RequireHosted(type);
        return shared.Reminders.DeleteAsync(KeyOf(type, id, name));
    }

    public void SetTimer(string type, string id, string name, JsonElement body)
    {
        try
        {
            if (sidecar.Actors is not { } host || !host.Hosts(type))
            {
                throw new FormatException("actor type not registered");
            }

            host.Timers.Set(type, id, name, body);
        }
        catch (FormatException e)
        {
            throw new ApiError(500, StatusCode.Internal, "ERR_ACTOR_TIMER_CREATE", $"error creating actor timer: {e.Message}");
        }
    }

    public void DeleteTimer(string type, string id, string name) => sidecar.Actors?.Timers.Delete(type, id, name);

    private ReminderKey KeyOf(string type, string id, string name) => new(sidecar.AppId, type, id, name);

    private void RequireHosted(string type)
    {
        if (sidecar.Actors?.Hosts(type) != true)
        {
            throw new ApiError(403, StatusCode.PermissionDenied, "ERR_ACTOR_REMINDER_NON_HOSTED", "operations on actor reminders are only possible on hosted actor types");
        }
    }
}
