using System.Security.Cryptography;

namespace SecondhandTrade.Local;

/// <summary>W3C trace context: each hop keeps the trace id and gets a new span id.</summary>
internal static class TraceContext
{
    public const string Parent = "traceparent";
    public const string State = "tracestate";

    public static string NewSpan(string? incoming) =>
        IsValid(incoming)
            ? $"00-{incoming.AsSpan(3, 32)}-{Hex(8)}-{incoming.AsSpan(53, 2)}"
            : $"00-{Hex(16)}-{Hex(8)}-01";

    public static string TraceId(string traceParent) => IsValid(traceParent) ? traceParent.Substring(3, 32) : traceParent;

    private static bool IsValid([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? value) =>
        value is { Length: >= 55 } && value[2] == '-' && value[35] == '-' && value[52] == '-';

    private static string Hex(int bytes)
    {
        Span<byte> random = stackalloc byte[bytes];
        RandomNumberGenerator.Fill(random);
        return Convert.ToHexStringLower(random);
    }
}
