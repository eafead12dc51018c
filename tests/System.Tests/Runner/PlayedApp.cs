using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace SecondhandTrade.SystemTests.Runner;

/// <summary>An app for the runner to run: this test program, started with a part to play instead of tests.</summary>
public static class PlayedApp
{
    private const string Part = "--play-app";

    /// <summary>The command that starts an app on a port; it answers every request with 204, tells of each POST and ends itself on GET /crash.</summary>
    public static string[] Command(int port) =>
        ["dotnet", typeof(PlayedApp).Assembly.Location, Part, port.ToString(CultureInfo.InvariantCulture)];

    // Before the tests' own entry point, which would refuse the argument.
    [ModuleInitializer]
    public static void PlayIfAsked()
    {
        if (Environment.GetCommandLineArgs() is [_, Part, var port])
        {
            Play(int.Parse(port, CultureInfo.InvariantCulture));
        }
    }

    private static void Play(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        Console.WriteLine($"playing as {Environment.GetEnvironmentVariable("APP_ID")} in process {Environment.ProcessId}");
        while (true)
        {
            using var client = listener.AcceptTcpClient();
            using var stream = client.GetStream();
            var request = new byte[4096];
            var length = stream.Read(request);
            var line = Encoding.ASCII.GetString(request, 0, length).Split('\r')[0];
            if (line.StartsWith("GET /crash ", StringComparison.Ordinal))
            {
                Environment.Exit(7);
            }

            if (line.StartsWith("POST ", StringComparison.Ordinal))
            {
                Console.WriteLine($"{line} in process {Environment.ProcessId}");
            }

            stream.Write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"u8);
        }
    }
}
