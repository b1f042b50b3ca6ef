"""Listeners: where clients connect, until the service ends."""

import contextlib
import socket
import sys
from typing import Any

# The socket module has no names for these two options, of linux/in.h and linux/in6.h.
_IP_MINTTL, _IPV6_MINHOPCOUNT = 21, 73
_UNREACHED_TTL = 255
"""No packet has as many hops left unless its sender began with the most there can be."""


def drop_new_connections(listener: Any) -> bool:
    """Have the kernel drop every new attempt to connect; return whether it does. Linux only.

    The kernel makes connections by itself. One that was made, and not accepted before the listener
    is closed, is reset, and the client cannot know what became of its request. One that is dropped
    is tried again by the client's kernel after a second, and refused: it proves that nothing was
    taken. So the listener asks of every packet a time to live that none has (RFC 5082). That takes
    no privilege, and a handshake that has begun is still completed.
    """
    return _require_ttl(listener, _UNREACHED_TTL)


def receive_packets(connection: Any) -> None:
    """Undo that for a connection that inherited it from its listener."""
    _require_ttl(connection, 0)


def _require_ttl(end: Any, ttl: int) -> bool:
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError):
        end.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, ttl)  # IPv6's sockets may get IPv4's packets
        if end.family == socket.AF_INET6:
            end.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, ttl)
        return True
    return False
