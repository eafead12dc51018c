using System.Collections.Concurrent;
using Dapr.Actors;
using Dapr.Actors.Runtime;

namespace SecondhandTrade.SystemTests.Sidecars;

public interface ICounter : IActor
{
    Task<int> Add(int n);

    Task<string> Keep(string value);

    Task<string> Hold(string name);

    Task Fail();
}

/// <summary>What the actors of one test did and wait for.</summary>
public sealed class Diary
{
    public List<string> Lines { get; } = [];

    /// <summary>The paths the sidecar called.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Write(string line)
    {
        lock (Lines)
        {
            Lines.Add(line);
        }
    }
}

public sealed class Counter(ActorHost host, Diary diary) : Actor(host), ICounter
{
    public async Task<int> Add(int n)
    {
        var value = await StateManager.GetOrAddStateAsync("n", 0) + n;
        await StateManager.SetStateAsync("n", value);
        return value;
    }

    public async Task<string> Keep(string value)
    {
        await StateManager.SetStateAsync("text", value);
        return value;
    }

    public async Task<string> Hold(string name)
    {
        diary.Write(name + " in");
        await diary.Gate.Task;
        diary.Write(name + " out");
        return name;
    }

    public Task Fail() => throw new InvalidOperationException("as told");

    protected override Task OnActivateAsync()
    {
        diary.Write("awake");
        return Task.CompletedTask;
    }

    protected override Task OnDeactivateAsync()
    {
        diary.Write("asleep");
        return Task.CompletedTask;
    }
}
