using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>Whatever is sent, what comes back is what the documents say.</summary>
public sealed class GeneratedRequestTests
{
    private const int Requests = 20_000;
    private const int AtOnce = 12;

    [Fact]
    public async Task Twenty_thousand_requests_made_from_the_documents_are_answered_as_the_documents_say()
    {
        await using var town = await TestTown.Open(new Dictionary<string, string>
        {
            ["Limits:PerAddress:Burst"] = $"{10 * Requests}",
            ["Limits:PerAddress:PerSecond"] = $"{Requests}",
            ["Terms:OpenPerUser"] = "1000000",
        });
        var operations = (await ContextDocument.Read(town)).SelectMany(d => d.Operations).Where(o => !o.IsWithinTown).ToList();

        // What can be asked in one way only need not be asked as often.
        var drawn = operations.SelectMany(o => Enumerable.Repeat(o, o.Said["parameters"] is JsonArray { Count: > 0 } ? 10 : 1)).ToList();
        var known = await Life(town);
        var gateway = town.Address("gateway");
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 });
        var (wrong, done) = (new ConcurrentQueue<string>(), new ConcurrentDictionary<string, int>());
        await Parallel.ForEachAsync(Enumerable.Range(1, Requests), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, stop) =>
        {
            var request = GeneratedRequest.Of(number, drawn[number % drawn.Count], known);
            using var message = request.Message(gateway);
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop);

            // A stream has no end; that it began is what is asked.
            var body = response.Content.Headers.ContentType?.MediaType == "text/event-stream" ? [] : await response.Content.ReadAsByteArrayAsync(stop);
            done.AddOrUpdate($"{(request.IsUndocumented ? "undocumented" : request.Operation)} {(int)response.StatusCode}", 1, (_, n) => n + 1);
            if (Wrong(request, response, body) is { } sentence)
            {
                wrong.Enqueue($"{sentence}\n  {request}\n  {(int)response.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
            }
        });
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', done.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Key}: {d.Value}")));
        Assert.True(wrong.IsEmpty, $"{wrong.Count} answers are not what the documents say, among them:\n{string.Join('\n', wrong.GroupBy(w => w.Split('\n')[0]).SelectMany(g => g.Take(2)).Take(60))}\n{TestLog.Drain()}");
        Assert.All(operations, operation => Assert.Contains(done.Keys, d => d.StartsWith($"{operation} 2", StringComparison.Ordinal)));
    }

    private static string? Wrong(GeneratedRequest request, HttpResponseMessage response, byte[] body)
    {
        var (operation, status, media) = (request.Operation, (int)response.StatusCode, response.Content.Headers.ContentType?.MediaType);
        if (request.IsUndocumented)
        {
            return status is 404 or 405 or 413 && media == "application/problem+json" && (status != 405 || response.Content.Headers.Allow.Count > 0) ? null : $"{request.Method} {operation.Path} is not documented, and answers {status} {media}";
        }

        if (request.IsRight && status == 400 && operation.Parameters("query").All(p => (string?)p["name"] == "userid"))
        {
            return $"{operation} refuses what its document allows";
        }

        if (request.IsWrong && status < 300)
        {
            return $"{operation} takes what its document does not allow";
        }

        if (status >= 500 || operation.Said["responses"]![$"{status}"] is not { } named)
        {
            return $"{operation} answers {status}";
        }

        var said = operation.Of.Resolve(named);
        if ((said["headers"]?.AsObject() ?? []).FirstOrDefault(h => (bool?)h.Value!["required"] == true && !response.Headers.Contains(h.Key)) is { Key: { } header })
        {
            return $"{operation} answers {status} without {header}";
        }

        if (said["content"] is not JsonObject content)
        {
            return body.Length == 0 ? null : $"{operation} answers {status} with a body";
        }

        return media is null || content[media] is not JsonObject shape ? $"{operation} answers {status} as {media}"
            : shape["schema"] is { } schema && Schemas.Wrong(operation.Of, schema, JsonNode.Parse(body)) is { } wrong ? $"{operation} answers {status}: {wrong}"
            : null;
    }

    /// <summary>A town in which something of everything has happened; answers with the names there are.</summary>
    private static async Task<Dictionary<string, string[]>> Life(TestTown town)
    {
        string[] products = ["p1", "p2", "p3", "p4", "p5", "p6"];
        foreach (var product in products)
        {
            await town.Post("/inventories", new { id = product, productid = product, productname = "애플워치", qty = product == "p6" ? 1 : 1000, sellerid = product == "p5" ? null : "seller", price = product == "p5" ? (long?)null : 50000, instant = product != "p4", latitude = 37.5, longitude = 127.0 });
        }

        await town.Settle();
        string[] reserves = [.. Enumerable.Range(1, 27).Select(n => $"r{n}")];
        foreach (var (n, reserve) in reserves.Index())
        {
            await town.Reserve(reserve, products[n % products.Length], n % 2 == 0 ? "abc" : "buyer");
        }

        await town.Settle();
        foreach (var act in new[] { "r1/handover", "r1/complete", "r2/handover", "r3/handover", "r9/handover", "r7/handover", "r4/decline", "r10/accept", "r8/cancel", "r13/handover", "r14/handover", "r15/handover", "r19/handover", "r20/handover", "r21/handover", "r25/handover", "r26/handover" })
        {
            await town.Put($"/trades/{act}");
        }

        await town.Put("/trades/r2/dispute", new { reason = "a scratch" });
        await town.Put("/inventories/p3/withdraw");
        await town.Settle();
        var notices = (await town.Get("/notices?size=100")).List("notices").Select(n => n!["id"]!.ToString()).ToArray();
        return new()
        {
            // For good; what is to be seen of the others would be gone.
            ["PUT /inventories/{id}/withdraw"] = ["p3"],

            // What chance alone would hardly hit upon: what is so already, and one more buyer.
            ["POST /trades body"] = [.. Enumerable.Range(0, 27).Select(n => $$"""{"id":"r{{n + 1}}","productid":"{{products[n % products.Length]}}","userid":"{{(n % 2 == 0 ? "abc" : "buyer")}}","qty":"1"}""")],
            ["POST /reserves body"] = [.. products.Select(p => $$"""{"productid":"{{p}}","userid":"new","qty":1,"reserveDt":"2027-05-05","price":50000}""")],
            ["stock"] = products,
            ["productid"] = products,
            ["products"] = products,
            ["reservation"] = reserves,
            ["trade"] = reserves,
            ["payment"] = reserves,
            ["reservationid"] = reserves,
            ["notification"] = notices,
            ["userid"] = ["abc", "buyer", "seller"],
            ["sellerid"] = ["seller", "abc"],
            ["reserveDt"] = ["2027-04-04", "2027-04-04T18:30:00+09:00", "2027-04-04 18:30", "2020-01-01"],
            ["near"] = ["37.5,127.0", "0,0"],
            ["within"] = ["3", "0.5", "20000"],
            ["minprice"] = ["0", "50000"],
            ["maxprice"] = ["50000", "1"],
            ["role"] = ["BUYER", "SELLER", "buyer"],
            ["status"] = ["판매중", "예약완료", "거래완료", "READ", "UNREAD", "결제보관"],
            ["price"] = ["50000", "50000", "1"],
            ["name"] = [.. Enumerable.Range(0, 8).Select(n => Stocks.Pictures.NameOf(GeneratedRequest.Picture(n)))],
        };
    }
}
