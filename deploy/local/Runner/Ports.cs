using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>A port and what it is needed for.</summary>
public sealed record PortNeed(int Port, string Who);

/// <summary>Finds free ports, and checks ports before anything is started.</summary>
public static class Ports
{
    // Below the ports that systems give to outgoing connections (Linux: from 32768, Windows and macOS: from 49152);
    // one of those could be in use by a connection before the app that it was chosen for listens on it.
    private const int Lowest = 15000;
    private const int Highest = 32767;
    private static readonly HashSet<int> HandedOut = [];

    /// <summary>Free ports, none of them in <paramref name="except"/> and none returned before; nothing may listen on those yet, so being free now does not tell.</summary>
    public static int[] Free(int count, params IEnumerable<int> except)
    {
        lock (HandedOut)
        {
            HandedOut.UnionWith(except);
            var free = new int[count];
            for (var found = 0; found < count;)
            {
                var port = Random.Shared.Next(Lowest, Highest + 1);
                if (HandedOut.Add(port) && ProblemWith(port) is null)
                {
                    free[found++] = port;
                }
            }

            return free;
        }
    }

    /// <summary>Throws one <see cref="LocalRunnerException"/> that lists every port in use and what needs it.</summary>
    public static void RequireFree(IEnumerable<PortNeed> needs)
    {
        var taken = needs.Select(need => (need, Why: ProblemWith(need.Port))).Where(found => found.Why is not null)
            .Select(found => $"  {found.need.Port} {found.Why}: {found.need.Who}").ToList();
        if (taken.Count > 0)
        {
            throw new LocalRunnerException($"Nothing was started, because these ports are not available:{Environment.NewLine}{string.Join(Environment.NewLine, taken)}{Environment.NewLine}" +
                "Stop what listens there (another runner?) or choose other ports in dapr.yaml and the components.");
        }
    }

    private static string? ProblemWith(int port)
    {
        // Two checks: some systems allow binding to loopback although another process listens on all addresses.
        if (IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
            .Any(listener => listener.Port == port && (IPAddress.IsLoopback(listener.Address) || listener.Address.Equals(IPAddress.Any) || listener.Address.Equals(IPAddress.IPv6Any))))
        {
            return "is in use";
        }

        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            try
            {
                using var listener = new TcpListener(address, port);
                listener.Start();
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse)
            {
                return "is in use";
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AccessDenied)
            {
                return "may not be opened by this user";
            }
            catch (SocketException)
            {
                // This machine does not have the address.
            }
        }

        return null;
    }
}
