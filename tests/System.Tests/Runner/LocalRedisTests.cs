using System.Collections.Concurrent;
using SecondhandTrade.Local;
using StackExchange.Redis;

namespace SecondhandTrade.SystemTests.Runner;

public sealed class LocalRedisTests
{
    [Fact]
    public async Task What_was_acknowledged_is_there_after_the_runner_was_killed()
    {
        using var small = new SmallTown().With("idle", 0, "sleep", "1000");
        using (var town = RunningTown.Start(small.Root))
        {
            await town.Says("The town is open");
            using var redis = await ConnectionMultiplexer.ConnectAsync($"localhost:{small.RedisPort}");
            var database = redis.GetDatabase();
            for (var i = 0; i < 500; i++)
            {
                await database.HashSetAsync($"hash{i}", "field", i);
                await database.ScriptEvaluateAsync("return redis.call('SET', KEYS[1], ARGV[1])", [$"script{i}"], [i]);
            }

            var transaction = database.CreateTransaction();
            _ = transaction.SortedSetAddAsync("set", "member", 5);
            _ = transaction.StringSetAsync("last", "written");
            Assert.True(await transaction.ExecuteAsync());
            town.Signal("KILL");
            await town.Ended();
        }

        using (var town = RunningTown.Start(small.Root))
        {
            await town.Says("The town is open");
            using var redis = await ConnectionMultiplexer.ConnectAsync($"localhost:{small.RedisPort}");
            var database = redis.GetDatabase();
            for (var i = 0; i < 500; i++)
            {
                Assert.Equal(i, await database.HashGetAsync($"hash{i}", "field"));
                Assert.Equal(i, await database.StringGetAsync($"script{i}"));
            }

            Assert.Equal(5, await database.SortedSetScoreAsync("set", "member"));
            Assert.Equal("written", await database.StringGetAsync("last"));
            town.Signal("TERM");
            Assert.Equal(0, await town.Ended());
        }

        using (var town = RunningTown.Start(small.Root, "--clean"))
        {
            await town.Says("The town is open");
            using var redis = await ConnectionMultiplexer.ConnectAsync($"localhost:{small.RedisPort}");
            Assert.False(await redis.GetDatabase().KeyExistsAsync("last"));
        }
    }

    [Fact]
    public async Task Of_many_writes_under_way_at_the_kill_every_acknowledged_one_is_kept()
    {
        using var small = new SmallTown().With("idle", 0, "sleep", "1000");
        var acknowledged = new ConcurrentBag<int>();
        using (var town = RunningTown.Start(small.Root))
        {
            await town.Says("The town is open");
            var options = ConfigurationOptions.Parse($"localhost:{small.RedisPort}");
            options.BacklogPolicy = BacklogPolicy.FailFast;
            using var redis = await ConnectionMultiplexer.ConnectAsync(options);
            var database = redis.GetDatabase();
            var writing = Task.WhenAll(Enumerable.Range(0, 50_000).Select(async i =>
            {
                try
                {
                    await database.StringSetAsync($"key{i}", i);
                    acknowledged.Add(i);
                }
                catch (Exception e) when (e is RedisException or TimeoutException)
                {
                    // Under way when the runner went: it may be there or not.
                }
            }));
            await Eventually.Holds(() => acknowledged.Count > 500, () => "the first writes");
            town.Kill();
            await writing;
        }

        Assert.InRange(acknowledged.Count, 500, 49_999);
        using (var town = RunningTown.Start(small.Root))
        {
            await town.Says("The town is open");
            using var redis = await ConnectionMultiplexer.ConnectAsync($"localhost:{small.RedisPort}");
            var database = redis.GetDatabase();
            var kept = await Task.WhenAll(acknowledged.Select(i => database.StringGetAsync($"key{i}")));
            Assert.Equal(0, kept.Count(value => value.IsNull));
        }
    }

    [Fact]
    public async Task A_log_grown_long_is_folded_at_the_next_start_and_nothing_is_lost()
    {
        var directory = Directory.CreateTempSubdirectory("redis-").FullName;
        long Size() => new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
        using (var redis = LocalRedis.Start(directory, 0))
        {
            using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
            for (var round = 0; round < 16; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, 5000).Select(i => connection.GetDatabase().HashSetAsync($"hash{i % 100}", "data", new string('x', 2000))));
            }

            await connection.GetDatabase().StringSetAsync("before", "folding");
        }

        var grown = Size();
        using (var redis = LocalRedis.Start(directory, 0))
        {
            using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
            await connection.GetDatabase().StringSetAsync("after", "folding");
        }

        Assert.InRange(Size(), 1, grown / 2);
        using (var redis = LocalRedis.Start(directory, 0))
        {
            using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
            var database = connection.GetDatabase();
            Assert.Equal("folding", await database.StringGetAsync("before"));
            Assert.Equal("folding", await database.StringGetAsync("after"));
            Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(2000, database.HashGet($"hash{i}", "data").Length()));
        }

        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_script_is_one_step_however_many_ask_at_once(bool durable)
    {
        var directory = Directory.CreateTempSubdirectory("redis-").FullName;
        using (var redis = LocalRedis.Start(directory, 0, durable))
        {
            await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(async () =>
            {
                using var connection = await ConnectionMultiplexer.ConnectAsync(redis.Address);
                for (var i = 0; i < 100; i++)
                {
                    await connection.GetDatabase().ScriptEvaluateAsync(
                        "redis.call('HSET', KEYS[1], 'n', tonumber(redis.call('HGET', KEYS[1], 'n') or '0') + 1)", ["counter"]);
                }
            })));

            using var reader = await ConnectionMultiplexer.ConnectAsync(redis.Address);
            Assert.Equal(1200, await reader.GetDatabase().HashGetAsync("counter", "n"));
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task An_outside_Redis_that_does_not_answer_is_named()
    {
        var address = new RedisAddress("localhost", Ports.Free(1)[0]);

        var refusal = await Assert.ThrowsAsync<LocalRunnerException>(() => address.PingAsync(TestContext.Current.CancellationToken));

        Assert.Contains($"No Redis answers on {address}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_outside_Redis_that_answers_will_do()
    {
        var directory = Directory.CreateTempSubdirectory("redis-").FullName;
        using (var redis = LocalRedis.Start(directory, 0, durable: false))
        {
            await RedisAddress.Parse(redis.Address, "test").PingAsync(TestContext.Current.CancellationToken);
        }

        Directory.Delete(directory, recursive: true);
    }
}
