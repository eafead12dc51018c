namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>The real daprd with its placement and scheduler, from binaries and addresses the environment names; the Kafka must make topics of six partitions by itself.</summary>
public sealed class DaprdTarget : SidecarTarget, IAsyncDisposable
{
    private static readonly string[] Needed = ["DAPRD_PATH", "DAPR_PLACEMENT_PATH", "DAPR_SCHEDULER_PATH", "CONTRACT_REDIS", "CONTRACT_KAFKA"];

    private readonly string home = Directory.CreateTempSubdirectory("daprd").FullName;
    private readonly SemaphoreSlim starting = new(1);
    private ControlPlane? control;

    public override string? Missing { get; } =
        Needed.Where(name => Environment.GetEnvironmentVariable(name) is not { Length: > 0 }).ToArray() is { Length: > 0 } missing
            ? $"the target on the real daprd needs {string.Join(", ", missing)} in the environment"
            : null;

    public override string Redis => Variable("CONTRACT_REDIS");

    public override string Kafka => Variable("CONTRACT_KAFKA");

    public static string Variable(string name) => Environment.GetEnvironmentVariable(name)!;

    public override async Task<TargetRun> StartAsync(Setting setting)
    {
        await starting.WaitAsync();
        try
        {
            control ??= await ControlPlane.StartAsync(home);
        }
        finally
        {
            starting.Release();
        }

        var run = new DaprdRun(setting, control);
        await run.StartAsync();
        return run;
    }

    public async ValueTask DisposeAsync()
    {
        if (control is not null)
        {
            await control.DisposeAsync();
        }

        starting.Dispose();
        Directory.Delete(home, recursive: true);
    }
}
