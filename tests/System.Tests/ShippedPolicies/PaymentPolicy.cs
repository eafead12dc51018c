using SecondhandTrade.SystemTests.Sidecars;

namespace SecondhandTrade.SystemTests.ShippedPolicies;

/// <summary>What components/resiliency.yaml makes of a payment that declines, is overloaded, is slow, or is gone.</summary>
public sealed class PaymentPolicy(GarnetFixture redis)
{
    private const string Declined = """{"outcome":"DECLINED"}""";

    [Fact]
    public async Task Declined_cards_never_open_the_breaker()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        payment.With(200, Declined);

        for (var i = 0; i < 25; i++)
        {
            Assert.Equal(new Told(200, Declined), await Pay(town));
        }

        Assert.Equal(25, payment.Calls.Count);
    }

    [Fact]
    public async Task Five_overloads_in_a_row_do_not_open_it_and_one_answer_starts_the_count_anew()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        for (var round = 0; round < 3; round++)
        {
            payment.With(503, "overloaded");
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal(new Told(503, "overloaded"), await Pay(town));
            }

            payment.With(200, Declined);
            Assert.Equal(new Told(200, Declined), await Pay(town));
        }
    }

    [Fact]
    public async Task After_more_than_five_overloads_in_a_row_the_caller_is_refused_at_once_and_payment_is_left_alone()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        await Overload(town, payment);
        payment.With(200, Declined);

        for (var i = 0; i < 10; i++)
        {
            var told = await Pay(town);
            Assert.True(told.IsRefusal("circuit breaker is open"), told.ToString());
        }

        await town.Turn(TimeSpan.FromSeconds(9.9));
        Assert.True((await Pay(town)).IsRefusal("circuit breaker is open"));
        Assert.Equal(6, payment.Calls.Count);
    }

    [Fact]
    public async Task A_breaker_is_one_callers_own()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        await Overload(town, payment);

        Assert.Equal(503, (await town.Post("trade", "payment", "payments")).Status);
    }

    [Fact]
    public async Task After_ten_seconds_one_trial_goes_through_and_its_success_closes_the_breaker()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        await Overload(town, payment);
        await town.Turn(TimeSpan.FromSeconds(10));
        var answer = new TaskCompletionSource();
        payment.With(async (_, _) => await answer.Task);

        var trial = Pay(town);
        await ScriptedTown.Until(() => payment.Calls.Count == 7, "the trial did not reach payment");
        var surplus = await Pay(town);
        Assert.True(surplus.IsRefusal("too many requests"), surplus.ToString());
        answer.SetResult();

        Assert.Equal(200, (await trial).Status);
        payment.With(503);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(503, (await Pay(town)).Status);
        }

        Assert.Equal(12, payment.Calls.Count);
    }

    [Fact]
    public async Task A_trial_that_fails_opens_the_breaker_for_another_ten_seconds()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        await Overload(town, payment);
        await town.Turn(TimeSpan.FromSeconds(10));

        Assert.Equal(503, (await Pay(town)).Status);
        payment.With(200, Declined);
        Assert.True((await Pay(town)).IsRefusal("circuit breaker is open"));
        await town.Turn(TimeSpan.FromSeconds(9.9));
        Assert.True((await Pay(town)).IsRefusal("circuit breaker is open"));
        await town.Turn(TimeSpan.FromSeconds(0.1));
        Assert.Equal(200, (await Pay(town)).Status);
        Assert.Equal(8, payment.Calls.Count);
    }

    [Fact]
    public async Task A_slow_payment_is_cut_off_after_two_seconds_and_counts_as_a_failure()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        payment.Hang();
        for (var i = 1; i <= 6; i++)
        {
            var call = Pay(town);
            await ScriptedTown.Until(() => payment.Calls.Count == i, "the call did not reach payment");
            town.Clock.Advance(TimeSpan.FromSeconds(1.9));
            Assert.False(call.IsCompleted);
            town.Clock.Advance(TimeSpan.FromSeconds(0.1));
            var told = await call;
            Assert.True(told.IsRefusal("context deadline exceeded"), told.ToString());
        }

        Assert.True((await Pay(town)).IsRefusal("circuit breaker is open"));
        Assert.Equal(6, payment.Calls.Count);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(429)]
    [InlineData(409)]
    public async Task A_post_that_is_answered_with_a_failure_is_not_sent_again(int status)
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        payment.With(status);

        Assert.Equal(status, (await Pay(town)).Status);

        await town.Turn(TimeSpan.FromMinutes(1));
        Assert.Equal(["POST /payments {}"], payment.Calls);
    }

    [Fact]
    public async Task A_post_that_is_cut_off_without_an_answer_is_not_sent_again()
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var payment = await town.Play("payment");
        payment.HangUp();

        Assert.True((await Pay(town)).IsRefusal("payment"));

        await town.Turn(TimeSpan.FromMinutes(1));
        Assert.Equal(["POST /payments {}"], payment.Calls);
    }

    [Theory]
    [InlineData("reservation")]
    [InlineData("trade")]
    [InlineData("stock")]
    [InlineData("notification")]
    [InlineData("mypage")]
    public async Task A_context_that_is_not_there_for_a_moment_is_asked_once_more(string context)
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var asked = await town.Play(context);
        asked.With(503);

        var call = town.Get("gateway", context, "x");
        await ScriptedTown.Until(() => town.Clock.Waits(TimeSpan.FromMilliseconds(200)) == 1, "nobody waits to ask again");
        Assert.Single(asked.Calls);
        asked.With(200, "here");
        await town.Turn(TimeSpan.FromMilliseconds(200));

        Assert.Equal(new Told(200, "here"), await call);
        Assert.Equal(["GET /x", "GET /x"], asked.Calls);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(500)]
    public async Task What_a_context_means_to_say_is_told_without_asking_again(int status)
    {
        await using var town = await ScriptedTown.Open(redis.Address);
        var asked = await town.Play("stock");
        asked.With(status);

        Assert.Equal(status, (await town.Get("gateway", "stock", "x")).Status);

        Assert.Single(asked.Calls);
    }

    private static Task<Told> Pay(ScriptedTown town) => town.Post("reservation", "payment", "payments");

    // Six in a row: "consecutiveFailures > 5".
    private static async Task Overload(ScriptedTown town, Script payment)
    {
        payment.With(503, "overloaded");
        for (var i = 0; i < 6; i++)
        {
            Assert.Equal(new Told(503, "overloaded"), await Pay(town));
        }
    }
}
