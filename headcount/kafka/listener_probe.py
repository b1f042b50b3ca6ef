"""Probes what answers at an address that should be a Kafka broker's.

A Kafka client that is refused or misled tries again until its timeout, and then gives no reason.
Three requests of Kafka's own protocol find the reason within seconds.
"""

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PATIENCE_S = 3.0
_CLIENT_ID = b"headcount"
_METADATA, _SASL_HANDSHAKE, _API_VERSIONS = 3, 17, 18
_OLDEST_METADATA, _LATEST_METADATA = 1, 8
"""Other versions have another response format."""
_WITH_THROTTLING, _WITH_CREATION, _WITH_OPERATIONS = 3, 4, 8
_NO_SUCH_MECHANISM = 33
_SHORTEST, _LONGEST = 4, 1 << 20
_SHOWN = 40
_UNSUPPORTED = "which is not supported yet: name a plaintext listener"
_ADVERTISED = "set advertised.listeners of the brokers to addresses that this machine can reach"


class _NoKafkaError(Exception):
    """The response is not Kafka's; `beginning` has its first bytes."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(beginning)
        self.beginning = beginning


@dataclass(slots=True)
class _BrokerReply:
    """A broker's response, read from its beginning."""

    content: bytes
    at: int = field(default=4, init=False)  # after the correlation id

    def number(self, form: str) -> int:
        """Read an integer in a format of `struct`, such as `h`."""
        size = struct.calcsize(f">{form}")
        (value,) = struct.unpack(f">{form}", self.content[self.at : self.at + size])
        self.at += size
        return int(value)

    def text(self) -> str:
        """Read a string; empty if it is null."""
        size = max(0, self.number("h"))
        self.at += size
        return self.content[self.at - size : self.at].decode("utf-8", "replace")


def why_unusable(server: str, patience_s: float = PATIENCE_S) -> str:
    """Return why a client without encryption and password cannot use the listener at `host:port`.

    Empty if it can, or if that is not certain: nothing answers in time, or a broker is starting or
    stopping.
    """
    try:
        with _connected(server, patience_s) as connection:
            versions = _api_versions(connection)
            brokers = _brokers(connection, versions)
    except TimeoutError:
        return _why_silent(server, patience_s)
    except _NoKafkaError as error:
        return _why_foreign(server, patience_s, error.beginning)
    except (OSError, struct.error):
        return _why_refused(server, patience_s)
    return _why_unreachable(server, brokers, patience_s)


@contextlib.contextmanager
def _connected(server: str, patience_s: float) -> Iterator[socket.socket]:
    host, _, port = server.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=patience_s) as connection:
        yield connection


def _response_to(
    connection: socket.socket, key: int, version: int, body: bytes = b""
) -> _BrokerReply:
    """Send a request, read the response. OSError if none comes, _NoKafkaError if not Kafka's."""
    head = struct.pack(f">hhih{len(_CLIENT_ID)}s", key, version, key, len(_CLIENT_ID), _CLIENT_ID)
    connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    beginning = _receive(connection, 8)
    size, correlation = struct.unpack(">ii", beginning)
    if correlation != key or not _SHORTEST <= size <= _LONGEST:
        raise _NoKafkaError(beginning)
    return _BrokerReply(beginning[4:] + _receive(connection, size - 4))


def _receive(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        more = connection.recv(size - len(content))
        if not more:
            raise _NoKafkaError(content) if content else ConnectionResetError
        content += more
    return content


def _api_versions(connection: socket.socket) -> Mapping[int, tuple[int, int]]:
    answer = _response_to(connection, _API_VERSIONS, 0)
    answer.number("h")
    return {
        answer.number("h"): (answer.number("h"), answer.number("h"))
        for _ in range(answer.number("i"))
    }


def _brokers(
    connection: socket.socket, versions: Mapping[int, tuple[int, int]]
) -> list[tuple[str, int]]:
    """Request the addresses that the cluster advertises; none if no known version fits."""
    oldest, latest = versions.get(_METADATA, (_OLDEST_METADATA, _OLDEST_METADATA))
    version = min(latest, _LATEST_METADATA)
    if version < max(oldest, _OLDEST_METADATA):
        return []
    body = struct.pack(">i", 0)  # no topics
    body += b"\0" * ((version >= _WITH_CREATION) + 2 * (version >= _WITH_OPERATIONS))
    answer = _response_to(connection, _METADATA, version, body)
    if version >= _WITH_THROTTLING:
        answer.number("i")
    brokers = []
    for _ in range(answer.number("i")):
        answer.number("i")
        brokers.append((answer.text(), answer.number("i")))
        answer.text()
    return brokers


def _why_unreachable(server: str, brokers: list[tuple[str, int]], patience_s: float) -> str:
    """Return why the advertised addresses are unreachable; empty if one of them works."""
    reason = ""
    for host, port in brokers:
        address = f"{host}:{port}"
        if address == server:
            return ""
        try:
            socket.create_connection((host, port), timeout=patience_s).close()
        except socket.gaierror:
            reason = reason or f"{address}, a name that cannot be looked up here"
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
            reason = reason or f"{address}, which cannot be reached from here ({problem})"
        else:
            return ""
    return reason and f"its brokers advertise themselves as {reason}: {_ADVERTISED}"


def _why_refused(server: str, patience_s: float) -> str:
    """Return why a listener closes the connection after a request, if that can be found out."""
    with (
        contextlib.suppress(OSError, struct.error, _NoKafkaError),
        _connected(server, patience_s) as connection,
    ):
        answer = _response_to(connection, _SASL_HANDSHAKE, 0, struct.pack(">h1s", 1, b"?"))
        if answer.number("h") == _NO_SUCH_MECHANISM:
            mechanisms = ", ".join(answer.text() for _ in range(answer.number("i")))
            return f"{server} wants SASL ({mechanisms}), {_UNSUPPORTED}"
    return _why_tls(server, patience_s)


def _why_tls(server: str, patience_s: float) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    wants = f"{server} wants TLS, {_UNSUPPORTED}"
    try:
        with _connected(server, patience_s) as connection, context.wrap_socket(connection):
            return wants
    except ssl.SSLError as error:
        return wants if "ALERT" in (error.reason or "") else ""
    except OSError:
        return ""


def _why_silent(server: str, patience_s: float) -> str:
    """Return the reason if a silent listener turns out to be a web server.

    It is one that was waiting for the rest of a request.
    """
    with contextlib.suppress(OSError), _connected(server, patience_s) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        beginning = connection.recv(_SHOWN)
        if beginning:
            return _why_foreign(server, patience_s, beginning)
    return ""


def _why_foreign(server: str, patience_s: float, beginning: bytes) -> str:
    with contextlib.suppress(OSError), _connected(server, patience_s) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        deadline_s = time.monotonic() + patience_s
        if connection.recv(5) == b"HTTP/" and time.monotonic() < deadline_s:
            return f"a web server answers at {server}, not a Kafka broker"
    if tls := _why_tls(server, patience_s):
        return tls
    shown = beginning[:_SHOWN].decode("ascii", "backslashreplace")
    return f"something other than a Kafka broker answers at {server}, and begins with {shown!r}"
