using System.Text.Json.Nodes;

namespace SecondhandTrade.SystemTests;

public sealed class CapabilitiesTests
{
    [Fact]
    public void The_page_tells_what_passed_what_failed_what_was_not_run_and_what_is_refused()
    {
        var page = Capabilities.Table(JsonNode.Parse("""
            {"results": {"tests": [
              {"status": "passed", "labels": {"Feature": "state"}, "extra": {"type": "StateOnTheStandIn"}},
              {"status": "passed", "labels": {"Feature": "state"}, "extra": {"type": "StateOnTheStandIn"}},
              {"status": "failed", "labels": {"Feature": "state"}, "extra": {"type": "StateOnTheStandInWithRedis"}},
              {"status": "skipped", "labels": {"Feature": "state"}, "extra": {"type": "StateOnDaprd"}},
              {"status": "passed", "labels": {"Feature": "script"}, "stdout": ["ok http state: read", "not ok http state: write: why", "listening"], "extra": {"type": "Other"}},
              {"status": "passed", "labels": {"Refused": ["locks", "jobs"]}, "extra": {"type": "Other"}},
              {"status": "failed", "labels": {"Refused": "jobs"}, "extra": {"type": "Other"}}
            ]}}
            """)!);

        Assert.Contains("| state | passed 2 | failed 1 of 1 | not run |\n", page, StringComparison.Ordinal);
        Assert.Contains("| script: http state | failed 1 of 2 | not run | not run |\n", page, StringComparison.Ordinal);
        Assert.Contains("Other on redis-server than on Garnet: state.", page, StringComparison.Ordinal);
        Assert.Contains("| locks | refused |\n", page, StringComparison.Ordinal);
        Assert.Contains("| jobs | failed 1 of 2 |\n", page, StringComparison.Ordinal);
    }
}
