using System.Diagnostics;
using System.Text.Json;
using Dapr.Actors.Client;
using Microsoft.Extensions.Options;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;

namespace SecondhandTrade.Reservations;

/// <summary>Records a request, has the product's actor decide it and asks payment; what cannot be finished now is retried through the wake list.</summary>
public sealed partial class Intake(
    AggregateStore store, IActorProxyFactory actors, ReadModel lists, PaymentClient payment, [FromKeyedServices("stock")] HttpClient stock, IOptions<ReservationTerms> terms, ServiceIdentity service, TimeProvider clock, ILogger<Intake> log)
{
    public const string WakeKind = nameof(Reserve);

    // Longer than a decision takes when all is well, so that the worker only steps in where the first attempt died.
    private static readonly TimeSpan Decided = TimeSpan.FromSeconds(5);

    // A buyer is told within 3 s that the request is taken in, whatever keeps the product's actor.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    /// <summary>How many open reservations the person may have, if there are that many. It is against hoarding: of two requests at once both may pass.</summary>
    public async Task<int?> HasTooMany(string userId) =>
        (await lists.Query<ReserveResource>(ReserveResource.Kind, new("0", "1", null), $"open={userId}")).Total >= terms.Value.OpenPerUser ? terms.Value.OpenPerUser : null;

    /// <summary>Writes the journal; returns what is kept under the id, which is another's if the id was taken.</summary>
    public async Task<Journal> Write(PlaceReserve asked)
    {
        var now = clock.GetUtcNow();
        await store.Wakes.Put($"{WakeKind}/{asked.Id}", now + Decided);
        var journal = await store.Change<Journal>(Journal.Key(asked.Id!), kept => kept ?? new(asked, now, asked.Open(now, Activity.Current?.Id), []));

        // Again, because the worker takes off whom it finds no journal of, and the write may have been slower than the worker.
        await store.Wakes.Put($"{WakeKind}/{asked.Id}", clock.GetUtcNow() + Decided);
        await lists.Put(ReserveResource.Kind, ReserveResource.Row(journal!));
        return journal!;
    }

    /// <summary>Has the book decide; null if the product's actor cannot be reached now, and then the worker asks again.</summary>
    public async Task<Reply<Reserve>?> Decide(Journal journal)
    {
        try
        {
            return await actors.Product(journal.Request.ProductId!).Request(journal.Last).WaitAsync(Patience, clock);
        }
        catch (Exception failure) when (Problems.IsUnreachable(failure))
        {
            LogUndecided(journal.Request.Id!, journal.Request.ProductId!, failure);
            await store.Wakes.Put($"{WakeKind}/{journal.Request.Id}", clock.GetUtcNow() + Decided);
            return null;
        }
    }

    /// <summary>Asks payment to authorise a held unit and tells the book; answers with what the reservation is then, and payment's word if it gave one.</summary>
    public async Task<(Reserve Reserve, PaymentAnswer? Answer)> Pay(string productId, Reserve held)
    {
        var product = actors.Product(productId);
        var answer = await payment.Authorise(productId, held);
        try
        {
            var reply = answer?.Outcome switch
            {
                PaymentStatus.Authorized or PaymentStatus.Claimed or PaymentStatus.Captured => await product.PaymentAuthorized(held.Id, held.Id).WaitAsync(Patience, clock),
                PaymentStatus.Declined or PaymentStatus.Voided or PaymentStatus.Expired => null,

                // Another request is waiting for the provider at this moment, and payment will tell what comes of it.
                PaymentStatus.Pending => null,
                _ => await product.PaymentTroubled(held.Id).WaitAsync(Patience, clock),
            };
            return (reply?.View ?? held, answer);
        }
        catch (Exception failure) when (Problems.IsUnreachable(failure))
        {
            // Payment's own event tells the book; what the buyer needs to know is that the unit is held.
            LogUndecided(held.Id, productId, failure);
            return (held, null);
        }
    }

    /// <summary>How a reservation's payment stands; asks for nothing.</summary>
    public Task<PaymentAnswer?> PaymentOf(string id) => payment.Look(id);

    /// <summary>Asks payment to void what a cancelled reservation has paid, and tells the book whatever it says.</summary>
    public async Task<Reserve> Void(string productId, Reserve pending) => (await payment.Void(pending.Id))?.Outcome switch
    {
        PaymentStatus.Claimed or PaymentStatus.Captured or PaymentStatus.Released => (await actors.Product(productId).PaymentClaimed(pending.Id)).View ?? pending,
        null or PaymentStatus.Pending or PaymentStatus.Unknown => pending,
        _ => (await actors.Product(productId).PaymentGone(pending.Id, pending.Reason ?? "cancelled")).View ?? pending,
    };

    /// <summary>
    /// False only if stock says that the product does not exist, or that its seller hides it, which is the same to everyone else; a stock that
    /// cannot be asked counts as true. A listing that stock returns is given to the book, so that it can be reserved before its event has come.
    /// </summary>
    public async Task<bool> MayExist(string productId)
    {
        var (book, _) = await store.Load(productId, ProductBook.Empty(productId));
        if (book.State.Listing is { StatusCode: not InventoryStatus.Hidden })
        {
            return true;
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(700), clock);
        try
        {
            using var response = await stock.GetAsync($"/listings/{productId}", patience.Token);
            if (response.StatusCode == System.Net.HttpStatusCode.NoContent)
            {
                return false;
            }

            if (response.IsSuccessStatusCode && JsonSerializer.Deserialize<ListingChanged>(await response.Content.ReadAsByteArrayAsync(patience.Token), service.Json) is { } listing)
            {
                await actors.Product(productId).HearStock(listing).WaitAsync(patience.Token);
                return listing.StatusCode != InventoryStatus.Hidden;
            }
        }
        catch (Exception failure) when (failure is JsonException || Problems.IsUnreachable(failure))
        {
            LogStockSilent(productId, failure);
        }

        return true;
    }

    /// <summary>The journal of a reservation with what its book says by now, and its place in the queue; null for an unknown id.</summary>
    public async Task<(Journal Journal, int? Position)?> Find(string id)
    {
        if (await store.Read<Journal>(Journal.Key(id)) is not { } journal)
        {
            return null;
        }

        if (!journal.Last.IsOpen)
        {
            return (journal, null);
        }

        // A deadline that has passed counts for every reader, whether or not a wake-up has fired.
        var (book, _) = await store.Load(journal.Request.ProductId!, ProductBook.Empty(journal.Request.ProductId!));
        var now = book.State.AsOf(clock.GetUtcNow());
        return (now.Find(id) is { } entry ? journal.Follow(book) with { Last = entry } : journal, now.Position(id));
    }

    /// <summary>A row of a list, read anew where a deadline has passed since it was written.</summary>
    public async Task<ReserveResource> AsOfNow(ReserveResource row) =>
        row.IsOverdue(clock.GetUtcNow(), terms.Value) && await Find(row.Id) is var (journal, _) ? ReserveResource.Of(journal, null) : row;

    /// <summary>
    /// A request that its first visitor may not have seen to a decision and a payment: the process died on the way, the actor took long,
    /// or the listing is not known yet. What is not settled here comes again when its lease ends.
    /// </summary>
    public async Task WakeReserve(string id, double mark)
    {
        if (await Find(id) is var (journal, _))
        {
            var reserve = journal.Last;
            if (journal.Timeline.IsEmpty)
            {
                await lists.Put(ReserveResource.Kind, ReserveResource.Row(journal));
                if (await Decide(journal) is not { View: { } decided })
                {
                    return;
                }

                reserve = decided;
            }

            var undone = reserve switch
            {
                { Status: ReserveStatus.Requested } => true,
                { Status: ReserveStatus.Held, Promoted: false, Extended: false } => !await PayLate(journal.Request.ProductId!, reserve),
                _ => false,
            };
            if (undone)
            {
                return;
            }
        }

        await store.Wakes.Settle($"{WakeKind}/{id}", mark, null);
    }

    /// <summary>Whatever is due in a product's book; payment is asked here, outside the actor's turn, so that a slow payment keeps nobody waiting.</summary>
    public async Task WakeProduct(string productId, double mark)
    {
        var reply = await actors.Product(productId).Wake(mark);
        await Task.WhenAll(reply.View!.Reserves.Select(r => AskPayment(productId, r)));
    }

    /// <summary>
    /// Pays for a unit whose buyer may not have got as far as payment; false if it has to be tried again. It looks first, because to
    /// authorise after a decline is a new attempt, which only the buyer may make.
    /// </summary>
    private async Task<bool> PayLate(string productId, Reserve held) => await payment.Look(held.Id) switch
    {
        null or { Outcome: PaymentStatus.Pending } => false,
        { Outcome: PaymentStatus.Declined or PaymentStatus.Voided or PaymentStatus.Expired } => true,
        _ => await Pay(productId, held) is not ({ Status: ReserveStatus.Held, Extended: false }, null),
    };

    private async Task AskPayment(string productId, Reserve reserve)
    {
        using var span = Telemetry.Continue("ask payment", reserve.TraceParent);
        await (reserve.Status == ReserveStatus.CancelPending ? Void(productId, reserve) : Look(productId, reserve));
    }

    private async Task<Reserve> Look(string productId, Reserve held)
    {
        var product = actors.Product(productId);
        return (await payment.Look(held.Id) switch
        {
            { Outcome: PaymentStatus.Authorized or PaymentStatus.Claimed } => await product.PaymentAuthorized(held.Id, held.Id),
            { Outcome: null or PaymentStatus.Declined } => await product.PaymentReady(held.Id),
            _ => null,
        })?.View ?? held;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Reservation {Id} waits: its product {Product} cannot be reached")]
    private partial void LogUndecided(string id, string product, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Stock cannot be asked about product {Product}; its events will tell")]
    private partial void LogStockSilent(string product, Exception failure);
}
