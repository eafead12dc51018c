using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>A port and what it is needed for.</summary>
public sealed record PortNeed(int Port, string Who);

/// <summary>Finds free ports, and checks ports before anything is started.</summary>
public static class Ports
{
    /// <summary>Distinct free ports.</summary>
    public static int[] Free(int count)
    {
        // Keep all listeners open until the last port is found, so that no port is returned twice.
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
