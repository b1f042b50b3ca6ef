"""The ports: finds free ones on the loopback interface.

A port found free can be taken before its user binds it. So ports are taken from below those that
the system gives to connections, and each is given once; and whoever starts a part with one looks,
when the part ends early, whether the port is still free, and starts it again with another.
"""

import itertools
import secrets
import socket

from headcount.errors import PartError

LOOPBACK = "127.0.0.1"
_FIRST = 10_100  # below are those of well-known services, and one that browsers refuse
_COUNT = 32_768 - _FIRST  # there Linux's own begin, and other systems' are higher up
_numbers = itertools.count(secrets.randbelow(_COUNT))  # another process begins elsewhere


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that lingers after its end does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, host: str = LOOPBACK) -> int:
    """`preferred` where it is free, else one that was not given before.

    Raises:
        PartError: All of them are taken.
    """
    if preferred and is_free(preferred, host):
        return preferred
    for _ in range(_COUNT):
        port = _FIRST + next(_numbers) % _COUNT
        if is_free(port, host):
            return port
    raise PartError(f"no port from {_FIRST} to {_FIRST + _COUNT - 1} of {host} is free")


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on `port`."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
