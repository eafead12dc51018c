using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SecondhandTrade.SystemTests.Documents;

/// <summary>JSON Schema as far as the documents use it; a keyword that is not known here is an error, not a guess.</summary>
public static class Schemas
{
    /// <summary>What is wrong with the value by the schema, or null.</summary>
    public static string? Wrong(ContextDocument document, JsonNode schema, JsonNode? value, string at = "$")
    {
        var kind = value?.GetValueKind() ?? JsonValueKind.Null;
        foreach (var (keyword, said) in schema.AsObject())
        {
            var wrong = keyword switch
            {
                "description" or "default" => null,
                "$ref" => Wrong(document, document.Resolve(schema), value, at),
                "allOf" => said!.AsArray().Select(part => Wrong(document, part!, value, at)).FirstOrDefault(w => w is not null),
                "type" => Types(said!).Any(type => Is(type, value, kind)) ? null : $"{at} is {value?.ToJsonString() ?? "null"}, not {said!.ToJsonString()}",
                "enum" => said!.AsArray().Any(one => JsonNode.DeepEquals(one, value)) ? null : $"{at} is {value?.ToJsonString()}, none of {said.ToJsonString()}",
                "format" => (string?)said == "date-time" && kind == JsonValueKind.String && !DateTimeOffset.TryParse(value!.GetValue<string>(), CultureInfo.InvariantCulture, out _) ? $"{at} is no instant" : null,
                "minimum" => kind == JsonValueKind.Number && Number(value!) < Number(said!) ? $"{at} is less than {said}" : null,
                "maximum" => kind == JsonValueKind.Number && Number(value!) > Number(said!) ? $"{at} is more than {said}" : null,
                "minLength" => kind == JsonValueKind.String && value!.GetValue<string>().Length < Number(said!) ? $"{at} is shorter than {said}" : null,
                "maxLength" => kind == JsonValueKind.String && value!.GetValue<string>().Length > Number(said!) ? $"{at} is longer than {said}" : null,
                "pattern" => kind == JsonValueKind.String && !Regex.IsMatch(value!.GetValue<string>(), (string)said!, RegexOptions.ECMAScript) ? $"{at} does not match {said}" : null,
                "required" => value is JsonObject whole && said!.AsArray().FirstOrDefault(name => !whole.ContainsKey((string)name!)) is { } missing ? $"{at} has no {missing}" : null,
                "properties" => value is JsonObject named
                    ? said!.AsObject().Where(p => named.ContainsKey(p.Key)).Select(p => Wrong(document, p.Value!, named[p.Key], $"{at}.{p.Key}")).FirstOrDefault(w => w is not null)
                    : null,
                "additionalProperties" => value is JsonObject all
                    ? all.Where(p => schema["properties"]?.AsObject().ContainsKey(p.Key) != true).Select(p => said is JsonObject other ? Wrong(document, other, p.Value, $"{at}.{p.Key}") : $"{at} has {p.Key}, which is not documented").FirstOrDefault(w => w is not null)
                    : null,
                "items" => value is JsonArray list ? list.Select((item, i) => Wrong(document, said!, item, $"{at}[{i}]")).FirstOrDefault(w => w is not null) : null,
                _ => throw new NotSupportedException($"The schema at {at} says {keyword}, which is not looked at here: add it."),
            };
            if (wrong is not null)
            {
                return wrong;
            }
        }

        return null;
    }

    /// <summary>The types that a schema allows.</summary>
    public static IReadOnlyList<string> Types(JsonNode type) => type is JsonArray several ? [.. several.Select(t => (string)t!)] : [(string)type!];

    private static double Number(JsonNode value) => double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static bool Is(string type, JsonNode? value, JsonValueKind kind) => type switch
    {
        "null" => kind == JsonValueKind.Null,
        "boolean" => kind is JsonValueKind.True or JsonValueKind.False,
        "integer" => kind == JsonValueKind.Number && long.TryParse(value!.ToJsonString(), CultureInfo.InvariantCulture, out _),
        "number" => kind == JsonValueKind.Number,
        "string" => kind == JsonValueKind.String,
        "array" => kind == JsonValueKind.Array,
        "object" => kind == JsonValueKind.Object,
        _ => throw new NotSupportedException($"There is no type {type} in JSON Schema."),
    };
}
