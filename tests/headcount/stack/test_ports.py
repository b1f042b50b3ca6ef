"""The ports: the preferred one if it is free, else another one."""

import socket

import pytest

from headcount.errors import PartError
from headcount.stack import ports
from headcount.stack.ports import LOOPBACK, free_port, is_free, is_listening


def test_a_taken_port_is_not_returned() -> None:
    """A port on which a server listens is not free, and another one is returned."""
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        assert is_listening(taken)
        assert not is_free(taken)
        other = free_port(taken)
        assert other != taken
        assert is_free(other)


def test_no_port_is_returned_twice() -> None:
    """Two calls return two ports, outside the ephemeral range."""
    returned = [free_port() for _ in range(50)]
    assert len(set(returned)) == 50
    assert max(returned) < ephemeral_port()


def ephemeral_port() -> int:
    """Return a port that the system chooses."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_all_ports_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is an error, not an endless search."""
    monkeypatch.setattr(ports, "is_free", lambda *_: False)
    with pytest.raises(PartError, match=r"all ports from 10100 to 32767 .* are in use"):
        free_port()


def test_the_preferred_port_is_returned_if_it_is_free() -> None:
    """It counts as free even if a connection on it has just closed."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            server.accept()[0].close()  # the server's side closes first, and so is in TIME_WAIT
    assert free_port(port) == port
    assert not is_listening(port)


def test_a_port_taken_on_all_interfaces_is_not_free() -> None:
    """A server that listens on all interfaces also listens on loopback."""
    with socket.create_server(("", 0)) as server:
        assert not is_free(server.getsockname()[1])
