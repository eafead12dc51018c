using System.Threading.Channels;

namespace SecondhandTrade.Local;

/// <summary>The pubsub.in-memory component: a bus of one sidecar, with at-most-once delivery and no storage.</summary>
internal sealed partial class MemoryBus(WorkTracker tracker, TimeProvider clock, ILogger logger)
{
    private readonly Lock gate = new();
    private readonly List<(TopicReader Reader, Channel<(BrokerMessage Message, Work Work)> Queue)> members = [];

    public void Join(TopicReader reader)
    {
        var queue = Channel.CreateUnbounded<(BrokerMessage, Work)>();
        lock (gate)
        {
            members.Add((reader, queue));
        }

        _ = DeliverAllAsync(reader, queue.Reader);
    }

    public void Leave(TopicReader reader)
    {
        lock (gate)
        {
            foreach (var (_, queue) in members.Where(m => m.Reader == reader))
            {
                queue.Writer.Complete();
            }

            members.RemoveAll(m => m.Reader == reader);
        }
    }

    public void Append(string topic, byte[]? value, IReadOnlyDictionary<string, string> metadata)
    {
        lock (gate)
        {
            foreach (var (_, queue) in members.Where(m => m.Reader.Subscription.Topic == topic))
            {
                // Registered as work before it is queued; otherwise the stand-in would look idle in between.
                var message = new BrokerMessage(topic, 0, 0, clock.GetUtcNow(), null, new Dictionary<string, string>(metadata), value);
                queue.Writer.TryWrite((message, tracker.Begin(TraceContext.NewSpan(null))));
            }
        }
    }

    private async Task DeliverAllAsync(TopicReader reader, ChannelReader<(BrokerMessage Message, Work Work)> queue)
    {
        await foreach (var (message, work) in queue.ReadAllAsync())
        {
            using var ends = work;
            var delivery = reader.Read(message);
            try
            {
                await reader.DeliverAsync(delivery, work, CancellationToken.None);
            }
            catch (Exception e) when (e is DeliveryException or HttpRequestException)
            {
                LogLost(message.Topic, reader.AppId, e.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "A message on {Topic} was not processed by {App} and is lost: {Why}")]
    private partial void LogLost(string topic, string app, string why);
}
