namespace SecondhandTrade.Local;

/// <summary>The actor API over HTTP, the only one the classic actor SDK uses.</summary>
internal static class ActorRoutes
{
    public static async Task HandleAsync(ApiCall call)
    {
        var (type, id) = (call.Segment(2), call.Segment(3));
        CheckName(type, "type");
        CheckName(id, "id");
        switch (call.Path[4..], call.Verb)
        {
            case (["method", _], "GET" or "POST" or "DELETE" or "PUT"):
                await InvokeAsync(call, type, id);
                break;
            case (["method", ..], _):
                // daprd has no such route, and what has no route is taken for a service invocation.
                throw ApiError.NoAppId();
            case (["state"], "PUT" or "POST"):
                await call.Sidecar.ActorApi.ChangeStateAsync(type, id, await call.BodyAsync(), call.Work, call.Aborted);
                call.Answer(204);
                break;
            case (["state", _], "GET"):
                if (await call.Sidecar.ActorApi.GetStateAsync(type, id, call.Segment(5), call.Work, call.Aborted) is { } data)
                {
                    await call.AnswerAsync(data, "application/json");
                }
                else
                {
                    call.Answer(204);
                }

                break;
            case (["reminders", _], "PUT" or "POST"):
                await call.Sidecar.ReminderAndTimerApi.SetReminderAsync(type, id, NameIn(call), await call.JsonAsync());
                call.Answer(204);
                break;
            case (["reminders", _], "GET"):
                await call.AnswerAsync(call.Sidecar.ReminderAndTimerApi.GetReminder(type, id, NameIn(call)), "application/json");
                break;
            case (["reminders", _], "DELETE"):
                await call.Sidecar.ReminderAndTimerApi.DeleteReminderAsync(type, id, NameIn(call));
                call.Answer(204);
                break;
            case (["timers", _], "PUT" or "POST"):
                call.Sidecar.ReminderAndTimerApi.SetTimer(type, id, NameIn(call), await call.JsonAsync());
                call.Answer(204);
                break;
            case (["timers", _], "DELETE"):
                call.Sidecar.ReminderAndTimerApi.DeleteTimer(type, id, NameIn(call));
                call.Answer(204);
                break;
            default:
                throw ApiError.Unsupported($"{call.Verb} /{string.Join('/', call.Path)}");
        }
    }

    private static async Task InvokeAsync(ApiCall call, string type, string id)
    {
        var method = GoPath.Method(call.Segment(5)) ?? throw ApiError.BadRequest($"method '{call.Segment(5)}' contains a forbidden character");
        var request = call.Context.Request;
        var reply = await call.Sidecar.ActorApi.CallAsync(
            type, id, method, await call.BodyAsync(why => ApiError.BadRequest($"failed to read body: {why}")), request.Headers.CopyTo, request.Headers["Dapr-Reentrancy-Id"] is [{ } chain, ..] ? chain : null, call.TraceParent, call.Work, call.Aborted);
        foreach (var (name, values) in reply.Headers)
        {
            call.Context.Response.Headers[name] = values;
        }

        call.Context.Response.ContentLength = reply.Body.Length;
        await call.Context.Response.Body.WriteAsync(reply.Body, call.Aborted);
    }

    private static string NameIn(ApiCall call)
    {
        var name = call.Segment(5);
        CheckName(name, "reminder or timer");
        return name;
    }

    private static void CheckName(string name, string what)
    {
        if (name is "." or ".." || name.Any(c => c is '/' or '\\' or '#' or '?' || char.IsControl(c)))
        {
            throw ApiError.BadRequest($"actor {what} '{name}' has a character that is not allowed: / \\ # ? or a control character");
        }
    }
}
