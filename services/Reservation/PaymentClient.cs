using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>What payment is asked to authorise: won in all, by whom, for what.</summary>
public sealed record AuthorisePayment(string Id, string ReservationId, string ProductId, string UserId, long Amount, string? SellerId);

/// <summary>Payment's answer: where the money stands by its word.</summary>
public sealed record PaymentAnswer(PaymentStatus? Outcome, string? Reason);

/// <summary>Asks the payment context, through the sidecar and its policies; an answer that does not come in time is null, which says nothing about the money.</summary>
public sealed partial class PaymentClient([FromKeyedServices("payment")] HttpClient payment, ServiceIdentity service, TimeProvider clock, ILogger<PaymentClient> log)
{
    // Slightly above the sidecar's own 2 s, in case the sidecar itself hangs: a buyer is answered within 3 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.3);

    private static readonly Counter<long> Answers = Telemetry.Meter.CreateCounter<long>(
        "town.payment.answers", "{answer}", "How payment answered: answered, overloaded, breaker-open (as the sidecar says), failed, or silent.");

    public Task<PaymentAnswer?> Authorise(string productId, Reserve reserve) => Ask(
        reserve.Id, "/payments", new AuthorisePayment(reserve.Id, reserve.Id, productId, reserve.UserId, reserve.Price * reserve.Qty, reserve.SellerId));

    public Task<PaymentAnswer?> Void(string id) => Ask(id, $"/payments/{id}/void", null);

    /// <summary>How the payment stands; an outcome of null within an answer means payment is well and has never heard of it.</summary>
    public Task<PaymentAnswer?> Look(string id) => Ask(id, $"/payments/{id}/look", null);

    private async Task<PaymentAnswer?> Ask(string id, string path, AuthorisePayment? body)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var request = new HttpRequestMessage(HttpMethod.Post, path);

        // Bytes have a length; a chunked body would never be retried by the sidecar, whatever its policy says.
        request.Content = new ByteArrayContent(body is null ? [] : JsonSerializer.SerializeToUtf8Bytes(body, service.Json));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            using var response = await payment.SendAsync(request, patience.Token);
            if (response.IsSuccessStatusCode)
            {
                Count("answered");
                return JsonSerializer.Deserialize<PaymentAnswer>(await response.Content.ReadAsByteArrayAsync(patience.Token), service.Json);
            }

            Count(response.StatusCode == HttpStatusCode.ServiceUnavailable ? "overloaded"
                : (await response.Content.ReadAsStringAsync(patience.Token)).Contains("circuit breaker is open", StringComparison.Ordinal) ? "breaker-open" : "failed");
            LogNoAnswer(id, path, $"it answered {(int)response.StatusCode}");
        }
        catch (Exception failure) when (failure is OperationCanceledException or HttpRequestException or JsonException)
        {
            Count("silent");
            LogNoAnswer(id, path, failure.Message);
        }

        return null;
    }

    private static void Count(string outcome) => Answers.Add(1, new KeyValuePair<string, object?>("town.outcome", outcome));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Payment gave no answer to {Path} about reservation {Reservation}: {Why}")]
    private partial void LogNoAnswer(string reservation, string path, string why);
}
