using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace SecondhandTrade.Contracts;

/// <summary>How the town spells things in JSON, in events and over HTTP alike.</summary>
public static class Wire
{
    /// <summary>JSON options for the types the resolvers know: the seed's names, Korean unescaped, scalars also accepted as strings.</summary>
    public static JsonSerializerOptions Options(params IJsonTypeInfoResolver[] resolvers) =>
        Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web), resolvers);

    /// <summary>Gives existing options the town's spelling.</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions options, params IJsonTypeInfoResolver[] resolvers)
    {
        options.PropertyNamingPolicy = WireNames.Instance;
        options.NumberHandling = JsonNumberHandling.AllowReadingFromString;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Encoder = JavaScriptEncoder.Create(UnicodeRanges.All);
        options.Converters.Add(new TextOrNumber());
        options.Converters.Add(new TruthOrText());
        options.TypeInfoResolver = JsonTypeInfoResolver.Combine([.. resolvers, ContractsJson.Default]);
        return options;
    }

    /// <summary>camelCase, but ids in one word as the seed has them: <c>productid</c>, <c>userid</c>.</summary>
    private sealed class WireNames : JsonNamingPolicy
    {
        public static readonly WireNames Instance = new();

        public override string ConvertName(string name) =>
            char.IsUpper(name[0]) && (name.EndsWith("Id", StringComparison.Ordinal) || name == "ProductName")
                ? name.ToLowerInvariant()
                : CamelCase.ConvertName(name);
    }

    /// <summary>A text, or a bare number where a text is wanted: an id may be sent either way.</summary>
    private sealed class TextOrNumber : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString(),
            JsonTokenType.Number when reader.TryGetInt64(out var whole) => whole.ToString(CultureInfo.InvariantCulture),
            _ => throw new JsonException("A text is expected here."),
        };

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

        public override string ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString()!;

        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);
    }

    /// <summary>true or false, also as text, as command-line clients send it.</summary>
    private sealed class TruthOrText : JsonConverter<bool>
    {
        public override bool Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.String when bool.TryParse(reader.GetString(), out var parsed) => parsed,
            _ => throw new JsonException("true or false is expected here."),
        };

        public override void Write(Utf8JsonWriter writer, bool value, JsonSerializerOptions options) => writer.WriteBooleanValue(value);
    }
}

[JsonSerializable(typeof(ListingEvent))]
[JsonSerializable(typeof(ListingRegistered))]
[JsonSerializable(typeof(ListingChanged))]
[JsonSerializable(typeof(ListingWithdrawn))]
[JsonSerializable(typeof(StockCommitted))]
[JsonSerializable(typeof(StockDecreaseRejected))]
[JsonSerializable(typeof(StockDecreased))]
[JsonSerializable(typeof(StockRestored))]
[JsonSerializable(typeof(ReserveEvent))]
[JsonSerializable(typeof(ReserveRequested))]
[JsonSerializable(typeof(ReserveHeld))]
[JsonSerializable(typeof(ReserveWaitlisted))]
[JsonSerializable(typeof(ReserveRejected))]
[JsonSerializable(typeof(ReserveHoldExtended))]
[JsonSerializable(typeof(ReservePayable))]
[JsonSerializable(typeof(ReserveCompleted))]
[JsonSerializable(typeof(ReserveCancelRequested))]
[JsonSerializable(typeof(ReserveCancelRefused))]
[JsonSerializable(typeof(ReserveCanceled))]
[JsonSerializable(typeof(ReserveFulfilled))]
[JsonSerializable(typeof(PaymentEvent))]
[JsonSerializable(typeof(PaymentAuthorized))]
[JsonSerializable(typeof(PaymentDeclined))]
[JsonSerializable(typeof(PaymentUnknown))]
[JsonSerializable(typeof(PaymentClaimed))]
[JsonSerializable(typeof(PaymentCaptured))]
[JsonSerializable(typeof(PaymentCaptureRefused))]
[JsonSerializable(typeof(PaymentReleased))]
[JsonSerializable(typeof(PaymentVoided))]
[JsonSerializable(typeof(PaymentRefunded))]
[JsonSerializable(typeof(PaymentExpired))]
[JsonSerializable(typeof(TradeEvent))]
[JsonSerializable(typeof(TradeOpened))]
[JsonSerializable(typeof(TradeAccepted))]
[JsonSerializable(typeof(TradeRefused))]
[JsonSerializable(typeof(TradeHandedOver))]
[JsonSerializable(typeof(TradeDeferred))]
[JsonSerializable(typeof(TradeCompleted))]
[JsonSerializable(typeof(TradeCanceled))]
[JsonSerializable(typeof(TradeCancelRefused))]
[JsonSerializable(typeof(TradeDisputed))]
[JsonSerializable(typeof(TradeResolved))]
[JsonSerializable(typeof(NoticeCreated))]
public sealed partial class ContractsJson : JsonSerializerContext;
