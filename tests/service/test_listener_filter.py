"""The listener filter: new connections are dropped and then refused during shutdown."""

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
    """Listen on the loopback address of a family; the IPv6 socket accepts IPv4, too."""
    host, _ = FAMILIES[family]
    both = family == socket.AF_INET6
    return socket.create_server((host, 0), family=family, dualstack_ipv6=both)


@pytest.mark.parametrize("family", FAMILIES)
def test_new_connections_are_dropped(family: socket.AddressFamily) -> None:
    """Existing connections are served; new ones are dropped, and then refused."""
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
def test_a_connection_that_inherits_the_filter_is_served(family: socket.AddressFamily) -> None:
    """A handshake in progress makes a connection that drops packets until `receive_packets`."""
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


def test_a_kernel_without_the_filter_is_not_an_error() -> None:
    """The service shuts down anyway, and can log it."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError

    assert not drop_new_connections(SimpleNamespace(setsockopt=refuse, family=socket.AF_INET))
