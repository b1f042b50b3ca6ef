"""Listener filter: makes the kernel drop new connections while the service shuts down."""

import contextlib
import socket
import sys
from typing import Any

# The socket module lacks these two options; the numbers are from linux/in.h and linux/in6.h.
_IP_MINTTL, _IPV6_MINHOPCOUNT = 21, 73
_UNREACHED_TTL = 255
"""The maximum time to live. Packets usually have less: a listener that requires it drops them."""


def drop_new_connections(listener: Any) -> bool:
    """Have the kernel drop every new attempt to connect; return whether it does. Linux only.

    The kernel completes handshakes by itself. If the listener closes before the service accepts
    such a connection, the kernel resets it, and the client cannot know the outcome of its request.
    If an attempt is dropped, the client's kernel retries after a second and is refused, which
    proves that nothing was published. So the listener requires a time to live that packets do not
    have (RFC 5082). This needs no privilege, and handshakes in progress still complete.
    """
    return _require_ttl(listener, _UNREACHED_TTL)


def receive_packets(connection: Any) -> None:
    """Undo the filter on a connection, which inherits it from its listener."""
    _require_ttl(connection, 0)


def _require_ttl(end: Any, ttl: int) -> bool:
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError):
        end.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, ttl)  # an IPv6 socket may get IPv4 packets
        if end.family == socket.AF_INET6:
            end.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, ttl)
        return True
    return False
