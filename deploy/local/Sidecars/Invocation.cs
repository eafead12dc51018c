namespace SecondhandTrade.Local;

/// <summary>Service invocation: resolves the app, applies its resiliency policy and returns the app's response.</summary>
internal sealed class Invocation(StandInContext shared, Sidecar caller)
{
    /// <summary><paramref name="make"/> builds the request for each attempt; there is more than one only if <paramref name="mayRetry"/> returns true.</summary>
    public async Task<HttpResponseMessage> InvokeAsync(
        string target, string method, string query, Func<Uri, HttpRequestMessage> make, Func<Policy, ValueTask<bool>> mayRetry, string traceParent, string host, Work work, CancellationToken ct)
    {
        var dot = target.LastIndexOf('.');
        var appId = dot > 0 && target.AsSpan(dot + 1) is "default" ? target[..dot] : target;
        var policy = caller.Resiliency.ForApp(appId, method);
        var again = await mayRetry(policy);
        try
        {
            return await policy.RunAsync(
                c => AttemptAsync(appId, method, query, make, traceParent, host, c), r => (int)r.StatusCode is >= 200 and <= 399 ? Policy.Success : (int)r.StatusCode, again, work, ct);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException or BreakerException or IOException && !ct.IsCancellationRequested)
        {
            throw ApiError.Invoke(target, e.Message);
        }
    }

    private Task<HttpResponseMessage> AttemptAsync(string appId, string method, string query, Func<Uri, HttpRequestMessage> make, string traceParent, string host, CancellationToken ct)
    {
        var path = GoPath.Method(method) ?? throw new HttpRequestException($"invalid method: '{method}' contains a forbidden character");
        var callee = appId == caller.AppId ? caller : shared.NextReplica(appId) ?? throw new HttpRequestException($"couldn't find service: {appId}");
        var channel = callee.Channel ?? throw new HttpRequestException($"app channel of {appId}: connection refused, the app is not running");
        var request = make(GoPath.At(channel.App, path, query));
        request.Headers.TryAddWithoutValidation(TraceContext.Parent, TraceContext.NewSpan(traceParent));
        if (callee != caller)
        {
            request.Headers.TryAddWithoutValidation("dapr-caller-namespace", "default");
            request.Headers.TryAddWithoutValidation("dapr-caller-app-id", caller.AppId);
            request.Headers.TryAddWithoutValidation("dapr-callee-app-id", appId);
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", "127.0.0.1");
            request.Headers.TryAddWithoutValidation("X-Forwarded-Host", host);
            request.Headers.TryAddWithoutValidation("Forwarded", $"for=127.0.0.1;by=127.0.0.1;host={host}");
        }

        return channel.SendAsync(request, ct);
    }
}
