"""The ports: finds free ones on the loopback interface.

Another program can take a free port before the part binds it. So ports come from below the system's
ephemeral range, and no port is returned twice. If a part ends early and its port is not free, the
caller restarts the part on another one.
"""

import itertools
import secrets
import socket

from headcount.errors import PartError

LOOPBACK = "127.0.0.1"
_FIRST = 10_100  # below are well-known services' ports, and one that browsers block
_COUNT = 32_768 - _FIRST  # Linux's ephemeral ports start at 32768, other systems' higher up
_numbers = itertools.count(secrets.randbelow(_COUNT))  # each process starts at a random port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a closed connection in TIME_WAIT does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, host: str = LOOPBACK) -> int:
    """Return `preferred` if it is free, else a free port that was not returned before.

    Raises:
        PartError: No port in the range is free.
    """
    if preferred and is_free(preferred, host):
        return preferred
    for _ in range(_COUNT):
        port = _FIRST + next(_numbers) % _COUNT
        if is_free(port, host):
            return port
    raise PartError(
        f"all ports from {_FIRST} to {_FIRST + _COUNT - 1} of {host} are in use: stop a program "
        "that uses one"
    )


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Return whether a server accepts connections on `port`."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
