using System.Net;
using SecondhandTrade.Notifications;
using SecondhandTrade.SystemTests.Rights;

namespace SecondhandTrade.SystemTests;

/// <summary>Who hears what on the stream of notices, and that nobody can keep another from hearing it.</summary>
public sealed class NoticeStreams
{
    [Fact]
    public async Task Nobody_can_take_the_id_of_anothers_notice_before_it_is_told()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        await As(town, issuer, "ann", HttpMethod.Post, "/inventories", new { id = "100", productid = "100", productname = "bicycle", qty = 1, price = 30000 });
        await town.Settle();
        var taken = from version in Enumerable.Range(1, 6) from part in Enumerable.Range(1, 3) select Notices.NumberOf($"reservation:100:{version}.{part}:ann");
        foreach (var id in taken)
        {
            await As(town, issuer, "eve", HttpMethod.Post, "/notices", new { id, productid = "100" });
        }

        await As(town, issuer, "bob", HttpMethod.Post, "/reserves", new { id = "1", productid = "100", qty = 1, reserveDt = "2027-04-04", address = "here", price = 30000 });
        await town.Settle();
        Assert.Contains("예약완료", (await As(town, issuer, "ann", HttpMethod.Get, "/notices")).List("notices").Select(n => $"{n!["status"]}"));
        var refused = await As(town, issuer, "eve", HttpMethod.Post, "/notices", new { id = "1234567890", productid = "100" });
        Assert.Equal(HttpStatusCode.BadRequest, refused.Code);
        Assert.NotNull(refused.Body!["errors"]!["id"]);
        Assert.Equal(HttpStatusCode.Created, (await As(town, issuer, "eve", HttpMethod.Post, "/notices", new { id = "123456789", productid = "100" })).Code);
    }

    [Fact]
    public async Task A_stream_ends_when_the_token_it_was_opened_with_does()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        using var stream = await Stream.Open(town, "/notices/stream?products=100", ("Authorization", $"Bearer {issuer.Token("ann")}"));
        using var anyones = await Stream.Open(town, "/notices/stream?products=100");

        town.Clock.Advance(TimeSpan.FromMinutes(9));
        await stream.Reaches(": still here");
        town.Clock.Advance(TimeSpan.FromMinutes(1.5));
        await stream.Ends();

        // One that shows no person's notices needs no token.
        town.Clock.Advance(TimeSpan.FromMinutes(1));
        await anyones.Reaches(": still here");
    }

    [Fact]
    public async Task Who_comes_back_with_a_number_that_was_never_given_hears_what_comes_next()
    {
        await using var town = await TestTown.Open();
        using var stream = await Stream.Open(town, "/notices/stream?userid=abc", ("Last-Event-ID", "999"));
        await stream.Reaches("id: 0");
        await town.Post("/notices", new { id = "1", productid = "100", userid = "abc", productname = "bicycle" });
        await stream.Reaches("id: 1");
    }

    [Fact]
    public async Task Who_looks_at_goods_is_told_when_their_seller_changes_or_withdraws_them()
    {
        await using var town = await TestTown.Open();
        await town.List("100");
        using var stream = await Stream.Open(town, "/notices/stream?products=100");
        await town.Send(HttpMethod.Patch, "/inventories/100", new { price = 40000 });
        await town.Settle();
        await stream.Reaches("event: product");
        await town.Put("/inventories/100/withdraw");
        await town.Settle();
        await stream.Reaches("event: product");
        Assert.Empty((await town.Get("/notices")).List("notices"));
    }

    private static Task<Answer> As(TestTown town, Issuer issuer, string user, HttpMethod method, string path, object? body = null) =>
        town.Send(method, path, body, headers: ("Authorization", $"Bearer {issuer.Token(user)}"));

    /// <summary>A stream that is open, line by line.</summary>
    private sealed class Stream(HttpClient http, HttpResponseMessage answer, StreamReader lines) : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        public static async Task<Stream> Open(TestTown town, string path, params (string Name, string Value)[] headers)
        {
            var http = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(town.Address("gateway"), path));
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var stream = new Stream(http, answer, new(await answer.Content.ReadAsStreamAsync()));
            await stream.Reaches("retry:");
            return stream;
        }

        /// <summary>Reads up to the line that begins so.</summary>
        public async Task Reaches(string line)
        {
            using var patience = new CancellationTokenSource(Patience);
            while (!(await lines.ReadLineAsync(patience.Token) ?? throw new EndOfStreamException($"The stream ended before {line}")).StartsWith(line, StringComparison.Ordinal))
            {
            }
        }

        public async Task Ends()
        {
            using var patience = new CancellationTokenSource(Patience);
            while (await lines.ReadLineAsync(patience.Token) is not null)
            {
            }
        }

        public void Dispose()
        {
            lines.Dispose();
            answer.Dispose();
            http.Dispose();
        }
    }
}
