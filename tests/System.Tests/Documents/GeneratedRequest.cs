using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SkiaSharp;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>A request made from an operation's document by chance: right, at the edge of right, or wrong in some way. The same number always makes the same one.</summary>
public sealed class GeneratedRequest
{
    // Not among them: what a server takes for another path, or refuses to read as a path at all.
    private static readonly string[] OddIds = ["nobody", "0", "-1", "null", "true", "a%20b", "a%2Fb", "%ED%95%9C%EA%B8%80", "a%7C%7Cb", "..x", "a;b", "a'b", "a%22b", "%7B%7D", "*", "~", new('x', 64), new('x', 65), new('x', 2000)];

    private static readonly string[] OddTexts = ["", " ", "-1", "0", "1.5", "1e3", "abc", "99999999999999999999", "NaN", "한글", "a b", "a,b", ",", "'", "\"", "\0", "\n", "\u0085", "\uFFFF", "{}", "[1]", "null", "true", "../..", "%", "||", "*", new('x', 300)];

    private static readonly string[] Tags = ["*", "\"1\"", "\"2\"", "\"1.\"", "W/\"1\"", "1", "\"", ",", "\"a\", \"b\"", new('x', 500)];

    // Each as a whole; the empty one is none at all.
    private static readonly string[] Documents = ["", " ", "null", "true", "1", "\"text\"", "[]", "[{}]", "{", "{\"id\":", "{\"id\":1,}", "{} {}", "\u0000", "\uFEFF{}", "<xml/>", "id=1", "{\"\":1}", "{\"id\":\"\\ud800\"}", "{\"qty\":1e999}", string.Concat(Enumerable.Repeat("[", 100)), string.Concat(Enumerable.Repeat("{\"a\":", 100))];

    private static readonly string?[] ContentTypes = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/cloudevents+json", "application/json; charset=utf-16", "application/json; charset=none", "application/hal+json", "application/", null];

    private readonly Random random;
    private readonly IReadOnlyDictionary<string, string[]> known;

    private GeneratedRequest(int number, Operation operation, IReadOnlyDictionary<string, string[]> known)
    {
        (random, this.known, Number, Operation) = (new(number), known, number, operation);
        Method = operation.Method;
        Path = operation.At(PathValue) + Query();
        if (random.Next(20) == 0 && Undocumented() is { } other)
        {
            Method = other;
        }

        Fill();
        foreach (var header in operation.Parameters("header").Where(_ => random.Next(3) == 0))
        {
            var name = (string)header["name"]!;
            headers.Add((name, name == "Idempotency-Key" ? $"key-{random.Next(20)}" : Tags[random.Next(Tags.Length)]));
        }

        if (random.Next(10) == 0)
        {
            headers.Add((Pick("Accept", "Last-Event-ID", "X-HTTP-Method-Override", "traceparent", "Accept-Language", "Prefer"), Pick("text/html", "x", "-1", "DELETE", "00-zz-zz-01", "*/*;q=x")));
        }
    }

    private readonly List<(string Name, string Value)> headers = [];
    private byte[]? body;
    private string? contentType;

    public int Number { get; }

    public Operation Operation { get; }

    public string Method { get; }

    public string Path { get; }

    /// <summary>Whether the document has nothing for the method.</summary>
    public bool IsUndocumented => Method != Operation.Method;

    /// <summary>Whether its body is made by the document and nothing but.</summary>
    public bool IsRight { get; private set; }

    /// <summary>Whether its body is not what the document allows.</summary>
    public bool IsWrong { get; private set; }

    /// <summary>One of the pictures that are sent.</summary>
    public static byte[] Picture(int number)
    {
        using var bitmap = new SKBitmap(number + 1, 1);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    public static GeneratedRequest Of(int number, Operation operation, IReadOnlyDictionary<string, string[]> known) => new(number, operation, known);

    public HttpRequestMessage Message(Uri gateway)
    {
        var request = new HttpRequestMessage(new(Method), new Uri(gateway, Path));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType is not null)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            }
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    public override string ToString() =>
        $"#{Number} {Method} {Path}{string.Concat(headers.Select(h => $" {h.Name}: {h.Value}"))}{(body is null ? "" : $" {contentType} {(body.Length > 400 ? $"{body.Length} bytes" : Encoding.UTF8.GetString(body))}")}";

    private string PathValue(string name) => random.Next(10) < 8 && (known.TryGetValue($"{Operation}", out var ids) || known.TryGetValue(name == "id" ? Operation.Of.Context : name, out ids)) ? ids[random.Next(ids.Length)] : OddIds[random.Next(OddIds.Length)];

    private string Query()
    {
        var asked = new List<string>();
        foreach (var parameter in Operation.Parameters("query"))
        {
            var name = (string)parameter["name"]!;
            for (var times = random.Next(50) == 0 ? 2 : random.Next(2); times > 0; times--)
            {
                asked.Add($"{name}={Uri.EscapeDataString(random.Next(10) < 7 ? Valid(name, parameter["schema"]!)?.ToString() ?? "" : OddTexts[random.Next(OddTexts.Length)])}");
            }
        }

        if (random.Next(20) == 0)
        {
            asked.Add(Pick("_method=DELETE", "x", "=", "userid[]=a", "$filter=1", "page=1=1", "%00=1"));
        }

        return asked.Count == 0 ? "" : $"?{string.Join('&', asked)}";
    }

