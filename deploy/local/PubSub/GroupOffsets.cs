using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SecondhandTrade.Local;

/// <summary>The committed offsets of a consumer group in a topic: a file with one fixed-width line per partition, updated in place.</summary>
internal sealed class GroupOffsets : IDisposable
{
    private const int Width = 21;

    private readonly SafeFileHandle file;

    public GroupOffsets(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <summary>Null when the group has not committed an offset yet.</summary>
    public long? Read(int partition)
    {
        var line = new byte[Width];
        return RandomAccess.Read(file, line, (long)partition * Width) == Width
            && long.TryParse(Encoding.ASCII.GetString(line).Trim('\0', ' ', '\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? offset
            : null;
    }

    public void Write(int partition, long offset) =>
        RandomAccess.Write(file, Encoding.ASCII.GetBytes(offset.ToString(CultureInfo.InvariantCulture).PadLeft(Width - 1) + '\n'), (long)partition * Width);

    public void Dispose() => file.Dispose();
}
