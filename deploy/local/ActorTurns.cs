namespace SecondhandTrade.Local;

/// <summary>Turns of one actor: first come, first served; whoever gives up waiting leaves the queue.</summary>
internal sealed class ActorTurns
{
    private const int DeepestReentrancy = 32;

    private readonly Lock gate = new();
    private readonly LinkedList<(TaskCompletionSource<bool> Turn, string? Chain)> waiting = [];
    private bool taken;
    private bool closed;
    private string? chain;
    private int depth;

    /// <summary>False when the actor has been put away meanwhile: look it up again.</summary>
    public async ValueTask<bool> EnterAsync(string? reentrancyId, Work work, CancellationToken ct)
    {
        LinkedListNode<(TaskCompletionSource<bool> Turn, string? Chain)> place;
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            if (!taken)
            {
                (taken, chain, depth) = (true, reentrancyId, 1);
                return true;
            }

            if (reentrancyId is not null && reentrancyId == chain)
            {
                depth = depth < DeepestReentrancy
                    ? depth + 1
                    : throw new ApiError(500, Grpc.Core.StatusCode.Internal, "ERR_ACTOR_STACK_DEPTH", "maximum stack depth exceeded");
                return true;
            }

            place = waiting.AddLast((new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), reentrancyId));
        }

        using var givingUp = ct.Register(() =>
        {
            lock (gate)
            {
                if (place.List is not null)
                {
                    waiting.Remove(place);
                    place.Value.Turn.SetCanceled(ct);
                }
            }
        });
        await work.QueueAsync(place.Value.Turn.Task);
        return await place.Value.Turn.Task;
    }

    public void Leave()
    {
        lock (gate)
        {
            if (--depth > 0)
            {
                return;
            }

            taken = waiting.Count > 0;
            if (taken)
            {
                var next = waiting.First!;
                waiting.RemoveFirst();
                (chain, depth) = (next.Value.Chain, 1);
                next.Value.Turn.SetResult(true);
            }
        }
    }

    /// <summary>Ends this actor's life from within its last turn; those who wait are told to look again.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            foreach (var (turn, _) in waiting)
            {
                turn.SetResult(false);
            }

            waiting.Clear();
        }
    }
}