    private void Fill()
    {
        if (Operation.Body is not { } media)
        {
            // Nobody asked for it.
            if (random.Next(20) == 0 && Method is "PUT" or "POST" or "DELETE")
            {
                (body, contentType) = (Encoding.UTF8.GetBytes(Documents[random.Next(Documents.Length)]), Pick("application/json", ContentTypes[random.Next(ContentTypes.Length)]));
            }

            return;
        }

        if (media.ContainsKey("image/png"))
        {
            body = random.Next(4) switch
            {
                0 => Encoding.UTF8.GetBytes(OddTexts[random.Next(OddTexts.Length)]),
                1 => new byte[random.Next(200) == 0 ? 70_000 : 12],
                _ => Picture(random.Next(8)),
            };
            contentType = Pick("image/png", "image/jpeg", "text/html", null);
            return;
        }

        contentType = random.Next(10) < 9 ? Pick("application/json", "application/json; charset=utf-8") : ContentTypes[random.Next(ContentTypes.Length)];
        if (random.Next(12) == 0)
        {
            body = Encoding.UTF8.GetBytes(Documents[random.Next(Documents.Length)]);
            return;
        }

        var schema = Operation.Of.Resolve(media["application/json"]!["schema"]!);
        var required = (schema["required"]?.AsArray() ?? []).Select(n => (string)n!).ToHashSet();
        var json = new JsonObject();
        if (random.Next(4) == 0 && known.TryGetValue($"{Operation} body", out var bodies))
        {
            json = JsonNode.Parse(bodies[random.Next(bodies.Length)])!.AsObject();
        }
        else
        {
            foreach (var (name, property) in schema["properties"]!.AsObject().Where(p => required.Contains(p.Key) || random.Next(10) < 8))
            {
                json[name] = Valid(name, property!);
            }
        }

        if (json["latitude"] is null || json["longitude"] is null)
        {
            json.Remove("latitude");
            json.Remove("longitude");
        }

        // Nor are they said of what is to have no place.
        if (json["placeless"] is not null && random.Next(2) == 0)
        {
            json.Remove("placeless");
        }
        else if (json["placeless"] is not null)
        {
            json.Remove("latitude");
            json.Remove("longitude");
        }

        // A name that is known may be one that the town gave and nobody else may.
        IsRight = contentType is "application/json" or "application/json; charset=utf-8" && Schemas.Wrong(Operation.Of, schema, json) is null;
        if (random.Next(3) == 0)
        {
            Spoil(json, schema);
            (IsRight, IsWrong) = (false, Schemas.Wrong(Operation.Of, schema, json) is not null);
        }

        body = JsonSerializer.SerializeToUtf8Bytes(json);
        if (random.Next(300) == 0)
        {
            IsRight = false;
            json["padding"] = new string('x', 70_000);
            body = JsonSerializer.SerializeToUtf8Bytes(json);
        }
    }

    private void Spoil(JsonObject json, JsonNode schema)
    {
        var names = schema["properties"]!.AsObject().Select(p => p.Key).ToArray();
        var name = names[random.Next(names.Length)];
        switch (random.Next(6))
        {
            case 0:
                json.Remove(name);
                break;
            case 1:
                json[name] = OddTexts[random.Next(OddTexts.Length)];
                break;
            case 2:
                json[name] = Pick<JsonNode?>(null, true, false, 0, -1, 1.5, long.MaxValue, long.MinValue, 1e300, int.MaxValue, 2147483648, new JsonArray(), new JsonObject(), new JsonArray(1), "1");
                break;
            case 3:
                json[Pick("extra", "$ref", "__proto__", "", name.ToUpperInvariant(), "_links")] = Pick<JsonNode?>(null, 1, "x", new JsonObject { ["a"] = 1 });
                break;
            case 4:
                json[name] = new string('가', Pick(1, 64, 65, 200, 201, 255, 256, 1000, 1001, 4000, 4001));
                break;
            default:
                json[name] = Pick<JsonNode?>(1000, 1001, 1_000_000_000_000, 1_000_000_000_001, 90.1, -90, 180, -180.5);
                break;
        }
    }

    /// <summary>What the document, or the field's name, calls right.</summary>
    private JsonNode? Valid(string name, JsonNode schema)
    {
        if (name == "id" && random.Next(2) == 0)
        {
            return $"new-{random.Next(100_000)}";
        }

        if (known.TryGetValue(name == "id" ? Operation.Of.Context : name, out var values))
        {
            return values[random.Next(values.Length)];
        }

        if (schema["enum"] is JsonArray options)
        {
            return options[random.Next(options.Count)]!.DeepClone();
        }

        var types = Schemas.Types(schema["type"]!);
        return types switch
        {
            _ when types.Contains("integer") && schema["minimum"] is not null => Whole((long?)schema["minimum"] ?? 1, (long?)schema["maximum"] ?? 1000, types.Contains("string")),
            _ when types.Contains("number") => random.Next(-90, 90),
            _ when types.Contains("boolean") => Pick<JsonNode>(true, false, "true"),
            _ => Pick("애플워치", "x", "a text", "42"),
        };
    }

    private JsonNode Whole(long least, long most, bool text)
    {
        var number = random.Next(3) switch { 0 => least, 1 => Math.Min(most, least + random.Next(5)), _ => most };
        return text && random.Next(2) == 0 ? $"{number}" : number;
    }

    private string? Undocumented()
    {
        var documented = Operation.Of.Root["paths"]![Operation.Path]!.AsObject().Select(o => o.Key.ToUpperInvariant()).ToHashSet();
        return Pick("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PURGE") is var method && !documented.Contains(method) ? method : null;
    }

    private T Pick<T>(params T[] of) => of[random.Next(of.Length)];
}
