using System.Net;
using System.Net.Sockets;

namespace SecondhandTrade.Local;

/// <summary>Ports bound before the server starts, so that a dynamic port is the same on both loopback addresses and no other process can take it in between.</summary>
internal sealed class BoundPorts : IDisposable
{
    private readonly Dictionary<IPEndPoint, Socket> sockets = [];

    public IEnumerable<IPEndPoint> EndPoints => sockets.Keys;

    public int Reserve(int wanted, string what)
    {
        for (var tries = 1; ; tries++)
        {
            var first = Bind(new IPEndPoint(IPAddress.Loopback, wanted), what);
            var port = ((IPEndPoint)first.LocalEndPoint!).Port;
            try
            {
                if (Socket.OSSupportsIPv6)
                {
                    sockets[new IPEndPoint(IPAddress.IPv6Loopback, port)] = Bind(new IPEndPoint(IPAddress.IPv6Loopback, port), what);
                }
            }
            catch (LocalRunnerException) when (wanted == 0 && tries < 20)
            {
                first.Dispose();
                continue;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
            {
                // The OS supports IPv6, but it is disabled on this machine.
            }

            sockets[new IPEndPoint(IPAddress.Loopback, port)] = first;
            return port;
        }
    }

    public Socket SocketFor(EndPoint endPoint) => sockets[(IPEndPoint)endPoint];

    public void Dispose()
    {
        foreach (var socket in sockets.Values)
        {
            socket.Dispose();
        }
    }

    private static Socket Bind(IPEndPoint endPoint, string what)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }

            socket.Bind(endPoint);
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new LocalRunnerException($"{what}: port {endPoint.Port} is in use; stop what listens there or choose another in dapr.yaml.", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
