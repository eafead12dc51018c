using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Xml.Linq;
using SecondhandTrade.Contracts;

namespace SecondhandTrade.UnitTests;

/// <summary>The topics as an AsyncAPI 3 document, from what the contracts and the subscriptions say.</summary>
internal static class TopicsDocument
{
    private static readonly JsonSerializerOptions Json = Wire.Options();

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Dictionary<string, string> Sentences = XDocument.Load(Path.ChangeExtension(typeof(Event).Assembly.Location, ".xml")).Descendants("member")
        .Where(m => m.Element("summary") is not null).ToDictionary(m => m.Attribute("name")!.Value, m => Plain(m.Element("summary")!));

    /// <summary>The document, given each topic with its publisher and each reader with the events it is sent.</summary>
    public static string Of(IReadOnlyList<(string Topic, string Publisher, IReadOnlyList<Type> Events)> topics, IReadOnlyList<(string App, string Topic, IReadOnlyList<string> Events)> readers) =>
        new JsonObject
        {
            ["asyncapi"] = "3.0.0",
            ["info"] = new JsonObject
            {
                ["title"] = "SecondhandTrade",
                ["version"] = "1",
                ["description"] = "What the town's contexts tell each other: one Kafka topic per context, partitioned by productid, CloudEvents delivered through Dapr. "
                    + "Events may come twice, late and out of order: keep the highest (version, part) of each source and subject together and drop what is not newer. "
                    + "By source alone the news of one reservation would hide another's, for a product's book tells of many. Contracts only grow: let unknown fields pass.",
                ["license"] = new JsonObject { ["name"] = "MIT" },
            },
            ["defaultContentType"] = "application/cloudevents+json",
            ["channels"] = Map(topics, t => t.Topic, t => new JsonObject
            {
                ["address"] = t.Topic,
                ["description"] = $"What {t.Publisher} tells; nobody else publishes here.",
                ["messages"] = Map(t.Events, e => e.Name, e => Reference("components", "messages", e.Name)),
            }),
            ["operations"] = new JsonObject(
                topics.Select(t => Operation($"{t.Publisher}-publishes", "send", t.Topic, [.. t.Events.Select(e => e.Name)]))
                    .Concat(readers.Select(r => Operation($"{r.App}-hears-{r.Topic}", "receive", r.Topic, r.Events)))),
            ["components"] = new JsonObject
            {
                ["messages"] = Map(topics.SelectMany(t => t.Events), e => e.Name, Message),
                ["schemas"] = new JsonObject(
                [
                    KeyValuePair.Create("CloudEvent", (JsonNode?)Envelope()),
                    .. topics.SelectMany(t => t.Events).Select(Snapshot).Distinct().Select(s => KeyValuePair.Create(s.Name, (JsonNode?)Schema(s))),
                ]),
            },
        }.ToJsonString(Readable) + "\n";

    private static KeyValuePair<string, JsonNode?> Operation(string name, string action, string topic, IReadOnlyList<string> events) => KeyValuePair.Create(name, (JsonNode?)new JsonObject
    {
        ["action"] = action,
        ["channel"] = Reference("channels", topic),
        ["messages"] = new JsonArray([.. events.Select(e => Reference("channels", topic, "messages", e))]),
    });

    private static JsonObject Message(Type type) => new()
    {
        ["name"] = type.Name,
        ["summary"] = Sentence(type),
        ["payload"] = new JsonObject
        {
            ["allOf"] = new JsonArray(
                Reference("components", "schemas", "CloudEvent"),
                new JsonObject { ["properties"] = new JsonObject { ["type"] = new JsonObject { ["const"] = type.Name }, ["data"] = Reference("components", "schemas", Snapshot(type).Name) } }),
        },
        ["examples"] = new JsonArray(new JsonObject { ["payload"] = Example(type) }),
    };

    private static JsonObject Example(Type type)
    {
        var told = WireSamples.Sample(type);
        return new()
        {
            ["specversion"] = "1.0",
            ["id"] = $"{told.Source}:{told.Version}.{told.Part}",
            ["source"] = told.Source.Split(':')[0],
            ["type"] = type.Name,
            ["subject"] = told.Id,
            ["time"] = "2027-04-04T09:30:00Z",
            ["datacontenttype"] = "application/json",
            ["data"] = JsonSerializer.SerializeToNode(told, Json.GetTypeInfo(type)),
        };
    }

    private static JsonObject Envelope() => new()
    {
        ["description"] = "CloudEvents 1.0, as Dapr wraps it: the id is source:version.part of the event, the same however often it is published; subject is the event's id.",
        ["type"] = "object",
        ["required"] = new JsonArray("specversion", "id", "source", "type", "data"),
        ["properties"] = Map(["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "topic", "pubsubname", "traceparent"], n => n, _ => new JsonObject { ["type"] = "string" }),
    };

    // What a reader may take an event for without knowing it by name: the snapshot it is, or itself where it has more.
    private static Type Snapshot(Type type) => type.GetProperties(BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.Instance).Any(p => p.Name != "EqualityContract") ? type : type.BaseType!;

    private static JsonNode Schema(Type type) => Json.GetJsonSchemaAsNode(type, new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = (at, node) =>
        {
            // Read with patience, written plainly: the document says what is written.
            var plain = Type.GetTypeCode(Nullable.GetUnderlyingType(at.TypeInfo.Type) ?? at.TypeInfo.Type) switch
            {
                _ when at.TypeInfo.Type.IsEnum => node.AsObject(),
                TypeCode.String => new JsonObject { ["type"] = "string" },
                TypeCode.Boolean => new JsonObject { ["type"] = "boolean" },
                TypeCode.Int32 or TypeCode.Int64 => new JsonObject { ["type"] = "integer" },
                _ when (Nullable.GetUnderlyingType(at.TypeInfo.Type) ?? at.TypeInfo.Type) == typeof(DateTimeOffset) => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
                _ => node.AsObject(),
            };
            if (at.PropertyInfo is { AttributeProvider: PropertyInfo property })
            {
                if (Sentences.TryGetValue($"P:{property.DeclaringType!.FullName}.{property.Name}", out var sentence))
                {
                    plain["description"] = sentence;
                }
            }
            else if (at.Path.IsEmpty)
            {
                plain["type"] = "object";
                plain["description"] = Sentence(at.TypeInfo.Type);
                plain["required"] = new JsonArray([.. at.TypeInfo.Properties.Where(p => p is { IsGetNullable: false, Get: not null }).Select(p => JsonValue.Create(p.Name))]);
            }

            return plain;
        },
    });

    private static string Sentence(Type type) => Sentences.TryGetValue($"T:{type.FullName}", out var sentence) ? sentence : throw new InvalidOperationException($"{type.Name} needs a <summary>: readers see it in the topics' document.");

    private static string Plain(XElement summary) => string.Join(' ', string.Concat(summary.Nodes().Select(n => n switch
    {
        XElement { Name.LocalName: "see" } see => see.Attribute("cref")!.Value.Split('.')[^1] is var name ? char.ToLowerInvariant(name[0]) + name[1..] : "",
        XElement element => element.Value,
        _ => n.ToString(),
    })).Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));

    private static JsonObject Reference(params string[] path) => new() { ["$ref"] = $"#/{string.Join('/', path)}" };

    private static JsonObject Map<T>(IEnumerable<T> items, Func<T, string> name, Func<T, JsonNode> value) => new(items.Select(i => KeyValuePair.Create(name(i), (JsonNode?)value(i))));
}
