using System.Diagnostics.Metrics;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Payments;

/// <summary>One disagreement between the town's books and the provider's.</summary>
public sealed record Difference(string Key, string Ours, string Theirs);

/// <summary>The town's books beside the provider's: won, and where they disagree.</summary>
public sealed record Reconciliation(int Payments, long Captured, long Escrow, long Released, long Refunded, bool Balanced, IReadOnlyList<Difference> Differences);

/// <summary>Holds the town's books against the provider's once an hour, and whenever someone asks.</summary>
public sealed partial class ReconciliationJob(ReadModel lists, IPaymentProvider provider, TimeProvider clock, ILogger<ReconciliationJob> log) : BackgroundService
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
        void Compare(string id, string ours, Func<IEnumerable<string>, bool> agrees)
        {
            if (!agrees(theirs[id]))
            {
                differences.Add(new(id, ours, string.Join(", ", theirs[id])));
            }
        }

        foreach (var payment in payments)
        {
            // What is still under way, or waits for the provider's word, may differ for a moment; what is settled may not.
            switch (payment.StatusCode)
            {
                case PaymentStatus.Captured or PaymentStatus.Released or PaymentStatus.Refunded:
                    var word = payment.StatusCode.ToString().ToLowerInvariant();
                    Compare(payment.Id, word, words => words.Contains(word));
                    break;
                case PaymentStatus.Voided or PaymentStatus.Declined or PaymentStatus.Expired:
                    Compare(payment.Id, payment.StatusCode.ToString().ToLowerInvariant(), words => !words.Any(HasMoney));
                    break;
            }
        }

        foreach (var unknown in theirs.Select(r => r.Key).Except(payments.Select(p => p.Id)))
        {
            Compare(unknown, "unknown", words => !words.Any(HasMoney));
        }

        var (captured, escrow, released, refunded) = (payments.Sum(p => p.Captured), payments.Sum(p => p.Escrow), payments.Sum(p => p.Released), payments.Sum(p => p.Refunded));
        var balanced = captured == escrow + released + refunded;
        found = differences.Count + (balanced ? 0 : 1);
        return new(payments.Count, captured, escrow, released, refunded, balanced, differences);
    }

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
