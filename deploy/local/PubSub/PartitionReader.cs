namespace SecondhandTrade.Local;

/// <summary>Delivers the messages of one partition to one consumer group in order; a failed message is retried and blocks those behind it.</summary>
internal sealed partial class PartitionReader : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly PartitionLog log;
    private readonly GroupOffsets offsets;
    private readonly WorkTracker tracker;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private readonly Task running;
    private TopicReader? owner;
    private bool stopped;
    private CancellationTokenSource? delivering;
    private CancellationTokenSource ownership = new();
    private long position;

    public PartitionReader(PartitionLog log, GroupOffsets offsets, long position, WorkTracker tracker, TimeProvider clock, ILogger logger)
    {
        (this.log, this.offsets, this.position, this.tracker, this.clock, this.logger) = (log, offsets, position, tracker, clock, logger);
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

    /// <summary>How many messages have not been processed yet.</summary>
    public long Lag => log.End - Interlocked.Read(ref position);

    /// <summary>Changes the owner; a delivery in flight may finish until <paramref name="deadline"/> is cancelled, and is repeated to the new owner otherwise.</summary>
    public void AssignTo(TopicReader? next, CancellationToken deadline)
    {
        CancellationTokenSource ended;
        lock (gate)
        {
            if (owner == next)
            {
                return;
            }

            owner = next;
            (ended, ownership) = (ownership, new CancellationTokenSource());
            if (ended == delivering && !deadline.IsCancellationRequested)
            {
                deadline.Register(ended.Cancel);
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
            (ended, last) = (ownership, delivering);
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

                (reader, ct) = (owner, ownership.Token);
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
                    delivering = ownership;
                }

                await (reader!.Subscription.Bulk is { } bulk ? DeliverBatchAsync(reader, bulk, ct) : DeliverAsync(reader, log.Read(position), ct));
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // The owner has changed.
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
                    delivering = null;
                }
            }
        }
    }

    private async Task DeliverAsync(TopicReader reader, BrokerMessage message, CancellationToken ct)
    {
        var delivery = reader.Read(message);
        using var work = tracker.Begin(delivery.TraceParent);
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
                    // As in daprd's Kafka component: the message is not committed, but delivery goes on, and the next commit skips it.
                    break;
                }

                await work.WaitAsync(reader.PubSub.BackOff, clock, ct);
            }
        }

        Interlocked.Increment(ref position);
    }

    private async Task DeliverBatchAsync(TopicReader reader, BulkSubscribe bulk, CancellationToken ct)
    {
        using var work = tracker.Begin(TraceContext.NewSpan(null));
        await FillBatchAsync(bulk, work, ct);
        var deliveries = new List<Delivery>();
        for (var offset = position; offset < log.End && deliveries.Count < bulk.MaxMessages; offset++)
        {
            deliveries.Add(reader.Read(log.Read(offset)));
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

            // daprd's Kafka component retries the batch as a whole, including the entries that succeeded.
            await work.WaitAsync(reader.PubSub.BackOff, clock, ct);
        }

        Interlocked.Add(ref position, deliveries.Count);
    }

    /// <summary>Waits for a full batch, at most for the maxAwaitDurationMs of the subscription.</summary>
    private async Task FillBatchAsync(BulkSubscribe bulk, Work work, CancellationToken ct)
    {
        using var batchFull = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var delay = work.WaitAsync(bulk.MaxAwait, clock, batchFull.Token);
        while (!delay.IsCompleted && log.End - position < bulk.MaxMessages)
        {
            await Task.WhenAny(log.WaitForAsync(log.End, batchFull.Token), delay);
        }

        await batchFull.CancelAsync();
        try
        {
            await delay;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The batch was full before the time was up.
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Topic}/{Partition}@{Offset} was not processed by {App}: {Why}")]
    private partial void LogRefused(string topic, int partition, long offset, string app, string why);

    [LoggerMessage(LogLevel.Error, "{Topic}/{Partition}@{Offset} could not be delivered")]
    private partial void LogBroken(Exception error, string topic, int partition, long offset);
}
