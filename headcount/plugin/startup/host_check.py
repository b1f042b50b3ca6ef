"""The host check: whether anything listens at `--host`, before the load begins."""

import logging
import socket
from urllib.parse import urlsplit

from locust.env import Environment

from headcount.errors import PartError

TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}

_log = logging.getLogger(__name__)


def check_host(environment: Environment) -> None:
    """Check that the service can be reached. PartError if it provably cannot."""
    has_proxy = any(
        getattr(user_class, "proxy_host", None) for user_class in environment.user_classes
    )
    if environment.host and not has_proxy:
        connect(environment.host)


def connect(url: str, timeout_s: float = TIMEOUT_S) -> None:
    """Open and close a connection. PartError if nothing listens; a time-out is only logged."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    if not parts.hostname or not port:
        return
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # without a password
    try:
        socket.create_connection((parts.hostname, port), timeout_s).close()
    except ConnectionRefusedError:
        raise PartError(
            f"connection refused: nothing listens at {address}; "
            "start the service, or correct --host"
        ) from None
    except socket.gaierror as error:
        raise PartError(
            f"{address} cannot be reached: {parts.hostname!r} has no address ({error.strerror}); "
            "correct --host"
        ) from None
    except OSError as error:
        _log.warning("headcount: could not reach %s: %s", address, error)
