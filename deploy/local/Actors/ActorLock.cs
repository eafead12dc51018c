namespace SecondhandTrade.Local;

/// <summary>The turn-based lock of one actor: first in, first out, re-entrant by reentrancy id; a cancelled caller leaves the queue.</summary>
internal sealed class ActorLock
{
    private const int MaxReentrancyDepth = 32;

    private readonly Lock gate = new();
    private readonly LinkedList<(TaskCompletionSource<bool> Turn, string? Chain)> waiting = [];
    private bool taken;
    private bool closed;
    private string? reentrancyChain;
    private int depth;

    /// <summary>False when the actor was deactivated meanwhile: look up its host again.</summary>
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

    /// <summary>Called within the last turn of a deactivated actor: queued callers get false from <see cref="EnterAsync"/>.</summary>
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
