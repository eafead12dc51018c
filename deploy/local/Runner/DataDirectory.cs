namespace SecondhandTrade.Local;

/// <summary>The directory one runner stores all its data in, locked while the runner is alive.</summary>
public sealed class DataDirectory : IDisposable
{
    private const string LockName = "town.lock";
    private readonly FileStream held;

    private DataDirectory(string path, FileStream held)
    {
        Path = path;
        this.held = held;
    }

    public string Path { get; }

    public string Redis => System.IO.Path.Combine(Path, "redis");

    public string Sidecars => System.IO.Path.Combine(Path, "sidecars");

    public static DataDirectory Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        var lockFile = System.IO.Path.Combine(path, LockName);
        // --clean deletes files in here, so a mistyped --data must not be accepted for a directory with other files.
        if (File.Exists(path) || (Directory.Exists(path) && !File.Exists(lockFile) && Directory.EnumerateFileSystemEntries(path).Any()))
        {
            throw new LocalRunnerException($"{path} contains files that do not belong to the runner; pass --data with a directory that is new or empty.");
        }

        try
        {
            Directory.CreateDirectory(path);
            // The operating system releases the lock however the process ends.
            return new DataDirectory(path, new FileStream(lockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LocalRunnerException($"The runner cannot store its data in {path} ({e.Message}); pass --data with a directory you may write to.");
        }
        catch (IOException) when (File.Exists(lockFile))
        {
            throw new LocalRunnerException($"Another runner uses {path}; stop it (Ctrl-C where it runs) or pass --data with another directory.");
        }
    }

    /// <summary>Deletes all stored data.</summary>
    public void Clean()
    {
        foreach (var stored in new[] { Redis, Sidecars }.Where(Directory.Exists))
        {
            Directory.Delete(stored, recursive: true);
        }
    }

    public void Dispose() => held.Dispose();
}
