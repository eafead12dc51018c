namespace SecondhandTrade.Local;

/// <summary>Consumer groups: each group reads a topic once, with its partitions assigned to the connected members.</summary>
internal sealed class ConsumerGroups(Broker broker, string dataDirectory, WorkTracker tracker, TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Group, string Topic), Group> groups = [];

    private sealed record Group(List<TopicReader> Members, PartitionReader[] Partitions, GroupOffsets Offsets);

    /// <summary>True when every message for a connected subscriber has been processed.</summary>
    public bool CaughtUp
    {
        get
        {
            lock (gate)
            {
                return groups.Values.All(g => g.Partitions.All(p => p.CaughtUp));
            }
        }
    }

    /// <summary>The lag of each group on each topic it has read since the start, and its number of members.</summary>
    public IReadOnlyList<ConsumerLag> Lags
    {
        get
        {
            lock (gate)
            {
                return [.. groups.Select(g => new ConsumerLag(g.Key.Group, g.Key.Topic, g.Value.Partitions.Sum(p => p.Lag), g.Value.Members.Count)).OrderBy(lag => (lag.Group, lag.Topic))];
            }
        }
    }

    public void Join(TopicReader reader)
    {
        lock (gate)
        {
            var id = (reader.PubSub.Group, reader.Subscription.Topic);
            if (!groups.TryGetValue(id, out var group))
            {
                var offsets = new GroupOffsets(Path.Combine(dataDirectory, "groups", Uri.EscapeDataString(id.Group), id.Topic + ".offsets"));
                var partitions = broker.Logs(id.Topic)
                    .Select(log => new PartitionReader(log, offsets, offsets.Read(log.Number) ?? (reader.PubSub.FromOldest ? 0 : log.End), tracker, clock, logger))
                    .ToArray();
                groups[id] = group = new Group([], partitions, offsets);
            }

            group.Members.Add(reader);
            AssignPartitions(group, new CancellationToken(canceled: true));
        }
    }

    /// <summary>Removes a member; a delivery in flight may finish until <paramref name="deadline"/> is cancelled.</summary>
    public void Leave(TopicReader reader, CancellationToken deadline)
    {
        lock (gate)
        {
            if (groups.TryGetValue((reader.PubSub.Group, reader.Subscription.Topic), out var group) && group.Members.Remove(reader))
            {
                AssignPartitions(group, deadline);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Group[] all;
        lock (gate)
        {
            all = [.. groups.Values];
            groups.Clear();
        }

        await Task.WhenAll(all.SelectMany(g => g.Partitions).Select(p => p.DisposeAsync().AsTask()));
        foreach (var group in all)
        {
            group.Offsets.Dispose();
        }
    }

    private static void AssignPartitions(Group group, CancellationToken deadline)
    {
        for (var p = 0; p < group.Partitions.Length; p++)
        {
            group.Partitions[p].AssignTo(group.Members.Count == 0 ? null : group.Members[p * group.Members.Count / group.Partitions.Length], deadline);
        }
    }
}

/// <summary>How many messages of a topic a consumer group has not processed yet.</summary>
public sealed record ConsumerLag(string Group, string Topic, long Lag, int Members);
