using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>The state API over HTTP.</summary>
internal static class StateRoutes
{
    public static async Task HandleAsync(ApiCall call)
    {
        if (call.Path.Length < 3)
        {
            throw ApiError.Unsupported($"{call.Verb} /{string.Join('/', call.Path)}");
        }

        var store = call.Sidecar.State.Store(call.Segment(2));
        switch (call.Path[3..], call.Verb)
        {
            case ([], "POST" or "PUT"):
                foreach (var change in Changes(store, await call.JsonAsync()))
                {
                    await call.Sidecar.State.ChangeAsync(store, change, call.Work, call.Aborted);
                }

                call.Answer(204);
                break;
            case (["bulk"], "POST" or "PUT"):
                await GetManyAsync(call, store);
                break;
            case (["transaction"], "POST" or "PUT"):
                await TransactAsync(call, store);
                break;
            case ([_], "GET"):
                await GetAsync(call, store);
                break;
            case ([_], "DELETE"):
                await call.Sidecar.State.ChangeAsync(
                    store,
                    new StateChange(StateApi.Key(store, call.Segment(3)), null, call.Context.Request.Headers.IfMatch is [{ } etag, ..] ? etag : null),
                    call.Work, call.Aborted);
                call.Answer(204);
                break;
            default:
                throw ApiError.Unsupported($"{call.Verb} /{string.Join('/', call.Path)}");
        }
    }

    private static async Task GetAsync(ApiCall call, StateStore store)
    {
        var (data, etag) = await call.Sidecar.State.GetAsync(store, StateApi.Key(store, call.Segment(3)), call.Work, call.Aborted);
        if (data is null)
        {
            call.Answer(204);
            return;
        }

        if (etag.Length > 0)
        {
            call.Context.Response.Headers.ETag = etag;
        }

        await call.AnswerAsync(data, "application/json");
    }

    private static async Task GetManyAsync(ApiCall call, StateStore store)
    {
        var body = await call.JsonAsync();
        var keys = body.TryGetProperty("keys", out var list) ? list.EnumerateArray().Select(k => k.GetString()!).ToArray() : [];
        var found = await Task.WhenAll(keys.Select(k => call.Sidecar.State.GetAsync(store, StateApi.Key(store, k), call.Work, call.Aborted)));
        await call.AnswerAsync(json =>
        {
            json.WriteStartArray();
            for (var i = 0; i < keys.Length; i++)
            {
                json.WriteStartObject();
                json.WriteString("key", keys[i]);
                if (found[i].Data is { } data)
                {
                    json.WritePropertyName("data");
                    json.WriteRawValue(data);
                    json.WriteString("etag", found[i].Etag);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static async Task TransactAsync(ApiCall call, StateStore store)
    {
        var body = await call.JsonAsync();
        List<StateChange> changes;
        try
        {
            changes = [.. body.GetProperty("operations").EnumerateArray().Select(o =>
                Change(store, o.GetProperty("request"), o.GetProperty("operation").GetString() switch
                {
                    "upsert" => false,
                    "delete" => true,
                    var other => throw new InvalidOperationException($"operation type {other} not supported"),
                }))];
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw ApiError.Malformed(e.Message);
        }

        await call.Sidecar.State.TransactAsync(store, changes, "ERR_STATE_TRANSACTION", call.Work, call.Aborted);
        call.Answer(204);
    }

    private static List<StateChange> Changes(StateStore store, JsonElement body)
    {
        try
        {
            return [.. body.EnumerateArray().Select(item => Change(store, item, delete: false))];
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException)
        {
            throw ApiError.Malformed(e.Message);
        }
    }

    private static StateChange Change(StateStore store, JsonElement item, bool delete)
    {
        var concurrency = item.TryGetProperty("options", out var options) && options.ValueKind == JsonValueKind.Object && options.TryGetProperty("concurrency", out var c) ? c.GetString() : "";
        var ttl = item.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("ttlInSeconds", out var t) ? t.ToString() : null;
        return new StateChange(
            StateApi.Key(store, item.GetProperty("key").GetString()!),
            delete ? null : item.TryGetProperty("value", out var value) ? GoJson.WriteLossy(value) : "null"u8.ToArray(),
            item.TryGetProperty("etag", out var etag) && etag.ValueKind == JsonValueKind.String ? etag.GetString() : null,
            concurrency == "first-write",
            concurrency == "last-write",
            ttl is null ? null : TtlOf(ttl));
    }

    public static int TtlOf(string text) =>
        int.TryParse(text, out var seconds)
            ? seconds
            : throw new ApiError(500, Grpc.Core.StatusCode.Internal, "ERR_STATE_SAVE", $"failed to parse ttl from metadata: '{text}' is not a whole number");
}
