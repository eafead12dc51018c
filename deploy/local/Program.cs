using SecondhandTrade.Local;

try
{
    var asked = RunOptions.Parse(args);
    if (asked.Help)
    {
        Console.WriteLine(RunOptions.Usage);
        return 0;
    }

    if (asked.Check)
    {
        var check = ConfigurationCheck.Of(asked.File ?? RunFile.Find(Environment.CurrentDirectory));
        foreach (var finding in check.Findings)
        {
            Console.Error.WriteLine(finding);
        }

        if (check.Findings.Count == 0)
        {
            Console.WriteLine(check.Summary);
        }

        return check.Findings.Count == 0 ? 0 : 1;
    }

    if (asked.Restart)
    {
        await Restart.RunAsync(asked.RestartApp, asked.TownPort, Console.WriteLine);
        return 0;
    }

    using var signals = new StopSignals();
    var file = LocalRunner.WithPorts(LocalRunner.WithReplicas(RunFile.Load(asked.File ?? RunFile.Find(Environment.CurrentDirectory)), asked.Replicas));
    LocalRunner.RequireBuilt(file);
    using var data = DataDirectory.Open(asked.Data ?? Path.Combine(file.Directory, ".town"));
    var town = new LocalRunner(file, data, ConsoleLines.ForConsole(file.Apps.Select(app => app.Id).Distinct()));
    await town.RunAsync(asked.Redis, asked.Clean, asked.TownPort, signals);
    // Killed apps let the town close as if they had ended well.
    return signals.SecondSignalReceived ? 1 : 0;
}
catch (OperationCanceledException)
{
    // Ctrl-C before everything was up.
    return 0;
}
catch (LocalRunnerException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
