using System.Diagnostics.Metrics;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>One disagreement between the town's books and the provider's.</summary>
public sealed record Difference(string Key, string Ours, string Theirs);

/// <summary>The town's books beside the provider's: won, and where they disagree.</summary>
public sealed record Reconciliation(int Payments, long Captured, long Escrow, long Released, long Refunded, bool Balanced, IReadOnlyList<Difference> Differences);

/// <summary>Holds the town's books against the provider's once an hour, and whenever someone asks.</summary>
public sealed partial class ReconciliationJob(AggregateStore store, ReadModel lists, IPaymentProvider provider, TimeProvider clock, ILogger<ReconciliationJob> log) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromHours(1);

    // Null until the first round: not to know is not to find nothing.
    private long? found;

    /// <summary>What the last round found wrong.</summary>
    public IEnumerable<Measurement<long>> Findings => found is { } findings ? [new(findings)] : [];

    /// <summary>Compares every payment; reads all there are.</summary>
    public async Task<Reconciliation> Reconcile(CancellationToken stop)
    {
        var (payments, _) = await lists.Query<PaymentResource>(PaymentResource.Kind, new("0", $"{int.MaxValue}", null));

        // A payment may have been tried more than once: its tries are its id and a number.
        var theirs = (await provider.Records(stop)).ToLookup(r => r.Key[..Math.Max(0, r.Key.LastIndexOf('-'))], r => r.Value);
        var differences = new List<Difference>();
        async Task Compare(string id, PaymentStatus? ours, bool agrees)
        {
            // What is still under way, or has gone on since it was read, may differ for a moment; what is settled may not.
            if (!agrees && (await store.Load(id, new Payment(id))).Document.State is { Work: null } payment && payment.Status == ours)
            {
                differences.Add(new(id, Word(ours), string.Join(", ", theirs[id])));
            }
        }

        foreach (var payment in payments)
        {
            switch (payment.StatusCode)
            {
                case PaymentStatus.Captured or PaymentStatus.Released or PaymentStatus.Refunded:
                    await Compare(payment.Id, payment.StatusCode, theirs[payment.Id].Contains(Word(payment.StatusCode)));
                    break;
                case PaymentStatus.Voided or PaymentStatus.Declined or PaymentStatus.Expired:
                    await Compare(payment.Id, payment.StatusCode, !theirs[payment.Id].Any(HasMoney));
                    break;
            }
        }

        foreach (var unknown in theirs.Select(r => r.Key).Except(payments.Select(p => p.Id)))
        {
            await Compare(unknown, null, !theirs[unknown].Any(HasMoney));
        }

        var (captured, escrow, released, refunded) = (payments.Sum(p => p.Captured), payments.Sum(p => p.Escrow), payments.Sum(p => p.Released), payments.Sum(p => p.Refunded));
        var balanced = captured == escrow + released + refunded;
        found = differences.Count + (balanced ? 0 : 1);
        return new(payments.Count, captured, escrow, released, refunded, balanced, differences);
    }

    private static string Word(PaymentStatus? status) => status?.ToString().ToLowerInvariant() ?? "unknown";

    private static bool HasMoney(string theirs) => theirs is "captured" or "released";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var rounds = new PeriodicTimer(Round, clock);
        do
        {
            try
            {
                await Reconcile(stoppingToken);
            }
            catch (Exception failure) when (failure is ProviderException || Problems.IsUnreachable(failure))
            {
                LogNotHeld(failure);
            }
        }
        while (await rounds.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Reconciliation with the payment provider failed; it runs again within the hour")]
    private partial void LogNotHeld(Exception failure);
}
