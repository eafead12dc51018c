using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using CsCheck;
using SecondhandTrade.Contracts;
using SecondhandTrade.Platform;
using Xunit;

namespace SecondhandTrade.UnitTests;

/// <summary>One turn of a document: what is kept, what is told, what is remembered, in one write.</summary>
public sealed class DocumentTurn
{
    private const string Source = "kitchen:egg";

    private static readonly DateTimeOffset Noon = new(2027, 4, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly JsonSerializerOptions Json = Wire.Options();

    private static Document<Egg> Fresh => new(0, new Egg([], null), ImmutableDictionary<string, long>.Empty, []);

    [Fact]
    public void One_version_gives_one_batch_of_events_whose_ids_are_context_id_version_and_place()
    {
        var (first, _) = Turn(Fresh, egg => egg.Boil("soft", "on the table"));
        Assert.Equal(1, first.Version);
        Assert.Equal(["kitchen:egg:1.1", "kitchen:egg:1.2"], first.Outbox.Select(e => e.Id));
        Assert.Equal([1_000_001L, 1_000_002L], first.Outbox.Select(e => e.Order));

        var (second, _) = Turn(first, egg => egg.Boil("hard"), told: true);
        Assert.Equal(2, second.Version);
        Assert.Equal(["kitchen:egg:2.1"], second.Outbox.Select(e => e.Id));
    }

    [Fact]
    public void An_event_is_stamped_with_its_source_version_place_and_time_and_carries_the_trace_of_its_command()
    {
        var (document, _) = Fresh.Turn(egg => egg.Boil("soft"), null, Source, Noon, "00-abc-def-01", Json, told: false);
        var told = Assert.Single(document.Outbox);
        var e = told.Data.Deserialize<NoticeCreated>(Json)!;
        Assert.Equal((Source, 1, 1, Noon, "NoticeCreated"), (e.Source, e.Version, e.Part, e.Timestamp, e.EventType));
        Assert.Equal(("NoticeCreated", "p", "egg", "r", "00-abc-def-01"), (told.Type, told.Key, told.Subject, told.CorrelationId, told.TraceParent));
        Assert.Null(told.CausationId);
    }

    [Fact]
    public void What_an_event_caused_names_it()
    {
        var (document, _) = Turn(Fresh, egg => egg.Boil("soft"), Heard("reservation:p", 7, 2));
        Assert.Equal("reservation:p:7.2", document.Outbox[0].CausationId);
    }

    [Fact]
    public void A_turn_that_changes_nothing_leaves_the_very_document()
    {
        var (before, _) = Turn(Fresh, egg => egg.Boil("soft"));
        Assert.Same(before, Turn(before, _ => Unchanged.Already).Next);
        Assert.Same(before, Turn(before, _ => Unchanged.Already, told: true).Next);
        var (next, refusal) = Turn(before, _ => new Refusal("no", "No."));
        Assert.Same(before, next);
        Assert.Equal("no", refusal?.Code);
    }

    [Fact]
    public void An_event_heard_twice_or_after_a_newer_one_of_its_source_changes_nothing()
    {
        var (before, _) = Turn(Fresh, egg => egg.Boil("soft"), Heard("reservation:p", 7, 2));
        Assert.Same(before, Turn(before, egg => egg.Boil("hard"), Heard("reservation:p", 7, 2)).Next);
        Assert.Same(before, Turn(before, egg => egg.Boil("hard"), Heard("reservation:p", 7, 1)).Next);
        Assert.Same(before, Turn(before, egg => egg.Boil("hard"), Heard("reservation:p", 6, 9)).Next);
        Assert.Equal(2, Turn(before, egg => egg.Boil("hard"), Heard("reservation:p", 8, 1)).Next.Version);
        Assert.Equal(2, Turn(before, egg => egg.Boil("hard"), Heard("stock:p", 1, 1)).Next.Version);
    }

    [Fact]
    public void An_event_that_changes_nothing_is_remembered_all_the_same()
    {
        var (after, _) = Turn(Fresh, _ => Unchanged.Already, Heard("stock:p", 3, 1));
        Assert.Equal((1L, 3_000_001L), (after.Version, after.Seen["stock:p"]));
        Assert.Empty(after.Outbox);
    }

    [Fact]
    public void An_event_that_is_refused_is_not_remembered_and_may_come_again()
    {
        var (before, refusal) = Turn(Fresh, _ => new Refusal("not-yet", "Not yet."), Heard("stock:p", 3, 1));
        Assert.NotNull(refusal);
        Assert.Empty(before.Seen);
        Assert.Equal(1, Turn(before, egg => egg.Boil("soft"), Heard("stock:p", 3, 1)).Next.Version);
    }

    [Fact]
    public void The_outbox_is_kept_until_it_is_told_and_then_leaves_with_the_next_write()
    {
        var (one, _) = Turn(Fresh, egg => egg.Boil("one"));
        var (two, _) = Turn(one, egg => egg.Boil("two"));
        Assert.Equal(["kitchen:egg:1.1", "kitchen:egg:2.1"], two.Outbox.Select(e => e.Id));
        var (three, _) = Turn(two, egg => egg.Boil("three"), told: true);
        Assert.Equal(["kitchen:egg:3.1"], three.Outbox.Select(e => e.Id));
    }

    [Fact]
    public void The_state_forgets_only_what_has_been_told()
    {
        var (one, _) = Turn(Fresh, egg => egg.Boil("one"));
        Assert.Equal(["one", "two"], Turn(one, egg => egg.Boil("two")).Next.State.Steps);
        Assert.Equal(["two"], Turn(one, egg => egg.Boil("two"), told: true).Next.State.Steps);
    }

    [Fact]
    public void What_is_overdue_and_the_command_after_it_are_one_write()
    {
        var set = Fresh with { State = new Egg([], Noon) };
        var (after, _) = Turn(set, egg => egg.Boil("eaten"));
        Assert.Equal(1, after.Version);
        Assert.Equal(["rung", "eaten"], after.State.Steps);
        Assert.Equal(["kitchen:egg:1.1", "kitchen:egg:1.2"], after.Outbox.Select(e => e.Id));
    }

    [Fact]
    public void A_refusal_keeps_what_was_overdue()
    {
        var set = Fresh with { State = new Egg([], Noon) };
        var (after, refusal) = Turn(set, egg => egg.Steps.Contains("rung") ? new Refusal("too-late", "It has rung.") : egg.Boil("eaten"));
        Assert.Equal("too-late", refusal?.Code);
        Assert.Equal(["rung"], after.State.Steps);
        Assert.Equal(["kitchen:egg:1.1"], after.Outbox.Select(e => e.Id));
    }

    [Fact]
    public void A_late_event_still_rings_what_is_overdue()
    {
        var set = Fresh with { State = new Egg([], Noon), Seen = Fresh.Seen.SetItem("stock:p", 9_000_001) };
        var (after, _) = Turn(set, egg => egg.Boil("never"), Heard("stock:p", 2, 1));
        Assert.Equal(["rung"], after.State.Steps);
        Assert.Equal(9_000_001, after.Seen["stock:p"]);
    }

    [Fact]
    public void A_document_comes_back_from_the_store_as_it_was()
    {
        var options = Wire.Options(new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver());
        var (document, _) = Turn(Fresh, egg => egg.Boil("달걀"), Heard("stock:p", 3, 1));
        var kept = JsonSerializer.Serialize(document, options);
        Assert.Contains("달걀", kept, StringComparison.Ordinal);
        Assert.Equal(kept, JsonSerializer.Serialize(JsonSerializer.Deserialize<Document<Egg>>(kept, options), options));
    }

    [Fact]
    public void However_events_come_the_versions_are_without_gaps_the_ids_unique_and_every_event_does_its_work_at_most_once() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 8], Gen.Int[1, 2], Gen.Bool).Array[1, 80].Sample(deliveries =>
        {
            var (document, told, ids) = (Fresh, false, new List<string>());
            foreach (var (from, version, part, publish) in deliveries)
            {
                var (before, heard) = (document, Heard($"stock:{from}", version, part));
                document = Turn(before, egg => egg.Boil(string.Create(CultureInfo.InvariantCulture, $"{from}/{version}.{part}")), heard, told).Next;
                var late = before.Seen.GetValueOrDefault(heard.Source) >= heard.Order;
                Assert.Equal(late ? 0 : 1, document.Version - before.Version);
                if (!late)
                {
                    ids.Add(document.Outbox[^1].Id);
                    Assert.Equal(told ? 1 : before.Outbox.Count + 1, document.Outbox.Count);
                    told = false;
                }

                told |= publish;
            }

            Assert.Equal(ids.Count, ids.Distinct().Count());
            Assert.Equal(ids.Count, document.Version);
        });

    private static (Document<Egg> Next, Refusal? Refusal) Turn(Document<Egg> document, Func<Egg, Decision<Egg>> decide, Event? heard = null, bool told = false) =>
        document.Turn(decide, heard, Source, Noon, null, Json, told);

    private static ListingChanged Heard(string source, long version, int part) => new() { Id = "p", ProductId = "p", Source = source, Version = version, Part = part };

    /// <summary>An egg on the stove: what was done to it, and when it rings.</summary>
    private sealed record Egg(ImmutableList<string> Steps, DateTimeOffset? RingAt) : IAggregate<Egg>
    {
        public DateTimeOffset? NextWake => RingAt;

        public Decision<Egg> Overdue(DateTimeOffset now) => RingAt <= now ? (this with { Steps = Steps.Add("rung"), RingAt = null }, Told("rung")) : Unchanged.Already;

        public Egg Told() => this with { Steps = [] };

        public Decision<Egg> Boil(params string[] steps) => (this with { Steps = Steps.AddRange(steps) }, [.. steps.Select(Told)]);

        private static NoticeCreated Told(string step) => new() { Id = "egg", ProductId = "p", ReservationId = "r", Status = step };
    }
}
