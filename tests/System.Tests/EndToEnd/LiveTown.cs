using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SecondhandTrade.SystemTests.RealTown;

namespace SecondhandTrade.SystemTests.EndToEnd;

/// <summary>
/// A town known by its gateway's address alone, taken from TOWN_GATEWAY; where that is not set, one of real processes is opened for the class.
/// The town believes who calls (Auth:Mode open), its payment provider is well, and others may be trading in it.
/// </summary>
public sealed class LiveTown : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(40) };
    private readonly string run = Guid.NewGuid().ToString("N")[..10];
    private readonly string? gateway;
    private WholeTown? own;

    public LiveTown()
        : this(Environment.GetEnvironmentVariable("TOWN_GATEWAY"))
    {
    }

    internal LiveTown(string? gateway) => this.gateway = gateway;

    /// <summary>An id nobody else uses, in this run or any other.</summary>
    public string Id(string name) => $"e2e-{run}-{name}";

    public async ValueTask InitializeAsync()
    {
        if (gateway is { Length: > 0 })
        {
            http.BaseAddress = new Uri(gateway);
            return;
        }

        own = new WholeTown();
        await own.Open();
        http.BaseAddress = new Uri($"http://localhost:{own.Port("8088")}");
    }

    public ValueTask DisposeAsync()
    {
        own?.Dispose();
        http.Dispose();
        return ValueTask.CompletedTask;
    }

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> Put(string path, object? body = null) => Send(HttpMethod.Put, path, body);

    public Task<Answer> Post(string path, object body) => Send(HttpMethod.Post, path, body);

    /// <summary>Sends once; a body that is a string goes as it is.</summary>
    public async Task<Answer> Send(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        }

        try
        {
            var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return new(response.StatusCode, text.StartsWith('{') || text.StartsWith('[') ? JsonNode.Parse(text) : null, response);
        }
        catch (HttpRequestException e)
        {
            throw new InvalidOperationException($"No town answers at {http.BaseAddress} ({e.Message}); open one, or leave TOWN_GATEWAY out to have one opened.{own?.Output}", e);
        }
    }

    /// <summary>Lists a product under an inventory of the same id.</summary>
    public async Task List(string product, int qty = 1, string? seller = null, bool instant = true)
    {
        var listed = await Post("/inventories", new { id = product, productid = product, productname = "애플워치", qty, price = 50000, sellerid = seller, instant });
        Assert.Equal((HttpStatusCode.Created, "판매중"), (listed.Code, listed["status"]));
    }

    /// <summary>Asks for a reservation, once.</summary>
    public Task<Answer> Ask(string id, string product, string buyer, int qty = 1) =>
        Post("/reserves", new { id, productid = product, userid = buyer, qty, reserveDt = "2099-04-04", address = "서울특별시 서초구 방배동", price = 50000 });

    /// <summary>Asks for a reservation and sees it through to where it should come.</summary>
    public async Task<Answer> Reserve(string id, string product, string buyer, string status = "예약완료") => await Through(id, await Ask(id, product, buyer), status);

    /// <summary>Sees a reservation through until it is paid.</summary>
    public Task<Answer> Paid(string id, Answer last) => Through(id, last, "예약완료");

    /// <summary>Waits until a field of a resource says so.</summary>
    public async Task<Answer> Becomes(string path, string field, string value)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var answer = await Get(path);
            if (answer[field] == value)
            {
                return answer;
            }

            Assert.True(waited.Elapsed < Patience, $"{field} of {path} is not {value} within {Patience.TotalSeconds} s, but {(int)answer.Code} {answer.Body?.ToJsonString()}\n{own?.Output}");
            await Task.Delay(100);
        }
    }

    // A town that is busy, or only just awake, answers 202 in good faith; where it offers to pay, the buyer does.
    private async Task<Answer> Through(string id, Answer answer, string status)
    {
        for (var waited = Stopwatch.StartNew(); answer["status"] != status; answer = answer.Links.Contains("pay") ? await Put($"/reserves/{id}/pay") : await Get($"/reserves/{id}"))
        {
            Assert.True(answer.Response.IsSuccessStatusCode && waited.Elapsed < Patience, $"{id} is not {status}, but {(int)answer.Code} {answer.Body?.ToJsonString()}\n{own?.Output}");
            await Task.Delay(100);
        }

        return answer;
    }
}
