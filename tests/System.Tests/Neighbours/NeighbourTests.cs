using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using SecondhandTrade.Local;
using SecondhandTrade.SystemTests.RealTown;

namespace SecondhandTrade.SystemTests.Neighbours;

/// <summary>An app in another language, made by people who never saw the town's code, beside the real services.</summary>
public sealed class NeighbourTests
{
    [Fact]
    public async Task A_neighbour_in_another_language_hears_asks_and_remembers()
    {
        Node.SkipUnlessInstalled();
        var ports = Ports.Free(3);
        using var town = new WholeTown($"""
              - appID: neighbour
                appDirPath: {Node.Folder}
                appPort: {ports[0]}
                daprHTTPPort: {ports[1]}
                daprGRPCPort: {ports[2]}
                command: [node, neighbour.mjs]
            """);
        await town.Open();
        using var http = new HttpClient { BaseAddress = new Uri($"http://localhost:{ports[0]}") };
        await town.Ask(HttpMethod.Post, "/inventories", new { id = "n1", productid = "n1", productname = "자전거", qty = 1 });

        var reserved = await town.Ask(HttpMethod.Post, "/reserves", new { id = "n1-1", productid = "n1", userid = "kim", qty = 1, reserveDt = "2099-04-04", price = 50000 });

        // A town that is only just awake may say 202, and asks the buyer to pay again.
        for (var deadline = DateTime.UtcNow.AddSeconds(30); reserved?["status"] != "예약완료"; reserved = await town.Ask(HttpMethod.Put, "/reserves/n1-1/pay"))
        {
            Assert.True(reserved is { Response.IsSuccessStatusCode: true } && DateTime.UtcNow < deadline, $"{reserved?.Body?.ToJsonString()}\n{town.Output}");
        }

        var seen = await Sees(http, town, "n1-1", "예약완료");
        Assert.Equal(("n1", "kim"), ($"{seen["productid"]}", $"{seen["userid"]}"));
        Assert.Contains("ReserveCompleted", Heard(seen));
        Assert.DoesNotContain("ReserveCanceled", Heard(seen));

        await town.Ask(HttpMethod.Put, "/reserves/n1-1/reservecancel");

        Assert.Contains("ReserveCanceled", Heard(await Sees(http, town, "n1-1", "예약취소")));
        using var never = await http.GetAsync("/seen/never-was");
        Assert.Equal(HttpStatusCode.NotFound, never.StatusCode);
    }

    private static async Task<JsonNode> Sees(HttpClient http, WholeTown town, string id, string status)
    {
        JsonNode? seen = null;
        for (var deadline = DateTime.UtcNow.AddSeconds(30); DateTime.UtcNow < deadline; await Task.Delay(50))
        {
            using var answer = await http.GetAsync($"/seen/{id}");
            seen = answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonNode>() : seen;
            if ($"{seen?["status"]}" == status)
            {
                return seen!;
            }
        }

        Assert.Fail($"The neighbour does not see {id} as {status}, but {seen?.ToJsonString() ?? "nothing"}:\n{town.Output}");
        return seen!;
    }

    private static IEnumerable<string> Heard(JsonNode seen) => seen["heard"]!.AsArray().Select(type => $"{type}");
}
