"""The transport: sends one request on one connection and reads the response, with little overhead.

A plain response (see `headcount.response_head`) is returned directly. For any other,
geventhttpclient's own parser gets the bytes read so far, and the error if there was one, so that
its result is the same as without this transport, down to the error message.
"""

import time
from typing import NamedTuple

import gevent.socket
from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers

from headcount.plugin.http.once_only_connections import OnceOnlyConnections
from headcount.plugin.http.parser import OneAnswer
from headcount.plugin.http.socket_io import read, send
from headcount.response_head import Frame


class PlainAnswer(NamedTuple):
    """A plain response: all its bytes, and the positions of its parts.

    `first_byte_s` is how long its first byte took from the end of sending, `ended_s` is when its
    last byte came, by the monotonic clock.
    """

    data: bytes
    frame: Frame
    first_byte_s: float
    ended_s: float


class _BrokenConnection:
    """Raises a connection's error again, for the parser that takes over."""

    def __init__(self, connection: gevent.socket.socket, error: BaseException) -> None:
        self._connection, self._error = connection, error

    def recv(self, _length: int) -> bytes:
        raise self._error

    def close(self) -> None:
        self._connection.close()


def exchange(client: HTTPClient, message: bytes, method: str) -> PlainAnswer | OneAnswer:
    """Send a message once, and read the response: all of it, or only the head if it is not plain.

    Raises:
        One of FAILURE_EXCEPTIONS: The message could not be sent, or no valid response was received.
    """
    pool = client.once_only  # type: ignore[attr-defined] # `OnceOnlyPool` sets it
    connection = pool.get_socket()
    data, parts, error = b"", None, None
    first_byte_s = ended_s = 0.0
    try:
        is_plain = type(pool) is OnceOnlyConnections  # without TLS
        send(connection, message, is_plain=is_plain)
        if is_plain:
            data, parts, error, first_byte_s, ended_s = read(
                connection, time.monotonic(), is_bodiless=method == "HEAD"
            )
    except BaseException:  # also when the user is killed
        pool.release_socket(connection)
        raise
    if parts is not None and len(data) == parts.end:
        pool.return_socket(connection)
        # A named tuple's own constructor would take 1.5 times as long.
        return tuple.__new__(PlainAnswer, (data, parts, first_byte_s, ended_s))
    answer = OneAnswer(
        connection if error is None else _BrokenConnection(connection, error),  # type: ignore[arg-type]
        pool,
        block_size=client.block_size,
        method=method,
        headers_type=Headers,
        pre_buffered=data,
    )
    if data:
        answer.first_byte_s = first_byte_s
    return answer
