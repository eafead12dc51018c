using System.Diagnostics;
using System.Text.RegularExpressions;
using SecondhandTrade.SystemTests.Rights;

namespace SecondhandTrade.SystemTests;

/// <summary>What <c>helm test</c> runs in a cluster, run against the town here.</summary>
public sealed class ClusterTest
{
    [Fact]
    public async Task It_passes_where_people_are_believed()
    {
        await using var town = await TestTown.Open();
        var (code, said) = await Run(town);
        Assert.True(code == 0, said);
        Assert.EndsWith("reserved and cancelled", said.Trim(), StringComparison.Ordinal);
        Assert.Equal("예약취소", (await town.Get("/reserves?userid=helm-test")).List("reserves").Single()!["status"]!.ToString());
    }

    [Fact]
    public async Task It_passes_where_people_sign_in_as_two_and_fails_as_one_or_none()
    {
        await using var issuer = await Issuer.Open();
        await using var town = await TestTown.Open(issuer.Settings);
        var (code, said) = await Run(town, ("SELLER", issuer.Token("seller")), ("BUYER", issuer.Token("buyer")));
        Assert.True(code == 0, said);

        (code, said) = await Run(town, ("SELLER", issuer.Token("seller")), ("BUYER", issuer.Token("seller")));
        Assert.NotEqual(0, code);
        Assert.Contains("own-listing", said, StringComparison.Ordinal);

        (code, said) = await Run(town);
        Assert.NotEqual(0, code);
        Assert.Matches(new Regex("401"), said);
    }

    private static async Task<(int Code, string Said)> Run(TestTown town, params (string Name, string Value)[] environment)
    {
        Assert.SkipUnless(File.Exists("/bin/sh") && File.Exists("/usr/bin/curl"), "The script of helm test wants sh and curl.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(TimeSpan.FromMinutes(2));
        using var process = new Process
        {
            StartInfo = new("/bin/sh", ["-eu", Path.Combine(TestTown.Root, "deploy", "helm", "reserve-and-cancel.sh")]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        process.StartInfo.Environment["TOWN"] = town.Address("gateway").ToString().TrimEnd('/');
        foreach (var (name, value) in environment)
        {
            process.StartInfo.Environment[name] = value;
        }

        process.Start();
        var (output, complaint) = (process.StandardOutput.ReadToEndAsync(stop.Token), process.StandardError.ReadToEndAsync(stop.Token));
        await process.WaitForExitAsync(stop.Token);
        return (process.ExitCode, $"{await complaint}{await output}");
    }
}
