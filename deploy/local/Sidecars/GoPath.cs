using System.Text;

namespace SecondhandTrade.Local;

/// <summary>URL paths as daprd and Go's net/http treat them: decoded once when they come in, escaped again only where that is needed.</summary>
internal static class GoPath
{
    private const string Unreserved = "-_.~$&+,/:;=@";

    /// <summary>Decodes %xx once; null when an escape sequence is invalid.</summary>
    public static string? Decode(string path)
    {
        for (var i = path.IndexOf('%', StringComparison.Ordinal); i >= 0; i = path.IndexOf('%', i + 1))
        {
            if (i + 2 >= path.Length || !char.IsAsciiHexDigit(path[i + 1]) || !char.IsAsciiHexDigit(path[i + 2]))
            {
                return null;
            }
        }

        return Uri.UnescapeDataString(path);
    }

    /// <summary>The path without empty segments, <c>.</c> and <c>..</c>; a slash at the start is kept.</summary>
    public static string Clean(string path) => (path.StartsWith('/') ? "/" : "") + string.Join('/', Segments(path));

    /// <summary>The segments of a cleaned path; <c>..</c> never leads above the first one.</summary>
    public static List<string> Segments(string path)
    {
        var kept = new List<string>();
        foreach (var part in path.Split('/'))
        {
            switch (part)
            {
                case "" or ".":
                    break;
                case "..":
                    kept.RemoveRange(Math.Max(0, kept.Count - 1), Math.Min(1, kept.Count));
                    break;
                default:
                    kept.Add(part);
                    break;
            }
        }

        return kept;
    }

    /// <summary>The cleaned form of a decoded method name; null when it has a character that daprd rejects.</summary>
    public static string? Method(string method) => method.Any(c => c is '#' or '?' or < ' ' or '\x7f') ? null : Clean(method);

    /// <summary>
    /// The address of a decoded path at an app. daprd parses the path as part of a URL, and so decodes it a second time:
    /// throws <see cref="HttpRequestException"/> when a percent sign in it does not start an escape sequence.
    /// </summary>
    public static Uri At(Uri app, string path, string query = "")
    {
        var clean = "/" + string.Join('/', Segments(path));
        var decoded = Decode(clean) ?? throw new HttpRequestException($"parse {clean}: invalid URL escape");
        // .NET would decode %2e and %7e, and remove the dots; the app must get what daprd sends.
        return new Uri(
            app.GetLeftPart(UriPartial.Authority) + (clean.All(MayStay) ? clean : Escape(decoded)) + query, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }

    private static bool MayStay(char c) => char.IsAsciiLetterOrDigit(c) || Unreserved.Contains(c) || c is '!' or '\'' or '(' or ')' or '*' or '[' or ']' or '%';

    private static string Escape(string decoded)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(decoded))
        {
            var c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || Unreserved.Contains(c) ? escaped.Append(c) : escaped.Append($"%{b:X2}");
        }

        return escaped.ToString();
    }
}
