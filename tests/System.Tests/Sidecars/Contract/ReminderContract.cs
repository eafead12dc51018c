using System.Text;
using System.Text.Json;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

public abstract class ReminderContract(SidecarTarget target)
{
    private const string Remind = "/actors/T/1/method/remind/r";
    private const string Timer = "/actors/T/1/method/timer/t";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact, Trait("Feature", "reminders: callback")]
    public async Task A_reminder_comes_with_its_data_verbatim_and_without_its_times()
    {
        await using var town = await Town();
        var actors = await Host(town);
        Assert.Equal(204, await Put(town, "reminders/r", """{"dueTime":"0h0m1s0ms","period":"","data":{"z":1,"a":"AQI="}}"""));
        await town.UntilAsync(() => actors.To(Remind).Length == 1, Soon, actors.Paths);
        var call = actors.To(Remind)[0];
        Assert.Equal("PUT", call.Verb);
        Assert.Equal("""{"data":{"z":1,"a":"AQI="},"dueTime":"","period":""}""", call.Body);
        await town.StaysAsync(() => actors.To(Remind).Length == 1, TimeSpan.FromSeconds(3), actors.Paths);
    }

    [Fact, Trait("Feature", "reminders: schedule")]
    public async Task A_reminder_comes_first_at_its_due_time_and_then_every_period_as_often_as_it_was_asked_to()
    {
        await using var town = await Town();
        var actors = await Host(town);
        var asked = town.Now;
        Assert.Equal(204, await Put(town, "reminders/r", """{"dueTime":"0h0m3s0ms","period":"R3/PT2S"}"""));
        await town.UntilAsync(() => actors.To(Remind).Length == 3, Soon, actors.Paths);
        Assert.Equal([3, 5, 7], actors.To(Remind).Select(c => Math.Round((c.At - asked).TotalSeconds)));
        await town.StaysAsync(() => actors.To(Remind).Length == 3, TimeSpan.FromSeconds(4), actors.Paths);
        Assert.Equal(404, (await Get(town, "reminders/r")).Status);
    }

    [Fact, Trait("Feature", "reminders: schedule")]
    public async Task Without_a_due_time_the_first_comes_after_one_period()
    {
        await using var town = await Town();
        var actors = await Host(town);
        var asked = town.Now;
        await Put(town, "reminders/r", """{"dueTime":"","period":"0h0m2s0ms"}""");
        await town.UntilAsync(() => actors.To(Remind).Length == 2, Soon, actors.Paths);
        Assert.Equal([2, 4], actors.To(Remind).Select(c => Math.Round((c.At - asked).TotalSeconds)));
    }

    [Fact, Trait("Feature", "reminders: schedule")]
    public async Task A_reminder_ends_with_its_time_to_live()
    {
        await using var town = await Town();
        var actors = await Host(town);
        Assert.Equal(204, await Put(town, "reminders/r", """{"dueTime":"1s","period":"2s","ttl":"4s"}"""));
        await town.UntilAsync(() => actors.To(Remind).Length == 2, Soon, actors.Paths);
        await town.StaysAsync(() => actors.To(Remind).Length == 2, TimeSpan.FromSeconds(5), actors.Paths);
        Assert.Equal(404, (await Get(town, "reminders/r")).Status);
    }

    // daprd reads the header and has nobody to tell it to: neither its Scheduler nor its timers stop for it.
    [Fact, Trait("Feature", "reminders: failure")]
    public async Task An_answer_that_asks_to_cancel_is_an_answer_like_any_other()
    {
        await using var town = await Town();
        var actors = await Host(town);
        actors.Answer = (_, context) =>
        {
            context.Response.Headers["X-DaprReminderCancel"] = "true";
            return Task.CompletedTask;
        };
        await Put(town, "reminders/r", """{"dueTime":"1s","period":"2s"}""");
        await Put(town, "timers/t", """{"dueTime":"1s","period":"2s"}""");
        await town.UntilAsync(() => actors.To(Remind).Length == 3 && actors.To(Timer).Length == 3, Soon, actors.Paths);
    }

    [Theory, Trait("Feature", "reminders: failure")]
    [InlineData(500)]
    [InlineData(204)]
    public async Task A_tick_that_is_refused_is_offered_three_times_more_a_second_apart_and_then_dropped(int status)
    {
        await using var town = await Town();
        var actors = await Host(town);
        actors.Answer = (call, context) =>
        {
            context.Response.StatusCode = call.Path == Remind ? status : 200;
            return Task.CompletedTask;
        };
        var asked = town.Now;
        await Put(town, "reminders/r", """{"dueTime":"1s","period":"10s"}""");
        await Put(town, "reminders/once", """{"dueTime":"1s"}""");
        await town.UntilAsync(() => actors.To(Remind).Length == 5, Soon, actors.Paths);
        Assert.Equal([1, 2, 3, 4, 11], actors.To(Remind).Select(c => Math.Round((c.At - asked).TotalSeconds)));
    }

    [Fact, Trait("Feature", "reminders: failure")]
    public async Task A_reminder_that_fires_once_is_gone_when_it_was_refused_to_the_end()
    {
        await using var town = await Town();
        var actors = await Host(town);
        actors.Answer = (_, context) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        await Put(town, "reminders/r", """{"dueTime":"1s"}""");
        await town.UntilAsync(() => actors.To(Remind).Length == 4, Soon, actors.Paths);
        await town.StaysAsync(() => actors.To(Remind).Length == 4, TimeSpan.FromSeconds(5), actors.Paths);
        Assert.Equal(404, (await Get(town, "reminders/r")).Status);
    }

    [Theory, Trait("Feature", "reminders: refusals")]
    [InlineData("""{"dueTime":"","period":""}""")]
    [InlineData("""{"dueTime":"1s","ttl":"5s"}""")]
    [InlineData("""{"dueTime":"1s","period":"P1D"}""")]
    [InlineData("""{"dueTime":"soon"}""")]
    public async Task A_reminder_that_makes_no_sense_is_refused(string body)
    {
        await using var town = await Town();
        await Host(town);
        Assert.Equal((500, "ERR_ACTOR_REMINDER_CREATE"), await Error(town, HttpMethod.Put, "reminders/r", body));
    }

    [Fact, Trait("Feature", "reminders: refusals")]
    public async Task Reminders_and_timers_of_a_type_that_lives_elsewhere_are_refused_each_in_its_way()
    {
        await using var town = await Town();
        await Host(town);
        foreach (var verb in new[] { HttpMethod.Put, HttpMethod.Get, HttpMethod.Delete })
        {
            Assert.Equal((403, "ERR_ACTOR_REMINDER_NON_HOSTED"), await Error(town, verb, "reminders/r", verb == HttpMethod.Put ? """{"dueTime":"1s"}""" : null, "Other"));
        }

        Assert.Equal((500, "ERR_ACTOR_TIMER_CREATE"), await Error(town, HttpMethod.Put, "timers/t", """{"dueTime":"1s"}""", "Other"));
    }

    [Fact, Trait("Feature", "reminders: reading")]
    public async Task A_reminder_is_read_back_replaced_and_deleted_and_a_missing_one_is_404_to_read_only()
    {
        await using var town = await Town();
        await Host(town);
        Assert.Equal((404, "ERR_ACTOR_REMINDER_NOT_FOUND"), await Error(town, HttpMethod.Get, "reminders/r", null));
        await Put(town, "reminders/r", """{"dueTime":"0h1m0s0ms","period":"0h0m10s0ms","data":"AQI="}""");
        var (status, body) = await Get(town, "reminders/r");
        Assert.Equal(200, status);
        var json = JsonElement.Parse(body);
        Assert.Equal(("@every 10s", "0h1m0s0ms", "AQI="), (json.GetProperty("period").GetString(), json.GetProperty("dueTime").GetString(), json.GetProperty("data").GetString()));
        Assert.Equal((409, "ERR_ACTOR_REMINDER_ALREADY_EXISTS"), await Error(town, HttpMethod.Put, "reminders/r", """{"dueTime":"2m","overwrite":false}"""));
        Assert.Equal(204, await Put(town, "reminders/r", """{"dueTime":"2m","data":"Aw=="}"""));
        Assert.Equal("Aw==", JsonElement.Parse((await Get(town, "reminders/r")).Body).GetProperty("data").GetString());
        Assert.Equal(204, (await Error(town, HttpMethod.Delete, "reminders/r", null)).Status);
        Assert.Equal(204, (await Error(town, HttpMethod.Delete, "reminders/r", null)).Status);
        Assert.Equal(404, (await Get(town, "reminders/r")).Status);
    }

    [Fact, Trait("Feature", "reminders: waiting for a host")]
    public async Task A_reminder_outlives_its_sidecar_and_waits_until_its_actor_has_a_home_again()
    {
        await using var town = await Town();
        var before = await Host(town);
        await Put(town, "reminders/r", """{"dueTime":"2s","data":1}""");
        await town.RestartAsync();
        await town.StaysAsync(() => before.To(Remind).Length == 0, TimeSpan.FromSeconds(4), before.Paths);
        var after = await Host(town);
        await town.UntilAsync(() => after.To(Remind).Length == 1, Soon, after.Paths);
        Assert.Equal("""{"data":1,"dueTime":"","period":""}""", after.To(Remind)[0].Body);
    }

    [Fact, Trait("Feature", "timers: callback")]
    public async Task A_timer_comes_with_the_times_it_was_registered_with_and_goes_on_when_it_is_refused()
    {
        await using var town = await Town();
        var actors = await Host(town);
        actors.Answer = (_, context) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        var asked = town.Now;
        Assert.Equal(204, await Put(town, "timers/t", """{"callback":"Ring","data":"AQI=","dueTime":"0h0m1s0ms","period":"0h0m2s0ms"}"""));
        await town.UntilAsync(() => actors.To(Timer).Length == 3, Soon, actors.Paths);
        Assert.Equal([1, 3, 5], actors.To(Timer).Select(c => Math.Round((c.At - asked).TotalSeconds)));
        Assert.Equal("""{"callback":"Ring","data":"AQI=","dueTime":"0h0m1s0ms","period":"0h0m2s0ms"}""", actors.To(Timer)[0].Body);
        Assert.Equal(204, (await Error(town, HttpMethod.Delete, "timers/t", null)).Status);
        await town.StaysAsync(() => actors.To(Timer).Length == 3, TimeSpan.FromSeconds(4), actors.Paths);
    }

    [Fact, Trait("Feature", "timers: callback")]
    public async Task A_timer_without_a_period_comes_once()
    {
        await using var town = await Town();
        var actors = await Host(town);
        await Put(town, "timers/t", """{"callback":"Ring","dueTime":"1s"}""");
        await town.UntilAsync(() => actors.To(Timer).Length == 1, Soon, actors.Paths);
        await town.StaysAsync(() => actors.To(Timer).Length == 1, TimeSpan.FromSeconds(3), actors.Paths);
    }

    [Fact, Trait("Feature", "timers: deactivation")]
    public async Task A_timer_goes_on_after_its_actor_was_put_away()
    {
        await using var town = await Town();
        var actors = await Host(town, """{"entities":["T"],"actorIdleTimeout":"2s"}""");
        await Put(town, "timers/t", """{"callback":"Ring","dueTime":"1s","period":"5s"}""");
        await town.UntilAsync(() => actors.To(Timer).Length == 2, Soon, actors.Paths);
        Assert.Equal(["PUT " + Timer, "DELETE /actors/T/1", "PUT " + Timer], actors.Calls.Select(c => $"{c.Verb} {c.Path}"));
    }

    [Fact, Trait("Feature", "actors: turns")]
    public async Task Methods_timers_and_reminders_of_one_actor_take_turns_and_another_actor_does_not_wait()
    {
        await using var town = await Town();
        var actors = await Host(town);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        actors.Answer = (call, _) => call.Path.EndsWith("/hold", StringComparison.Ordinal) ? gate.Task : Task.CompletedTask;
        using var http = town.Http("host");
        var held = http.PutAsync("/v1.0/actors/T/1/method/hold", null, Ct);
        await town.UntilAsync(() => actors.Calls.Length == 1, Soon, actors.Paths);
        await Put(town, "reminders/r", """{"dueTime":"1s"}""");
        await Put(town, "timers/t", """{"callback":"x","dueTime":"1s"}""");
        await Put(town, "reminders/r", """{"dueTime":"1s"}""", id: "2");
        await town.UntilAsync(() => actors.To("/actors/T/2").Length == 1, Soon, actors.Paths, held: true);
        Assert.Single(actors.To("/actors/T/1"));
        gate.SetResult();
        (await held).Dispose();
        await town.UntilAsync(() => actors.To("/actors/T/1").Length == 3, Soon, actors.Paths);
    }

    private Task<SidecarUnderTest> Town() => SidecarUnderTest.StartAsync(target, ["host"]);

    private static async Task<ScriptedActors> Host(SidecarUnderTest town, string config = """{"entities":["T"]}""")
    {
        var actors = new ScriptedActors(() => town.Now) { Config = config };
        await town.RunAsync("host", actors.Map);
        return actors;
    }

    private static async Task<int> Put(SidecarUnderTest town, string path, string body, string id = "1")
    {
        using var http = town.Http("host");
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.PutAsync($"/v1.0/actors/T/{id}/{path}", content, Ct);
        return (int)answer.StatusCode;
    }

    private static async Task<(int Status, string Body)> Get(SidecarUnderTest town, string path)
    {
        using var http = town.Http("host");
        using var answer = await http.GetAsync($"/v1.0/actors/T/1/{path}", Ct);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct));
    }

    private static async Task<(int Status, string? Code)> Error(SidecarUnderTest town, HttpMethod verb, string path, string? body, string type = "T")
    {
        using var http = town.Http("host");
        using var request = new HttpRequestMessage(verb, $"/v1.0/actors/{type}/1/{path}") { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        using var answer = await http.SendAsync(request, Ct);
        return await SidecarUnderTest.ErrorOf(answer);
    }
}
