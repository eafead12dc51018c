using System.Net.Http.Headers;
using System.Text.Json;
using Dapr.Actors.Client;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Trades;

/// <summary>Who claims a payment, and for what it takes it to be: won in all.</summary>
public sealed record PaymentClaim(string TradeId, string UserId, long Amount);

/// <summary>Payment's answer: where the money stands by its word, and who pays.</summary>
public sealed record PaymentAnswer(PaymentStatus? Outcome, string? Reason, string? UserId);

/// <summary>Claims payments for drafts, outside the actor's turn and the broker's handler.</summary>
public sealed partial class PaymentClaimer([FromKeyedServices("payment")] HttpClient payment, IActorProxyFactory actors, ServiceIdentity service, TimeProvider clock, ILogger<PaymentClaimer> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.3);

    public async Task Wake(string id, double mark)
    {
        if (await actors.Trade(id).Wake(mark) is { Changed: true, View: { Status: TradeStatus.Draft } draft })
        {
            await Claim(draft);
        }
    }

    /// <summary>Makes the claim and tells the trade; null if payment gave no answer, and then the draft is tried again.</summary>
    public async Task<Reply<Trade>?> Claim(Trade draft)
    {
        var about = draft.About!;
        var answer = await Ask($"/payments/{about.PaymentId}/claim", JsonSerializer.SerializeToUtf8Bytes(new PaymentClaim(draft.Id, about.UserId, about.Price * about.Qty), service.Json));
        return answer switch
        {
            null => null,

            // Payment refuses with a reason; without one, what it says is that the claim is ours, now or before.
            { Reason: "payment-required" or "claim-mismatch" } => await actors.Trade(draft.Id).ClaimRefused(answer.Reason),
            { Outcome: PaymentStatus.Claimed or PaymentStatus.Captured or PaymentStatus.Released } => await actors.Trade(draft.Id).Claimed(),
            _ => null,
        };
    }

    /// <summary>How the payment of a reservation stands; null if payment gave no answer.</summary>
    public Task<PaymentAnswer?> Look(string id) => Ask($"/payments/{id}/look", []);

    private async Task<PaymentAnswer?> Ask(string path, byte[] body)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            using var response = await payment.PostAsync(path, content, patience.Token);
            if (response.IsSuccessStatusCode)
            {
                return JsonSerializer.Deserialize<PaymentAnswer>(await response.Content.ReadAsByteArrayAsync(patience.Token), service.Json);
            }

            LogNoAnswer(path, $"it answered {(int)response.StatusCode}");
        }
        catch (Exception failure) when (failure is OperationCanceledException or HttpRequestException or JsonException)
        {
            LogNoAnswer(path, failure.Message);
        }

        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Payment gave no answer to {Path}: {Why}")]
    private partial void LogNoAnswer(string path, string why);
}
