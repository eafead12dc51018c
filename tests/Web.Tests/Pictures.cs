using System.Buffers.Binary;
using System.IO.Compression;

namespace SecondhandTrade.WebTests;

/// <summary>Pictures made here, so that none lie in the repository.</summary>
internal static class Pictures
{
    /// <summary>A PNG of one soft gradient, or of the grain that a photo is full of; the padding is a chunk that readers skip.</summary>
    public static byte[] Png(int width, int height, int padding = 0, int shade = 0, int grain = 0)
    {
        var random = new Random(shade);
        using var png = new MemoryStream();
        png.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk(png, "IHDR"u8, header);
        using var lines = new MemoryStream();
        using (var packed = new ZLibStream(lines, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var y = 0; y < height; y++)
            {
                packed.WriteByte(0);
                for (var x = 0; x < width; x++)
                {
                    var off = grain == 0 ? 0 : random.Next(-grain, grain);
                    packed.Write([(byte)(off + 120 + (((80 * y / height) + (shade % 90)) % 130)), (byte)(off + 170 + (40 * x / width)), (byte)(off + 110 + (shade % 140))]);
                }
            }
        }

        Chunk(png, "IDAT"u8, lines.ToArray());
        if (padding > 0)
        {
            Chunk(png, "zzZz"u8, new byte[padding]);
        }

        Chunk(png, "IEND"u8, []);
        return png.ToArray();
    }

    private static void Chunk(Stream png, ReadOnlySpan<byte> type, byte[] data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        png.Write(type);
        png.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc([.. type, .. data]));
        png.Write(number);
    }

    private static uint Crc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
            }
        }

        return ~crc;
    }
}
