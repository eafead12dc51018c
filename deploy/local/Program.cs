using SecondhandTrade.Local;

try
{
    var options = RunOptions.Parse(args);
    if (options.Help)
    {
        Console.WriteLine(RunOptions.Usage);
        return 0;
    }

    if (options.Check)
    {
        var check = ConfigurationCheck.Of(options.File ?? RunFile.Find(Environment.CurrentDirectory), options.TownPort);
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

    if (options.Restart)
    {
        await Restart.RunAsync(options.RestartApp, options.TownPort, Console.WriteLine);
        return 0;
    }

    using var signals = new StopSignals();
    var file = LocalRunner.WithPorts(LocalRunner.WithReplicas(RunFile.Load(options.File ?? RunFile.Find(Environment.CurrentDirectory)), options.Replicas));
    LocalRunner.RequireBuilt(file);
    using var data = DataDirectory.Open(options.Data ?? Path.Combine(file.Directory, ".town"));
    var runner = new LocalRunner(file, data, ConsoleLines.ForConsole(file.Apps.Select(app => app.Id).Distinct()));
    await runner.RunAsync(options.Redis, options.Clean, options.TownPort, signals);
    // After a second signal the apps were killed, although RunAsync returns normally.
    return signals.SecondSignalReceived ? 1 : 0;
}
catch (OperationCanceledException)
{
    // Ctrl-C during start-up.
    return 0;
}
catch (LocalRunnerException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
