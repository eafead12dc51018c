using System.Text.Json.Nodes;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>One operation as its context's document has it, with what its path shares.</summary>
public sealed record Operation(ContextDocument Of, string Method, string Path, JsonObject Said)
{
    public bool IsWithinTown => Said["x-internal"]?.GetValue<bool>() == true;

    public IEnumerable<JsonObject> Parameters(string where) => (Said["parameters"]?.AsArray() ?? []).Select(p => p!.AsObject()).Where(p => (string?)p["in"] == where);

    /// <summary>The media types of its body with their schemas; none where it takes no body.</summary>
    public JsonObject? Body => Said["requestBody"]?["content"]?.AsObject();

    /// <summary>The path with a value in every place.</summary>
    public string At(Func<string, string> value) => string.Join('/', Path.Split('/').Select(part => part is ['{', .. var name, '}'] ? value(name) : part));

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>A context's OpenAPI document, as it is served.</summary>
public sealed class ContextDocument
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "patch"];

    private ContextDocument(string context, string text) => (Context, Text, Root) = (context, text, JsonNode.Parse(text)!.AsObject());

    public static IReadOnlyList<string> Contexts { get; } = ["reservation", "trade", "stock", "payment", "notification", "mypage"];

    public string Context { get; }

    public string Text { get; }

    public JsonObject Root { get; }

    public IEnumerable<Operation> Operations =>
        from path in Root["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        where Methods.Contains(operation.Key)
        select new Operation(this, operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject());

    /// <summary>All documents, through the gateway.</summary>
    public static async Task<IReadOnlyList<ContextDocument>> Read(TestTown town)
    {
        var documents = new List<ContextDocument>();
        foreach (var context in Contexts)
        {
            using var http = new HttpClient { BaseAddress = town.Address("gateway") };
            documents.Add(new(context, await http.GetStringAsync($"/openapi/{context}.json")));
        }

        return documents;
    }

    /// <summary>The schema itself, where it is only named.</summary>
    public JsonNode Resolve(JsonNode schema) => (string?)schema["$ref"] is { } name ? name.Split('/').Skip(1).Aggregate((JsonNode)Root, (at, part) => at[part]!) : schema;
}
