"""The ports: the preferred one where it is free, another where it is not."""

import socket

import pytest

from headcount.errors import PartError
from headcount.stack import ports
from headcount.stack.ports import LOOPBACK, free_port, is_free, is_listening


def test_a_taken_port_is_not_given() -> None:
    """A port on which someone listens is not free, and another one is."""
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        assert is_listening(taken)
        assert not is_free(taken)
        other = free_port(taken)
        assert other != taken
        assert is_free(other)


def test_no_port_is_given_twice() -> None:
    """What takes two gets two, of which none is a connection's own by chance."""
    given = [free_port() for _ in range(50)]
    assert len(set(given)) == 50
    assert max(given) < socket_of_a_connection()


def socket_of_a_connection() -> int:
    """The port that the system gives to whom it does not matter."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_all_ports_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and not looked for without end."""
    monkeypatch.setattr(ports, "is_free", lambda *_: False)
    with pytest.raises(PartError, match="no port from 10100 to 32767"):
        free_port()


def test_the_preferred_port_is_given_when_it_is_free() -> None:
    """A free preferred port is the one that is given, also just after a connection on it."""
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            server.accept()[0].close()  # the server's side closes first, so it lingers there
    assert free_port(port) == port
    assert not is_listening(port)


def test_a_port_taken_on_all_interfaces_is_not_free() -> None:
    """Who listens everywhere listens on the loopback interface too."""
    with socket.create_server(("", 0)) as server:
        assert not is_free(server.getsockname()[1])
