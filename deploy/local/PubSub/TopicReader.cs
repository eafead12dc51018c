using System.Globalization;
using System.Net;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>A message prepared for delivery to an app.</summary>
internal sealed record Delivery(BrokerMessage Message, byte[] Body, JsonElement? Event, string TraceParent, string? TraceState);

/// <summary>The app did not process the message, which must be redelivered.</summary>
internal sealed class DeliveryException(int statusCode, string message) : StatusCodeException(statusCode, message);

/// <summary>Delivers the messages of one subscription to its app and interprets the responses as daprd does.</summary>
internal sealed partial class TopicReader(
    string appId, AppChannel channel, PubSub pubsub, Subscription subscription, Resiliency resiliency, Publisher publisher, TimeProvider clock, ILogger logger)
{
    private enum Answer
    {
        Taken,
        Drop,
    }

    public string AppId => appId;

    public PubSub PubSub => pubsub;

    public Subscription Subscription => subscription;

    /// <summary>Parses the message once, for all attempts to deliver it.</summary>
    public Delivery Read(BrokerMessage message)
    {
        var body = message.Value ?? "null"u8.ToArray();
        if (subscription.Raw)
        {
            body = CloudEventEnvelope.WrapRaw(body, message.Topic, pubsub.Name);
        }

        JsonElement? cloudEvent = null;
        try
        {
            cloudEvent = JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            // Handled in DeliverAsync.
        }

        return new Delivery(message, body, cloudEvent, TraceContext.NewSpan(Text("traceparent") ?? Text("traceid")), Text("tracestate"));

        string? Text(string name) =>
            cloudEvent is { ValueKind: JsonValueKind.Object } e && e.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>Returns when the message is processed, dropped or dead-lettered; throws <see cref="DeliveryException"/> when it must be redelivered.</summary>
    public async Task DeliverAsync(Delivery delivery, Work work, CancellationToken ct)
    {
        if (delivery.Event is not { } cloudEvent)
        {
            if (!await ToDeadLettersAsync(delivery, work, ct))
            {
                throw new DeliveryException(Policy.NoCode, "it is not JSON");
            }

            return;
        }

        if (IsExpired(cloudEvent))
        {
            LogDropped(delivery.Message.Topic, delivery.Message.Partition, delivery.Message.Offset, appId, "it has expired");
            await ToDeadLettersAsync(delivery, work, ct);
            return;
        }

        try
        {
            if (subscription.RouteOf(cloudEvent) is not { } route)
            {
                await ToDeadLettersAsync(delivery, work, ct);
                return;
            }

            await resiliency.ForInbound(pubsub.Name).RunAsync(c => OfferAsync(route, delivery, work, c), _ => Policy.Success, true, work, ct);
        }
        catch (Exception e) when (e is DeliveryException or HttpRequestException or IOException or InvalidDataException or TimeoutException or BreakerException
            && !ct.IsCancellationRequested)
        {
            if (!await ToDeadLettersAsync(delivery, work, ct))
            {
                throw new DeliveryException((e as DeliveryException)?.StatusCode ?? Policy.NoCode, e.Message);
            }
        }
    }

    /// <summary>One attempt; what the app drops is done with, unless it cannot be dead-lettered.</summary>
    private async Task<bool> OfferAsync(string route, Delivery delivery, Work work, CancellationToken ct)
    {
        if (await PostAsync(route, delivery, ct) == Answer.Drop)
        {
            LogDropped(delivery.Message.Topic, delivery.Message.Partition, delivery.Message.Offset, appId, "the app answered DROP");
            if (subscription.DeadLetterTopic is not null && !await ToDeadLettersAsync(delivery, work, ct))
            {
                throw new DeliveryException(Policy.NoCode, "it was dropped and could not be dead-lettered");
            }
        }

        return true;
    }

    private async Task<Answer> PostAsync(string route, Delivery delivery, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.App, route.StartsWith('/') ? route : "/" + route));
        request.Content = new ByteArrayContent(delivery.Body);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", CloudEventEnvelope.ContentType);
        foreach (var (name, value) in MetadataOf(delivery.Message))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        request.Headers.Remove(TraceContext.Parent);
        request.Headers.TryAddWithoutValidation(TraceContext.Parent, TraceContext.NewSpan(delivery.TraceParent));
        if (delivery.TraceState is { Length: > 0 } state)
        {
            request.Headers.TryAddWithoutValidation(TraceContext.State, state);
        }

        using var response = await channel.SendAsync(request, ct);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return Answer.Drop;
        }

        var body = await response.Content.ReadAsByteArrayAsync(ct);
        var status = (int)response.StatusCode;
        if (status is < 200 or > 299)
        {
            throw new DeliveryException(status, $"{route} answered {status}");
        }

        return StatusIn(body) switch
        {
            null or "" or "SUCCESS" => Answer.Taken,
            "DROP" => Answer.Drop,
            var said => throw new DeliveryException(Policy.NoCode, $"{route} said {said}"),
        };
    }

    private Dictionary<string, string> MetadataOf(BrokerMessage message)
    {
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (pubsub.Bus is null)
        {
            metadata["__offset"] = message.Offset.ToString(CultureInfo.InvariantCulture);
            metadata["__topic"] = message.Topic;
            metadata["__partition"] = message.Partition.ToString(CultureInfo.InvariantCulture);
            metadata["__timestamp"] = message.Time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        }

        if (message.Key is not null)
        {
            metadata["__key"] = message.Key;
        }

        // Headers override the values above: those of a dead letter name the topic and offset it came from.
        foreach (var (name, value) in message.Headers)
        {
            metadata[name] = value;
        }

        metadata["pubsubName"] = pubsub.Name;
        return metadata;
    }

    /// <summary>False when the subscription has no dead-letter topic, or the message could not be published to it.</summary>
    private async Task<bool> ToDeadLettersAsync(Delivery delivery, Work work, CancellationToken ct)
    {
        if (subscription.DeadLetterTopic is not { } topic)
        {
            return false;
        }

        try
        {
            publisher.RequireAllowed(pubsub, topic);
            await publisher.AppendAsync(pubsub, topic, delivery.Message.Value, MetadataOf(delivery.Message), work, ct);
        }
        catch (ApiError e)
        {
            LogNotDeadLettered(delivery.Message.Topic, delivery.Message.Partition, delivery.Message.Offset, appId, topic, e.Message);
            return false;
        }

        LogDeadLettered(delivery.Message.Topic, delivery.Message.Partition, delivery.Message.Offset, appId, topic);
        return true;
    }

    private bool IsExpired(JsonElement cloudEvent) =>
        cloudEvent.ValueKind == JsonValueKind.Object && cloudEvent.TryGetProperty("expiration", out var expiration) && expiration.ValueKind == JsonValueKind.String
        && DateTimeOffset.TryParse(expiration.GetString(), CultureInfo.InvariantCulture, out var time) && time < clock.GetUtcNow();

    private static string? StatusIn(byte[] body)
    {
        if (body.Length == 0)
        {
            return null;
        }

        try
        {
            var json = JsonElement.Parse(body);
            return json.ValueKind == JsonValueKind.Object
                ? json.EnumerateObject().Where(p => p.Name.Equals("status", StringComparison.OrdinalIgnoreCase)).Select(p => p.Value.ToString()).LastOrDefault()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Topic}/{Partition}@{Offset} was dropped for {App}: {Why}")]
    private partial void LogDropped(string topic, int partition, long offset, string app, string why);

    [LoggerMessage(LogLevel.Warning, "{Topic}/{Partition}@{Offset} of {App} was moved to the dead-letter topic {DeadLetters}")]
    private partial void LogDeadLettered(string topic, int partition, long offset, string app, string deadLetters);

    [LoggerMessage(LogLevel.Warning, "{Topic}/{Partition}@{Offset} of {App} could not be moved to the dead-letter topic {DeadLetters}: {Why}")]
    private partial void LogNotDeadLettered(string topic, int partition, long offset, string app, string deadLetters, string why);
}
