using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Google.Protobuf.Collections;
using SecondhandTrade.Local.Otlp;

namespace SecondhandTrade.Local;

/// <summary>A span exported by a service; <c>Links</c> are the ids of the linked traces.</summary>
public sealed record SpanRecord(
    string TraceId, string SpanId, string? ParentId, string Service, string Name, string Kind, DateTimeOffset At, double Milliseconds, string? Error,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<SpanEventRecord> Events, IReadOnlyList<string> Links);

/// <summary>An event of a span.</summary>
public sealed record SpanEventRecord(string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A trace: its first span's name and service, its duration, and the services that took part.</summary>
public sealed record TraceSummary(string TraceId, string Name, string Service, DateTimeOffset At, double Milliseconds, int Spans, IReadOnlyList<string> Services, bool Failed);

/// <summary>A log record exported by a service.</summary>
public sealed record LogLine(string Service, DateTimeOffset At, string Level, string Text, string? TraceId, IReadOnlyDictionary<string, string> Attributes);

/// <summary>The latest value of one time series of a service: a number, or the sum and count of a histogram. What the replicas count is added up; of a gauge the latest value counts.</summary>
public sealed record MetricSample(string Service, string Name, string Unit, IReadOnlyDictionary<string, string> Attributes, double Value, ulong? Count);

/// <summary>Keeps the most recent telemetry that the services export by OTLP; the oldest spans and log lines are dropped.</summary>
internal sealed class TelemetryStore
{
    private const int MaxSpans = 20_000;
    private const int MaxLogs = 5_000;

    // Instances export every few seconds; one that is silent for this long has stopped.
    private static readonly TimeSpan MaxSilence = TimeSpan.FromMinutes(1);

    private readonly ConcurrentQueue<SpanRecord> spans = new();
    private readonly ConcurrentQueue<LogLine> logs = new();
    private readonly ConcurrentDictionary<(string Series, string Instance), Reported> metrics = new();

    private enum SpanKind
    {
        Unspecified,
        Internal,
        Server,
        Client,
        Producer,
        Consumer,
    }

    public IEnumerable<LogLine> Logs => logs;

    public IEnumerable<MetricSample> Metrics => metrics
        .GroupBy(m => m.Key.Series, m => m.Value).OrderBy(series => series.Key, StringComparer.Ordinal)
        .Select(series => series.MaxBy(r => r.At)! switch
        {
            { IsGauge: true, Sample: var latest } => latest,
            { Sample: var latest } => latest with
            {
                Value = series.Sum(r => r.Sample.Value),
                Count = latest.Count is null ? null : series.Aggregate(0UL, (sum, r) => sum + (r.Sample.Count ?? 0)),
            },
        });

    /// <summary>All traces, newest first.</summary>
    public IEnumerable<TraceSummary> Traces => spans.GroupBy(s => s.TraceId).Select(trace =>
    {
        var first = trace.MinBy(s => s.At)!;
        return new TraceSummary(
            trace.Key, first.Name, first.Service, first.At, (trace.Max(s => s.At.AddMilliseconds(s.Milliseconds)) - first.At).TotalMilliseconds,
            trace.Count(), [.. trace.OrderBy(s => s.At).Select(s => s.Service).Distinct()], trace.Any(s => s.Error is not null));
    }).OrderByDescending(t => t.At);

    public IReadOnlyList<SpanRecord> Trace(string id) => [.. spans.Where(s => s.TraceId == id).OrderBy(s => s.At)];

    public void Add(Traces batch)
    {
        foreach (var from in batch.ResourceSpans)
        {
            foreach (var span in from.ScopeSpans.SelectMany(scope => scope.Spans))
            {
                spans.Enqueue(new(
                    Hex(span.TraceId), Hex(span.SpanId), span.ParentSpanId.IsEmpty ? null : Hex(span.ParentSpanId), Service(from.Resource), span.Name, $"{(SpanKind)span.Kind}",
                    Time(span.StartTimeUnixNano), (span.EndTimeUnixNano - span.StartTimeUnixNano) / 1e6, span.Status?.Code == 2 ? span.Status.Message : null,
                    Plain(span.Attributes), [.. span.Events.Select(e => new SpanEventRecord(e.Name, Plain(e.Attributes)))], [.. span.Links.Select(link => Hex(link.TraceId))]));
            }
        }

        Trim(spans, MaxSpans);
    }

    public void Add(Logs batch)
    {
        foreach (var from in batch.ResourceLogs)
        {
            foreach (var line in from.ScopeLogs.SelectMany(scope => scope.LogRecords))
            {
                logs.Enqueue(new(Service(from.Resource), Time(line.TimeUnixNano), line.SeverityText, Text(line.Body), line.TraceId.IsEmpty ? null : Hex(line.TraceId), Plain(line.Attributes)));
            }
        }

        Trim(logs, MaxLogs);
    }

    public void Add(Metrics batch)
    {
        foreach (var from in batch.ResourceMetrics)
        {
            foreach (var metric in from.ScopeMetrics.SelectMany(scope => scope.Metrics))
            {
                foreach (var point in (metric.Gauge ?? metric.Sum)?.DataPoints ?? [])
                {
                    Store(point.Attributes, point.ValueCase == NumberPoint.ValueOneofCase.AsInt ? point.AsInt : point.AsDouble, null);
                }

                foreach (var point in metric.Histogram?.DataPoints ?? [])
                {
                    Store(point.Attributes, point.Sum, point.Count);
                }

                void Store(RepeatedField<KeyValue> attributes, double value, ulong? count)
                {
                    var sample = new MetricSample(Service(from.Resource), metric.Name, metric.Unit, Plain(attributes), value, count);
                    var series = $"{sample.Name} {sample.Service} {string.Join(' ', sample.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal))}";
                    metrics[(series, Named(from.Resource, "service.instance.id"))] = new(sample, metric.Gauge is not null, Stopwatch.GetTimestamp());
                }
            }
        }

        foreach (var (key, last) in metrics)
        {
            if (Stopwatch.GetElapsedTime(last.At) > MaxSilence)
            {
                metrics.TryRemove(key, out _);
            }
        }
    }

    private static void Trim<T>(ConcurrentQueue<T> queue, int most)
    {
        while (queue.Count > most && queue.TryDequeue(out _))
        {
        }
    }

    private static string Service(Resource? resource) => Named(resource, "service.name");

    private static string Named(Resource? resource, string attribute) => resource?.Attributes.FirstOrDefault(a => a.Key == attribute)?.Value.StringValue ?? "unknown";

    // Log records may repeat a key, once for each nested scope; the innermost scope comes last and wins.
    private static Dictionary<string, string> Plain(RepeatedField<KeyValue> attributes)
    {
        var plain = new Dictionary<string, string>();
        foreach (var attribute in attributes)
        {
            plain[attribute.Key] = Text(attribute.Value);
        }

        return plain;
    }

    private static string Text(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    private static string Hex(Google.Protobuf.ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static DateTimeOffset Time(ulong nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100));

    // What one instance has reported last of one series.
    private sealed record Reported(MetricSample Sample, bool IsGauge, long At);
}
