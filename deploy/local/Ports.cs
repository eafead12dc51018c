using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Who needs a port.</summary>
public sealed record PortNeed(int Port, string Who);

/// <summary>What is known about this machine's ports before anything takes one.</summary>
public static class Ports
{
    /// <summary>Distinct ports that nobody listens on right now.</summary>
    public static int[] Free(int count)
    {
        // All held until the last is found, or the system would hand out the same one twice.
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }

    /// <summary>Throws one <see cref="LocalRunnerException"/> that names every port in use and who needs it.</summary>
    public static void RequireFree(IEnumerable<PortNeed> needs)
    {
        var taken = needs.Select(need => (need, Why: ProblemWith(need.Port))).Where(found => found.Why is not null)
            .Select(found => $"  {found.need.Port} {found.Why}: {found.need.Who}").ToList();
        if (taken.Count > 0)
        {
            throw new LocalRunnerException($"Nothing was started, because these ports cannot be had:{Environment.NewLine}{string.Join(Environment.NewLine, taken)}{Environment.NewLine}" +
                "Stop what listens there (another town?) or give other ports in dapr.yaml and the components.");
        }
    }

    private static string? ProblemWith(int port)
    {
        // Two looks: where one listens on all addresses, some systems still let another bind the narrower one.
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
                // This machine has no such address, so nobody needs the port on it.
            }
        }

        return null;
    }
}
