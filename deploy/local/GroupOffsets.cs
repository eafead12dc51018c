using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace SecondhandTrade.Local;

/// <summary>How far a consumer group has come in a topic: a file with one line of fixed width per partition, written in place at each step.</summary>
internal sealed class GroupOffsets : IDisposable
{
    private const int Width = 21;

    private readonly SafeFileHandle file;

    public GroupOffsets(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <summary>Null where the group has never finished a message.</summary>
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
