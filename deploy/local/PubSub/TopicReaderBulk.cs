using System.Net;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>Bulk subscription: the maximum batch size, and how long to wait for a full batch.</summary>
internal sealed record BulkSubscribe(int MaxMessages, TimeSpan MaxAwait);

/// <summary>Bulk delivery: many messages in one call, each with its own status.</summary>
internal sealed partial class TopicReader
{
    /// <summary>Returns for each message whether it is done.</summary>
    public async Task<bool[]> DeliverManyAsync(IReadOnlyList<Delivery> deliveries, Work work, CancellationToken ct)
    {
        var done = new bool[deliveries.Count];
        var byRoute = new Dictionary<string, List<int>>();
        for (var i = 0; i < deliveries.Count; i++)
        {
            if (deliveries[i].Event is not { } cloudEvent)
            {
                done[i] = await ToDeadLettersAsync(deliveries[i], work, ct);
                continue;
            }

            string? route;
            try
            {
                route = IsExpired(cloudEvent) ? null : subscription.RouteOf(cloudEvent);
            }
            catch (InvalidDataException e)
            {
                LogNotTaken(subscription.Topic, appId, e.Message);
                done[i] = await ToDeadLettersAsync(deliveries[i], work, ct);
                continue;
            }

            if (route is null)
            {
                await ToDeadLettersAsync(deliveries[i], work, ct);
                done[i] = true;
            }
            else if (byRoute.TryGetValue(route, out var together))
            {
                together.Add(i);
            }
            else
            {
                byRoute[route] = [i];
            }
        }

        foreach (var (route, entries) in byRoute)
        {
            await DeliverTogetherAsync(route, entries, deliveries, done, work, ct);
        }

        return done;
    }

    private async Task DeliverTogetherAsync(string route, List<int> entries, IReadOnlyList<Delivery> deliveries, bool[] done, Work work, CancellationToken ct)
    {
        var left = entries;
        try
        {
            // Only the entries that failed are retried.
            await resiliency.ForInbound(pubsub.Name).RunAsync(
                async c =>
                {
                    left = await PostManyAsync(route, left, deliveries, work, c);
                    return left.Count == 0 ? true : throw new DeliveryException(Policy.NoCode, $"{route} did not process {left.Count} of {entries.Count} messages");
                },
                _ => Policy.Success, true, work, ct);
        }
        catch (Exception e) when (e is DeliveryException or HttpRequestException or IOException or TimeoutException or BreakerException && !ct.IsCancellationRequested)
        {
            LogNotTaken(subscription.Topic, appId, e.Message);
        }

        foreach (var i in entries)
        {
            done[i] = !left.Contains(i) || await ToDeadLettersAsync(deliveries[i], work, ct);
        }
    }

    /// <summary>Sends the entries in one call and returns those to be retried.</summary>
    private async Task<List<int>> PostManyAsync(string route, List<int> entries, IReadOnlyList<Delivery> deliveries, Work work, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.App, route.StartsWith('/') ? route : "/" + route));
        request.Content = new ByteArrayContent(Together(entries, deliveries));
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        using var response = await channel.SendAsync(request, ct);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return [];
        }

        if (!response.IsSuccessStatusCode)
        {
            // Unlike that of a single message, the status of a batch is no code for the `matching` of a retry policy.
            throw new DeliveryException(Policy.NoCode, $"{route} answered {(int)response.StatusCode}");
        }

        var said = StatusesIn(await response.Content.ReadAsByteArrayAsync(ct));
        var again = new List<int>();
        for (var n = 0; n < entries.Count; n++)
        {
            switch (said.GetValueOrDefault(EntryId(entries[n])))
            {
                case "SUCCESS":
                    break;
                case "DROP":
                    await ToDeadLettersAsync(deliveries[entries[n]], work, ct);
                    break;
                default:
                    // An entry without a status is retried.
                    again.Add(entries[n]);
                    break;
            }
        }

        return again;
    }

    private byte[] Together(List<int> entries, IReadOnlyList<Delivery> deliveries)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("entries");
            foreach (var i in entries)
            {
                json.WriteStartObject();
                json.WriteString("entryId", EntryId(i));
                json.WritePropertyName("event");
                json.WriteRawValue(deliveries[i].Body);
                json.WriteStartObject("metadata");
                foreach (var (name, value) in MetadataOf(deliveries[i].Message))
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
                json.WriteString("contentType", CloudEventEnvelope.ContentType);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("id", Guid.NewGuid());
            json.WriteNull("metadata");
            json.WriteString("pubsubname", pubsub.Name);
            json.WriteString("topic", subscription.Topic);
            json.WriteString("type", "com.dapr.event.sent.bulk");
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static Dictionary<string, string> StatusesIn(byte[] body)
    {
        try
        {
            return JsonElement.Parse(body).GetProperty("statuses").EnumerateArray()
                .GroupBy(s => s.GetProperty("entryId").GetString()!)
                .ToDictionary(g => g.Key, g => g.Last().TryGetProperty("status", out var status) ? status.GetString() ?? "" : "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new DeliveryException(Policy.NoCode, $"the response has no valid statuses: {e.Message}");
        }
    }

    private static string EntryId(int index) => index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Warning, "Messages on {Topic} were not processed by {App}: {Why}")]
    private partial void LogNotTaken(string topic, string app, string why);
}
