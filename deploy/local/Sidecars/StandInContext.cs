using StackExchange.Redis;

namespace SecondhandTrade.Local;

/// <summary>State and services shared by all sidecars of one stand-in.</summary>
internal sealed class StandInContext(TimeProvider clock, Broker broker, ConsumerGroups groups, WorkTracker tracker, ILoggerFactory logging, IConnectionMultiplexer redis, Resources resources)
{
    private int nextReplica;

    public TimeProvider Clock => clock;

    public Broker Broker => broker;

    public ConsumerGroups Groups => groups;

    public WorkTracker WorkTracker => tracker;

    public ILoggerFactory Logging => logging;

    public IConnectionMultiplexer Redis => redis;

    public Resources Resources => resources;

    public ActorCallbacks Callbacks => field ??= new ActorCallbacks(this);

    public Reminders Reminders => field ??= new Reminders(redis.GetDatabase(), Callbacks, tracker, clock, logging.CreateLogger("Reminders"));

    public IReadOnlyList<Sidecar> Sidecars { get; set; } = [];

    /// <summary>Round-robin over healthy, non-draining replicas; if none, over all replicas of the app; null for an unknown app id.</summary>
    public Sidecar? NextReplica(string appId)
    {
        var replicas = Sidecars.Where(s => s.AppId == appId).ToArray();
        var available = replicas.Where(r => r.Channel is { IsHealthy: true, IsDraining: false }).ToArray();
        return (available.Length > 0 ? available : replicas) switch
        {
            [] => null,
            [var only] => only,
            var several => several[(int)((uint)Interlocked.Increment(ref nextReplica) % several.Length)],
        };
    }

    /// <summary>Placement: the app instance that hosts an actor, by rendezvous hashing. Stable until an instance connects or disconnects; null when none hosts the type.</summary>
    public ActorHost? HostOf(string type, string id)
    {
        ActorHost? best = null;
        var highest = 0u;
        for (var i = 0; i < Sidecars.Count; i++)
        {
            if (Sidecars[i].Actors is not { } host)
            {
                continue;
            }

            if (host.IsDraining(type, id))
            {
                return host;
            }

            if (host.Hosts(type))
            {
                var score = Score(type, id, i);
                if (best is null || score > highest)
                {
                    (best, highest) = (host, score);
                }
            }
        }

        return best;
    }

    /// <summary>Called when an instance connects: the others deactivate the actors it hosts from now on, and reminders that waited for a host fire.</summary>
    public void Rebalance()
    {
        foreach (var sidecar in Sidecars)
        {
            if (sidecar.Actors is { } host)
            {
                host.Release((type, id) => HostOf(type, id) == host);
            }
        }

        Reminders.Wake();
    }

    private static uint Score(string type, string id, int instance)
    {
        var hash = 2166136261u ^ (uint)instance;
        foreach (var c in type)
        {
            hash = (hash ^ c) * 16777619u;
        }

        foreach (var c in id)
        {
            hash = (hash ^ c) * 16777619u;
        }

        // The low bits of FNV are not mixed well enough for comparing scores, so finish with part of the murmur3 mixer.
        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        return hash ^ (hash >> 13);
    }
}
