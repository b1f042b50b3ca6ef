"""Listeners: from the moment on that a service is told to end, nobody is kept waiting in vain."""

import socket
import sys
from types import SimpleNamespace
from typing import NoReturn

import pytest
from headcount_service.listener_filter import drop_new_connections, receive_packets

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux drops what has too short a time to live"
)
FAMILIES = {
    socket.AF_INET: ("127.0.0.1", ["127.0.0.1"]),
    socket.AF_INET6: ("::", ["::1", "127.0.0.1"]),
}


def listening(family: socket.AddressFamily) -> socket.socket:
    """Listen at a family's address; IPv6's also to IPv4."""
    host, _ = FAMILIES[family]
    both = family == socket.AF_INET6
    return socket.create_server((host, 0), family=family, dualstack_ipv6=both)


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_connects_any_more(family: socket.AddressFamily) -> None:
    """Who has connected by then is served; who comes later is dropped, and then refused."""
    for client in FAMILIES[family][1]:
        with listening(family) as listener:
            address = (client, listener.getsockname()[1])
            with socket.create_connection(address) as early:
                assert drop_new_connections(listener)
                with pytest.raises(TimeoutError):
                    socket.create_connection(address, timeout=0.3)
                accepted, _ = listener.accept()
                with accepted:
                    accepted.sendall(b"served")
                    assert early.recv(6) == b"served"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=30)


@pytest.mark.parametrize("family", FAMILIES)
def test_who_inherits_that_is_served_all_the_same(family: socket.AddressFamily) -> None:
    """A handshake that was under way ends in a connection that drops its packets, until told."""
    for client in FAMILIES[family][1]:
        with listening(family) as listener:
            address = (client, listener.getsockname()[1])
            with socket.create_connection(address, timeout=30) as early:
                accepted, _ = listener.accept()
                with accepted:
                    assert drop_new_connections(accepted)
                    early.sendall(b"asked")
                    accepted.settimeout(0.1)
                    with pytest.raises(TimeoutError):
                        accepted.recv(5)
                    receive_packets(accepted)
                    accepted.settimeout(30)
                    assert accepted.recv(5) == b"asked"


def test_a_kernel_that_cannot_is_no_error() -> None:
    """The service ends all the same, and can say so."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError

    assert not drop_new_connections(SimpleNamespace(setsockopt=refuse, family=socket.AF_INET))
