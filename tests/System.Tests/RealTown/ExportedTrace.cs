using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.Runner;
using Told = SecondhandTrade.Local.Otlp.Traces;

namespace SecondhandTrade.SystemTests.RealTown;

/// <summary>What real services send to whoever collects it, as <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> says, here into a file.</summary>
public sealed class ExportedTrace : IAsyncLifetime
{
    private readonly string file = Path.GetTempFileName();
    private readonly int port = Ports.Free(1)[0];
    private readonly Lock turn = new();
    private WebApplication? collector;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        collector = builder.Build();
        collector.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            if (http.Request.Path == "/v1/traces")
            {
                lock (turn)
                {
                    using var end = File.Open(file, FileMode.Append);
                    Told.Parser.ParseFrom(body.ToArray()).WriteDelimitedTo(end);
                }
            }
        });
        await collector.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await collector!.DisposeAsync();
        File.Delete(file);
    }

    [Fact]
    public async Task A_reservation_is_one_trace_in_the_file_through_the_outbox_and_the_death_of_who_was_to_hear_of_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finding the town's processes needs /proc.");
        using var town = new WholeTown(settings: [("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "500")]);
        await town.Open();
        await town.Ask(HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = "애플워치", qty = 1 });

        // Those that come after the payment are gone when it is made; what they have to hear waits for them.
        town.KillService("Trade");
        town.KillService("MyPage");
        await town.Ask(HttpMethod.Post, "/reserves", new { id = "1", productid = "100", userid = "abc", productname = "애플워치", qty = 1, reserveDt = "2099-04-04", address = "서울", price = 50000 });
        await Eventually.HoldsAsync(async () => (await town.Ask(HttpMethod.Get, "/mypages/1"))?["tradeStatusCode"] == "IN_PROGRESS", () => $"the trade to open:\n{town.Output}", TimeSpan.FromMinutes(1));

        List<string> steps =
        [
            "gateway POST /reserves/", "reservation POST /reserves", "reservation PUT actors/", "reservation publish reservations ReserveHeld", "payment POST /payments",
            "payment publish payments PaymentAuthorized", "reservation publish reservations ReserveCompleted", "trade POST /events/reserve-completed", "payment POST /payments/{id}/claim",
            "trade publish trades TradeOpened", "notification POST /events/reservations", "notification publish notices NoticeCreated", "mypage POST /events/reservations", "mypage POST /events/trades",
        ];
        IGrouping<string, string>? best = null;
        await Eventually.Holds(
            () =>
            {
                best = Spans().GroupBy(span => span.TraceId, span => span.Step).MaxBy(trace => steps.Count(step => Has(trace, step)));
                return best is not null && steps.TrueForAll(step => Has(best, step));
            },
            () => $"one trace to have {string.Join(", ", steps.Where(step => best is null || !Has(best, step)))}\n{town.Output}");
    }

    private static bool Has(IEnumerable<string> trace, string step) => trace.Any(span => span.StartsWith(step, StringComparison.Ordinal));

    private List<(string TraceId, string Step)> Spans()
    {
        lock (turn)
        {
            return [.. Parse()];
        }
    }

    private IEnumerable<(string TraceId, string Step)> Parse()
    {
        using var told = File.OpenRead(file);
        while (told.Position < told.Length)
        {
            foreach (var from in Told.Parser.ParseDelimitedFrom(told).ResourceSpans)
            {
                var service = from.Resource.Attributes.First(a => a.Key == "service.name").Value.StringValue;
                foreach (var span in from.ScopeSpans.SelectMany(scope => scope.Spans))
                {
                    var about = span.Attributes.FirstOrDefault(a => a.Key == "town.event")?.Value.StringValue;
                    yield return (Convert.ToHexString(span.TraceId.Span), $"{service} {span.Name} {about}");
                }
            }
        }
    }
}
