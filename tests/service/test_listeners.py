"""Listeners: from the moment on that a service is told to end, nobody is kept waiting in vain."""

import socket
import sys

import pytest

from service.listeners import take_no_more


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
def test_nobody_connects_any_more() -> None:
    """Who has connected by then is served; who comes later is dropped, and then refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        with socket.create_connection(place) as early:
            take_no_more(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(place, timeout=0.3)
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(b"served")
                assert early.recv(6) == b"served"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=30)
