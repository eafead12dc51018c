using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SecondhandTrade.Local;

namespace SecondhandTrade.SystemTests.Sidecars.Contract;

/// <summary>The local stand-in, on a clock the test turns.</summary>
public sealed class StandInTarget(string? redis, string? missing = null) : SidecarTarget
{
    public override string? Missing => missing;

    public override string Redis => redis!;

    public override string Kafka => "localhost:9092";

    public override async Task<TargetRun> StartAsync(Setting setting)
    {
        var clock = setting.ByTheWall ? TimeProvider.System : new FakeTimeProvider(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero));
        var options = new StandInOptions
        {
            Sidecars =
            [
                .. setting.Apps.Select(id => new SidecarOptions(id)
                {
                    MaxConcurrency = setting.MaxConcurrency ?? -1,
                    ReadBufferSize = setting.ReadBufferSize ?? SidecarOptions.DefaultReadBufferSize,
                    ApiToken = setting.ApiToken,
                    AppApiToken = setting.AppApiToken,
                    Health = setting.HealthEverySeconds is { } seconds ? new AppHealthOptions { Interval = TimeSpan.FromSeconds(seconds) } : null,
                }),
            ],
            ResourcesPaths = [setting.ResourcesPath],
            ConfigFile = setting.ConfigFile,
            Redis = redis!,
            DataDirectory = Path.Combine(setting.Home, "data"),
            Clock = clock,
            Logging = LoggerFactory.Create(l => l.AddSimpleConsole().SetMinimumLevel(LogLevel.Error)),
        };
        return new Run(options, clock, await StandIn.StartAsync(options));
    }

    private sealed class Run(StandInOptions options, TimeProvider clock, StandIn standIn) : TargetRun
    {
        private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan ShortLook = TimeSpan.FromMilliseconds(50);

        public override TimeProvider Clock => clock;

        public override SidecarAddress Sidecar(int index) => new(standIn.Sidecars[index].HttpPort, standIn.Sidecars[index].GrpcPort);

        public override Task ConnectAsync(int index, Uri app, bool ready) => standIn.Sidecars[index].ConnectAppAsync(app, TestContext.Current.CancellationToken);

        public override Task ForgetAsync(int index) => standIn.Sidecars[index].DisconnectAppAsync();

        public override async Task RestartAsync()
        {
            await standIn.DisposeAsync();
            standIn = await StandIn.StartAsync(options);
        }

        // A turn the app holds open is neither rest nor a wait for the clock: then the clock goes on after a while.
        public override async Task PassAsync(TimeSpan step, Func<bool> enough, bool held)
        {
            var look = held ? ShortLook : LongestLook;
            await RestAsync(enough, look);
            if (enough())
            {
                return;
            }

            if (clock is FakeTimeProvider turned)
            {
                turned.Advance(step);
                await RestAsync(enough, look);
            }
            else
            {
                await Task.Delay(ShortLook);
            }
        }

        public override ValueTask DisposeAsync() => standIn.DisposeAsync();

        private async Task RestAsync(Func<bool> enough, TimeSpan look)
        {
            var limit = DateTime.UtcNow + look;
            while (!enough() && !(standIn.IsIdle && Asking.None) && !standIn.IsWaitingForClock && DateTime.UtcNow < limit)
            {
                await Task.Yield();
            }
        }
    }
}
