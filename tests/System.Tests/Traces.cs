using System.Collections.Concurrent;
using System.Diagnostics;

namespace SecondhandTrade.SystemTests;

/// <summary>Whose trace an event travels in.</summary>
public sealed class Traces : IDisposable
{
    private readonly ConcurrentQueue<Activity> ended = new();
    private readonly ActivityListener listener;

    public Traces()
    {
        listener = new()
        {
            ShouldListenTo = source => source.Name is Platform.Telemetry.Name or "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public void Dispose() => listener.Dispose();

    [Fact]
    public async Task An_event_that_one_process_saved_and_the_next_one_published_is_heard_in_the_trace_of_its_command()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        town.Faults["reservation"].On = true;
        var click = await Click(town, HttpMethod.Post, "/reserves", Request("1"));
        Assert.Empty(Published("ReserveHeld", "1"));
        await town.Stop("reservation");
        town.Faults["reservation"].On = false;
        await town.Start("reservation");
        await town.Turn(TimeSpan.FromMinutes(1));

        Assert.Equal(click, Assert.Single(Published("ReserveHeld", "1")).TraceId);
        Assert.Equal(click, Assert.Single(Published("TradeOpened", "1")).TraceId);
        var heard = ended.Where(a => a.Kind == ActivityKind.Server && (string?)a.GetTagItem("town.reservation") == "1").ToList();
        Assert.True(heard.Count > 10, $"{heard.Count} events were heard");
        Assert.All(heard, a => Assert.Equal(click, a.TraceId));
    }

    [Fact]
    public async Task Who_moves_up_goes_on_in_the_trace_of_their_own_click_linked_to_the_one_that_made_room()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await Click(town, HttpMethod.Post, "/reserves", Request("1"));
        await town.Settle();
        var waiting = await Click(town, HttpMethod.Post, "/reserves", Request("2"));
        await town.Settle();
        var leaving = await Click(town, HttpMethod.Put, "/reserves/1/reservecancel");
        await town.Settle();

        var held = Assert.Single(Published("ReserveHeld", "2"));
        Assert.Equal(waiting, held.TraceId);
        Assert.Equal(leaving, Assert.Single(held.Links).Context.TraceId);
        Assert.Equal(leaving, Assert.Single(Published("ReserveCancelRequested", "1")).TraceId);
    }

    [Fact]
    public async Task A_hold_that_runs_out_unseen_ends_in_the_trace_it_began_with()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        await town.Provider("decline");
        var first = await Click(town, HttpMethod.Post, "/reserves", Request("1"));
        var second = await Click(town, HttpMethod.Post, "/reserves", Request("2"));
        await town.Turn(TimeSpan.FromMinutes(16));

        Assert.Equal(first, Assert.Single(Published("ReserveCanceled", "1")).TraceId);
        Assert.Equal(second, Assert.Single(Published("ReserveHeld", "2")).TraceId);
    }

    private static object Request(string id) => new { id, productid = "100", userid = "abc", qty = 1, reserveDt = "2027-04-04", address = "서울", price = 50000 };

    private static async Task<ActivityTraceId> Click(TestTown town, HttpMethod method, string path, object? body = null)
    {
        var trace = ActivityTraceId.CreateRandom();
        await town.Send(method, path, body, "gateway", ("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01"));
        return trace;
    }

    // Those that did get out: a try that failed is a span too.
    private IEnumerable<Activity> Published(string type, string reservation) => ended.Where(a =>
        a.Kind == ActivityKind.Producer && a.Status != ActivityStatusCode.Error && (string?)a.GetTagItem("town.event") == type && (string?)a.GetTagItem("town.reservation") == reservation);
}
