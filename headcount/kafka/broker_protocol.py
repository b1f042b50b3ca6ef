"""A few requests of Kafka's protocol, as raw bytes: enough to find out what a listener wants.

Source: Kafka's protocol guide, kafka.apache.org/protocol.
"""

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_CLIENT_ID = b"headcount"
_METADATA, _SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 3, 17, 18, 36
_OLDEST_METADATA, _LATEST_METADATA = 1, 8
"""The versions of the metadata request whose responses `advertised_brokers` can read."""
_WITH_THROTTLING, _WITH_CREATION, _WITH_OPERATIONS = 3, 4, 8
_NO_SUCH_MECHANISM = 33
_SHORTEST, _LONGEST = 4, 1 << 20

Versions = Mapping[int, tuple[int, int]]
"""The oldest and the latest version of each request that a broker knows, by the request's key."""


class NoKafkaError(Exception):
    """The response is not Kafka's; `beginning` has its first bytes."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(beginning)
        self.beginning = beginning


@dataclass(slots=True)
class _BrokerReply:
    """A broker's response, read from its beginning. struct.error if it is too short."""

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


def api_versions(connection: socket.socket) -> Versions:
    """Request the versions. OSError if no response comes, NoKafkaError if it is not Kafka's."""
    reply = _response_to(connection, _API_VERSIONS, 0)
    reply.number("h")
    return {
        reply.number("h"): (reply.number("h"), reply.number("h")) for _ in range(reply.number("i"))
    }


def advertised_brokers(connection: socket.socket, versions: Versions) -> list[tuple[str, int]]:
    """Request the addresses that the cluster advertises; none if no known version fits."""
    oldest, latest = versions.get(_METADATA, (_OLDEST_METADATA, _OLDEST_METADATA))
    version = min(latest, _LATEST_METADATA)
    if version < max(oldest, _OLDEST_METADATA):
        return []
    body = struct.pack(">i", 0)  # no topics
    body += b"\0" * ((version >= _WITH_CREATION) + 2 * (version >= _WITH_OPERATIONS))
    reply = _response_to(connection, _METADATA, version, body)
    if version >= _WITH_THROTTLING:
        reply.number("i")
    brokers = []
    for _ in range(reply.number("i")):
        reply.number("i")
        brokers.append((reply.text(), reply.number("i")))
        reply.text()
    return brokers


def offered_mechanisms(connection: socket.socket, mechanism: str = "?") -> list[str] | None:
    """Request a login with `mechanism`; return what is offered instead, None if it is accepted."""
    name = mechanism.encode()
    body = struct.pack(f">h{len(name)}s", len(name), name)
    # With version 1, the messages of the login are sent in requests, not as bare bytes.
    reply = _response_to(connection, _SASL_HANDSHAKE, 1, body)
    if reply.number("h") != _NO_SUCH_MECHANISM:
        return None
    return [reply.text() for _ in range(reply.number("i"))]


def authenticate(connection: socket.socket, content: bytes) -> tuple[bytes, str]:
    """Send one message of a login, after the handshake; return the response and the error.

    The error is empty if the broker reports none.
    """
    body = struct.pack(f">i{len(content)}s", len(content), content)
    reply = _response_to(connection, _SASL_AUTHENTICATE, 0, body)
    error, message = reply.number("h"), reply.text()
    size = max(0, reply.number("i"))
    response = reply.content[reply.at : reply.at + size]
    return response, (message or f"error {error}") if error else ""


def _response_to(
    connection: socket.socket, key: int, version: int, body: bytes = b""
) -> _BrokerReply:
    """Send a request, read the response. OSError if none comes, NoKafkaError if not Kafka's."""
    head = struct.pack(f">hhih{len(_CLIENT_ID)}s", key, version, key, len(_CLIENT_ID), _CLIENT_ID)
    connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
    beginning = _receive(connection, 8)
    size, correlation = struct.unpack(">ii", beginning)
    if correlation != key or not _SHORTEST <= size <= _LONGEST:
        raise NoKafkaError(beginning)
    return _BrokerReply(beginning[4:] + _receive(connection, size - 4))


def _receive(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        more = connection.recv(size - len(content))
        if not more:
            raise NoKafkaError(content) if content else ConnectionResetError
        content += more
    return content
