namespace SecondhandTrade.Local;

/// <summary>Hands the messages of one partition to one group, one after the other; what is not taken is offered again and holds up the rest.</summary>
internal sealed partial class PartitionReader : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly PartitionLog log;
    private readonly GroupOffsets offsets;
    private readonly Works works;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private readonly Task running;
    private TopicReader? owner;
    private bool stopped;
    private CancellationTokenSource? handing;
    private CancellationTokenSource reign = new();
    private long position;

    public PartitionReader(PartitionLog log, GroupOffsets offsets, long position, Works works, TimeProvider clock, ILogger logger)
    {
        (this.log, this.offsets, this.position, this.works, this.clock, this.logger) = (log, offsets, position, works, clock, logger);
        running = Task.Run(RunAsync);
    }

    public bool CaughtUp
    {
        get
        {
            lock (gate)
            {
                return owner is null || Interlocked.Read(ref position) >= log.End;
            }
        }
    }

    /// <summary>How many messages have not been answered yet.</summary>
    public long Lag => log.End - Interlocked.Read(ref position);

    /// <summary>A message being delivered goes to the new owner again, unless the old one answers it before it is <paramref name="over"/>.</summary>
    public void GiveTo(TopicReader? next, CancellationToken over)
    {
        CancellationTokenSource ended;
        lock (gate)
        {
            if (owner == next)
            {
                return;
            }

            owner = next;
            (ended, reign) = (reign, new CancellationTokenSource());
            if (ended == handing && !over.IsCancellationRequested)
            {
                over.Register(ended.Cancel);
                return;
            }
        }

        ended.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        CancellationTokenSource ended;
        CancellationTokenSource? last;
        lock (gate)
        {
            stopped = true;
            (ended, last) = (reign, handing);
        }

        await ended.CancelAsync();
        last?.Cancel();
        await running;
        ended.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            TopicReader? reader;
            CancellationToken ct;
            lock (gate)
            {
                if (stopped)
                {
                    return;
                }

                (reader, ct) = (owner, reign.Token);
            }

            try
            {
                if (reader is null)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                }

                await log.WaitForAsync(position, ct);
                lock (gate)
                {
                    ct.ThrowIfCancellationRequested();
                    handing = reign;
                }

                await (reader!.Subscription.Bulk is { } bulk ? HandManyAsync(reader, bulk, ct) : HandAsync(reader, log.Read(position), ct));
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // Another owner, or none: look again.
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                LogBroken(e, log.Topic, log.Number, position);
                await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
            }
            finally
            {
                lock (gate)
                {
                    handing = null;
                }
            }
        }
    }

    private async Task HandAsync(TopicReader reader, BrokerMessage message, CancellationToken ct)
    {
        using var work = works.Begin(reader.TraceOf(message, out var delivery));
        for (var tries = 1L; ; tries++)
        {
            try
            {
                await reader.DeliverAsync(delivery, work, ct);
                offsets.Write(log.Number, position + 1);
                break;
            }
            catch (DeliveryException e)
            {
                LogRefused(log.Topic, log.Number, position, reader.AppId, e.Message);
                if (!reader.PubSub.RetryInPlace || (reader.PubSub.MaxRetries >= 0 && tries > reader.PubSub.MaxRetries))
                {
                    // As in the Kafka component: left without a mark, the loop goes on, and the next success passes it by.
                    break;
                }

                await work.WaitAsync(reader.PubSub.BackOff, clock, ct);
            }
        }

        Interlocked.Increment(ref position);
    }

    private async Task HandManyAsync(TopicReader reader, BulkSubscribe bulk, CancellationToken ct)
    {
        using var work = works.Begin(TraceContext.Next(null));
        await GatherAsync(bulk, work, ct);
        var deliveries = new List<Delivery>();
        for (var offset = position; offset < log.End && deliveries.Count < bulk.MaxMessages; offset++)
        {
            reader.TraceOf(log.Read(offset), out var delivery);
            deliveries.Add(delivery);
        }

        for (var tries = 1L; ; tries++)
        {
            var done = await reader.DeliverManyAsync(deliveries, work, ct);
            var taken = Array.IndexOf(done, false) is >= 0 and var first ? first : done.Length;
            if (taken > 0)
            {
                offsets.Write(log.Number, position + taken);
            }

            if (taken == done.Length || !reader.PubSub.RetryInPlace || (reader.PubSub.MaxRetries >= 0 && tries > reader.PubSub.MaxRetries))
            {
                break;
            }

            // The Kafka component knows the batch only as a whole: what was taken comes again too.
            await work.WaitAsync(reader.PubSub.BackOff, clock, ct);
        }

        Interlocked.Add(ref position, deliveries.Count);
    }

    /// <summary>Waits for a full batch, though no longer than the subscription says.</summary>
    private async Task GatherAsync(BulkSubscribe bulk, Work work, CancellationToken ct)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var pause = work.WaitAsync(bulk.MaxAwait, clock, enough.Token);
        while (!pause.IsCompleted && log.End - position < bulk.MaxMessages)
        {
            await Task.WhenAny(log.WaitForAsync(log.End, enough.Token), pause);
        }

        await enough.CancelAsync();
        try
        {
            await pause;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The batch was full before the time was over.
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Topic}/{Partition}@{Offset} was not taken by {App}: {Why}")]
    private partial void LogRefused(string topic, int partition, long offset, string app, string why);

    [LoggerMessage(LogLevel.Error, "{Topic}/{Partition}@{Offset} could not be handed over")]
    private partial void LogBroken(Exception error, string topic, int partition, long offset);
}
