using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using static SecondhandTrade.SystemTests.Rights.SignedInTown;

namespace SecondhandTrade.SystemTests.Rights;

/// <summary>What the gateway does not list is reached by no way of writing it; what counts is what comes to a service's door.</summary>
[Collection(nameof(SignedInTown))]
public sealed partial class CrookedPaths(SignedInTown town)
{
    private static readonly string[] Unlisted =
    [
        "/events/reserve-held", "/actors/ProductActor/watch-1/method/Wake", "/dapr/config", "/dapr/subscribe", "/payments", "/payments/waiting-1/claim", "/payments/waiting-1/void",
        "/payments/reconciliation", "/payments/simulator", "/listings/watch-1", "/deadletters", "/trades/waiting-1/resolve", "/healthz", "/v1.0/invoke/payment/method/payments/reconciliation",
        "/v1.0/state/statestore/Reserve-waiting-1", "/metrics",
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT"];

    // The request's target as it goes over the wire, and headers beside it.
    private static readonly Func<string, (string Target, string Headers)>[] Tricks =
    [
        p => (p, ""), p => (p.ToUpperInvariant(), ""), p => (p + "/", ""), p => (p + ".", ""), p => (p + "%2e", ""), p => ("/" + p, ""), p => ("//" + p[1..].Replace("/", "//", StringComparison.Ordinal), ""),
        p => ($"/reserves/..{p}", ""), p => ($"/reserves/%2e%2e{p}", ""), p => ($"/reserves/.%2e{p}", ""), p => ($"/reserves/..%2f{p[1..]}", ""), p => ($"/reserves%2f..{p.Replace("/", "%2f", StringComparison.Ordinal)}", ""),
        p => ($"/reserves/..%252f{p[1..]}", ""), p => ($"/reserves/%252e%252e{p}", ""), p => ($"/reserves/..;{p}", ""), p => ($"/reserves/..;/..{p}", ""), p => ($"/inventories/x/../..{p}", ""),
        p => ($"/inventories/..%5c{p[1..]}", ""), p => ($"/mypages/..\\{p[1..]}", ""), p => ($"/mypages/%c0%ae%c0%ae{p}", ""), p => ($"/mypages/..%ef%bc%8f{p[1..]}", ""), p => ($"{p};a=b", ""), p => ($"{p}%00", ""),
        p => ($"{p}%20", ""), p => ($"{p}%0d%0aX:%20y", ""), p => ($"/.{p}", ""), p => ($"/.%2f{p[1..]}", ""), p => (Encoded(p), ""), p => ($"{p}?x=/reserves", ""), p => ($"/reserves?/../..{p}", ""),
        p => ($"http://localhost{p}", ""), p => ($"http://payment{p}", ""), p => ("/reserves", $"X-Original-URL: {p}\r\n"), p => ("/reserves", $"X-Rewrite-URL: {p}\r\n"), p => ("/reserves", $"X-Forwarded-Prefix: {p}/..\r\n"),
        p => ("/reserves", $"X-Forwarded-Path: {p}\r\n"), p => (p, "X-HTTP-Method-Override: GET\r\n"), p => (p, "dapr-app-id: payment\r\n"), p => ($"/inventories{p}/../../..{p}", "dapr-app-id: payment\r\n"),
        p => ($"/products/..%2f..{p}/queue", ""), p => ($"/payments/..%2f..{p}", ""),
    ];

    [Fact]
    public async Task None_leads_to_a_route_that_is_not_listed()
    {
        await town.Town.Settle();
        var token = town.Issuer.Token(Waiting.Buyer);
        var before = await town.Everything();
        town.Town.Reached.Clear();
        var probes = (from path in Unlisted from trick in Tricks select trick(path)).Select((t, i) => (t.Target, t.Headers, Method: Methods[i % 3])).ToList();
        var refused = 0;
        await Each(probes, async p =>
        {
            var status = await Raw($"{p.Method} {p.Target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{p.Headers}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            if (status is >= 400 and < 500)
            {
                Interlocked.Increment(ref refused);
            }

            return null;
        });

        Assert.DoesNotContain(town.Town.Reached, r => r.App is not ("gateway" or "web") && !Listed().IsMatch($"{r.Method} {r.Path}"));
        Assert.Equal(before, await town.Everything());
        Assert.True(probes.Count >= 500, $"{probes.Count} tricks are too few");

        // Most must have been refused, and what is listed does get through: the record of who came is no empty one.
        Assert.InRange(refused, probes.Count / 2, probes.Count);
        Assert.Contains(town.Town.Reached, r => r is { App: "reservation", Path: "/reserves" });
    }

    private async Task<int> Raw(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", town.Town.Address("gateway").Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var line = await reader.ReadLineAsync() ?? "";
        await reader.ReadToEndAsync();
        return line.Split(' ') is [_, var status, ..] ? int.Parse(status, System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    private static string Encoded(string path) => "/" + string.Join('/', path[1..].Split('/').Select(part => $"%{(int)part[0]:x2}{part[1..]}"));

    [GeneratedRegex(@"\A(?:\w+ /(?:reserves|inventories|mypages)(?:/(?!\.)[\w.~-]+)*/?|\w+ /products/[\w.~-]+/queue/?|\w+ /trades(?:/[\w.~-]+(?:/(?:accept|decline|handover|receive|complete|defer|cancel|dispute))?)?/?|\w+ /notices(?:/[\w.~-]+(?:/read)?)?/?|GET /payments/(?!reconciliation/?\z|simulator/?\z)[\w.~-]+/?|GET /swagger/v1/swagger\.json)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Listed();
}
