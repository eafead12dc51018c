namespace SecondhandTrade.Local;

/// <summary>Turns of one actor: first come, first served; whoever gives up waiting leaves the queue.</summary>
internal sealed class ActorLock
{
    private const int MaxReentrancyDepth = 32;

    private readonly Lock gate = new();
    private readonly LinkedList<(TaskCompletionSource<bool> Turn, string? Chain)> waiting = [];
    private bool taken;
    private bool closed;
    private string? reentrancyChain;
    private int depth;

    /// <summary>False when the actor has been put away meanwhile: look it up again.</summary>
    public async ValueTask<bool> EnterAsync(string? reentrancyId, Work work, CancellationToken ct)
    {
        LinkedListNode<(TaskCompletionSource<bool> Turn, string? Chain)> queued;
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            if (!taken)
            {
                (taken, reentrancyChain, depth) = (true, reentrancyId, 1);
                return true;
            }

            if (reentrancyId is not null && reentrancyId == reentrancyChain)
            {
                depth = depth < MaxReentrancyDepth
                    ? depth + 1
                    : throw new ApiError(500, Grpc.Core.StatusCode.Internal, "ERR_ACTOR_STACK_DEPTH", "maximum stack depth exceeded");
                return true;
            }

            queued = waiting.AddLast((new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), reentrancyId));
        }

        using var cancellation = ct.Register(() =>
        {
            lock (gate)
            {
                if (queued.List is not null)
                {
                    waiting.Remove(queued);
                    queued.Value.Turn.SetCanceled(ct);
                }
            }
        });
        await work.QueueAsync(queued.Value.Turn.Task);
        return await queued.Value.Turn.Task;
    }

    public void Exit()
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
                (reentrancyChain, depth) = (next.Value.Chain, 1);
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
