"""The listening sockets, bound before privileges are dropped: one per listener and ingress process."""

import errno
import socket
from collections.abc import Sequence
from typing import Final

from angarium.config.address import HostPort, parse_host_port
from angarium.config.schema import Listener
from angarium.host.sysexits import EX_NOPERM, EX_UNAVAILABLE, StartError

# Connections the kernel holds for us; ours, above the default per-process limit.
BACKLOG: Final = 1024


def bind(address: HostPort, written: str, *, shared: bool = True) -> socket.socket:
    """Return a listening socket; ``shared``: others may bind its port too (SO_REUSEPORT).

    Raises StartError that says what to do. ``written`` is the address as the configuration has it.
    """
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise StartError(f"listener {written}: {error.strerror}", EX_UNAVAILABLE) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind(target)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _bind_error(error, written) from None
    return listening


def bind_all(listeners: Sequence[Listener], processes: int) -> list[list[socket.socket]]:
    """Return for each process its sockets, in the order of the listeners. Raises StartError; then none is open.

    Where a listener leaves the port to the system, all processes share the one that the first got.
    """
    slots: list[list[socket.socket]] = [[] for _ in range(processes)]
    try:
        for listener in listeners:
            address = parse_host_port(listener.address)
            if address.port:
                # SO_REUSEPORT would let two servers of one user share a port without a word.
                bind(address, listener.address, shared=False).close()
            for slot in slots:
                slot.append(bind(address, listener.address))
                address = HostPort(address.host, slot[-1].getsockname()[1])
    except StartError:
        for slot in slots:
            for each in slot:
                each.close()
        raise
    return slots


def _bind_error(error: OSError, written: str) -> StartError:
    match error.errno:
        case errno.EADDRINUSE:
            advice = "another program listens there; `ss -ltnp` names it"
            return StartError(f"listener {written}: the port is in use: {advice}", EX_UNAVAILABLE)
        case errno.EACCES:
            advice = "ports below 1024 need root or CAP_NET_BIND_SERVICE"
            return StartError(f"listener {written}: not permitted: {advice}", EX_NOPERM)
        case errno.EADDRNOTAVAIL:
            advice = "this machine does not have the address; `ip addr` lists them"
            return StartError(f"listener {written}: {advice}", EX_UNAVAILABLE)
        case _:
            return StartError(f"listener {written}: {error.strerror}", EX_UNAVAILABLE)
