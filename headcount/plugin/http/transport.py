"""The transport: one request on one connection, and its answer, by the shortest way there is.

A plain answer (see `headcount.response_head`) is taken as it is. For any other, the general parser
gets the same bytes and, if there is one, the same error: its result is what it always was, to the
words of the error.
"""

from typing import NamedTuple

import gevent.socket
from geventhttpclient.client import HTTPClient
from geventhttpclient.header import Headers

from headcount.plugin.http.connections import OnceOnlyConnections
from headcount.plugin.http.parser import OneAnswer
from headcount.plugin.http.socket_io import read, send
from headcount.response_head import Frame


class PlainAnswer(NamedTuple):
    """A plain answer: all its bytes, and where its parts are."""

    data: bytes
    frame: Frame


class _BrokenConnection:
    """Raises the error that broke a connection again, for the parser that takes over."""

    def __init__(self, connection: gevent.socket.socket, error: BaseException) -> None:
        self._connection, self._error = connection, error

    def recv(self, _length: int) -> bytes:
        raise self._error

    def close(self) -> None:
        self._connection.close()


def exchange(client: HTTPClient, message: bytes, method: str) -> PlainAnswer | OneAnswer:
    """Send a message once, and read what answers it: all of it, or the head if it is not plain.

    Raises:
        One of FAILURE_EXCEPTIONS: It could not be sent, or what came is no answer.
    """
    pool = client.once_only  # type: ignore[attr-defined] # `OnceOnlyPool` sets it
    connection = pool.get_socket()
    data, parts, error = b"", None, None
    try:
        is_plain = type(pool) is OnceOnlyConnections  # and not one of TLS
        send(connection, message, is_plain=is_plain)
        if is_plain:
            data, parts, error = read(connection, is_bodiless=method == "HEAD")
    except BaseException:  # a user that is killed, too
        pool.release_socket(connection)
        raise
    if parts is not None and len(data) == parts.end:
        pool.return_socket(connection)
        return PlainAnswer(data, parts)
    return OneAnswer(
        connection if error is None else _BrokenConnection(connection, error),  # type: ignore[arg-type]
        pool,
        block_size=client.block_size,
        method=method,
        headers_type=Headers,
        pre_buffered=data,
    )
