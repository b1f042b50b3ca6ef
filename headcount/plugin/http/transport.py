"""The exchange: one request on one connection, and its answer, by the shortest way there is.

Sockets are gevent's, but what is read and written goes through none of its layers: the greenlet
waits until there is something to read, and reads it. A plain answer (see `answer.py`) is taken as
it is. For all others what has come so far, be it an error, is given to the general parser, so that
what is no plain answer is what it was, to the words of the error.
"""

import _socket
import errno
import socket
import time
from ssl import SSLWantReadError
from typing import Any, NamedTuple

import gevent.socket
import geventhttpclient.client
from gevent import get_hub, getcurrent
from geventhttpclient.client import HTTPClient
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPProtocolViolationError, HTTPSocketPoolResponse
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from headcount.response_head import Frame, frame

LARGEST_HEAD = 1 << 18
"""A head with more bytes is no answer."""

_BLOCK = 16_384
_FINAL = 200
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE})
_PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)
_NUMERIC = int(socket.AI_NUMERICHOST)


class OneAnswer(HTTPSocketPoolResponse):
    """The answer to one request: nothing that stands before or behind it passes for it.

    geventhttpclient gives a connection back when an interim answer (1xx) is read, though the final
    one is still to come: after a time-out the next request would read it as its own. It takes what
    follows a final answer for a better one, and reads a head without an end to its end.
    """

    _is_final = False
    _head_bytes = 0

    def feed(self, data: str | bytes) -> None:
        """Take what has come."""
        if not self.headers_complete:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                raise HTTPProtocolViolationError(f"a head of more than {LARGEST_HEAD} bytes")
        super().feed(data)

    def _on_message_begin(self) -> None:
        if self._is_final:
            raise HTTPProtocolViolationError("more follows the answer")
        if self.message_begun:  # and was interim: make room for the final one
            self.message_complete = True
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        # An interim answer completes nothing, so its connection is not given back.
        if self.get_code() >= _FINAL:
            self._is_final = self.message_complete = True
            self.release()


# Its client names the class of its answers itself, and takes no other.
geventhttpclient.client.HTTPSocketPoolResponse = OneAnswer  # type: ignore[attr-defined]


class PlainAnswer(NamedTuple):
    """A plain answer: all its bytes, and where its parts are."""

    data: bytes
    frame: Frame


class OnceOnlyConnections(ConnectionPool):
    """Connections to one host, the last used first, looked after with few system calls."""

    _idle: list[gevent.socket.socket]

    def get_socket(self) -> gevent.socket.socket:
        """Give an open connection, as soon as there may be one more in use."""
        self._semaphore.acquire()
        if self._closed:
            raise RuntimeError("connection pool closed")
        while self._idle:
            connection = self._idle.pop()
            if self._is_quiet(connection):
                return connection
            connection.close()
        try:
            return self._create_socket()
        except BaseException:
            self._semaphore.release()
            raise

    def return_socket(self, sock: gevent.socket.socket) -> None:
        """Take a connection back that can be used again."""
        if self._closed:
            sock.close()
            return
        self._idle.append(sock)
        self._semaphore.release()

    def open_ahead(self) -> None:
        """Open a first connection before it is needed. Raises one of FAILURE_EXCEPTIONS."""
        if not self._idle and self._semaphore.ready():
            self.return_socket(self.get_socket())

    def close(self) -> None:
        """Close what is idle, and what is given back from now on."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    @staticmethod
    def _is_quiet(connection: gevent.socket.socket) -> bool:
        """Tell whether an idle connection is open, with nothing to read."""
        try:
            connection._sock.recv(1, _PEEK)  # type: ignore[attr-defined] # noqa: SLF001
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _resolve(self) -> Any:
        host, port = self._connection_host, self._connection_port
        family = socket.AF_INET if self.disable_ipv6 else 0
        try:  # an address needs no look-up, which would take a thread
            return _socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, socket.SOL_TCP, _NUMERIC
            )
        except OSError:
            return super()._resolve()


class OnceOnlySecureConnections(OnceOnlyConnections, SSLConnectionPool):
    """The same with TLS, through which alone they can be read."""

    @staticmethod
    def _is_quiet(connection: gevent.socket.socket) -> bool:
        """Tell it by reading: what TLS has to say to itself, such as tickets, is no answer."""
        timeout_s = connection.gettimeout()
        connection.settimeout(0.0)
        try:
            connection.recv(1)
        except SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            connection.settimeout(timeout_s)
        return False


_ONCE_ONLY = {
    ConnectionPool: OnceOnlyConnections,
    SSLConnectionPool: OnceOnlySecureConnections,
}


def take_over(pool: ConnectionPool) -> None:
    """Make a pool that is not in use yet one whose connections carry a request once."""
    pool.size = -1  # it is the number of repeats, less one
    pool.__class__ = _ONCE_ONLY[type(pool)]
    pool._idle = []  # type: ignore[attr-defined] # noqa: SLF001


class Patience:
    """Ends waits for bytes that last too long.

    All waits last equally long, so the oldest ends first, and one timer serves them all.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends_s: dict[Any, float] = {}
        self._timer: Any = None

    def wait(self, event: Any) -> None:
        """Wait for a socket's event. TimeoutError after the time that all have."""
        ends_s, me = self._ends_s, getcurrent()
        ends_s[me] = time.monotonic() + self._timeout_s
        if self._timer is None:
            self._start_timer(self._timeout_s)
        try:
            get_hub().wait(event)
        finally:
            del ends_s[me]

    def _start_timer(self, after_s: float) -> None:
        loop = get_hub().loop
        loop.update_now()
        # Behind the sockets in line: what has come in time is read, however long nobody looked.
        self._timer = loop.timer(after_s, ref=False, priority=-1)
        self._timer.start(self._end_waits)

    def _end_waits(self) -> None:
        """End those whose time is over; it is called in the hub, where no one else runs."""
        self._timer.close()
        self._timer = None
        now_s = time.monotonic()
        for greenlet, end_s in list(self._ends_s.items()):
            if end_s > now_s:
                break
            if self._ends_s.get(greenlet) == end_s:  # it may have gone on meanwhile
                greenlet.throw(TimeoutError("timed out"))
        first_s = next(iter(self._ends_s.values()), None)
        if first_s is not None and self._timer is None:
            self._start_timer(max(0.001, first_s - time.monotonic()))


# By the time-out: few differ, and each has a timer.
_patience: dict[float, Patience] = {}


class _Broken:
    """A connection that says again how it broke, to the parser that takes over."""

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
    pool = client._connection_pool  # noqa: SLF001 - nothing public reaches it
    connection = pool.get_socket()
    data, found, error = b"", None, None
    try:
        is_plain = type(pool) is OnceOnlyConnections  # and not one of TLS
        _send(connection, message, is_plain=is_plain)
        if is_plain:
            data, found, error = _read(connection, is_bodiless=method == "HEAD")
    except BaseException:  # a user that is killed, too
        pool.release_socket(connection)
        raise
    if found is not None and len(data) == found.end:
        pool.return_socket(connection)
        return PlainAnswer(data, found)
    return OneAnswer(
        connection if error is None else _Broken(connection, error),  # type: ignore[arg-type]
        pool,
        block_size=client.block_size,
        method=method,
        headers_type=Headers,
        pre_buffered=data,
    )


def _send(connection: gevent.socket.socket, message: bytes, *, is_plain: bool) -> None:
    try:
        try:
            sent = connection._sock.send(message) if is_plain else 0  # type: ignore[attr-defined] # noqa: SLF001
        except BlockingIOError:
            sent = 0
        if sent < len(message):
            connection.sendall(memoryview(message)[sent:])
    except OSError as error:
        # A service may refuse a body, and close, before it has read it all: its answer counts.
        if error.errno not in _RESET:
            raise


def _read(
    connection: gevent.socket.socket, *, is_bodiless: bool
) -> tuple[bytes, Frame | None, BaseException | None]:
    """Read until a plain answer is whole or it is seen to be none; give what has come until then.

    With it stand the answer's parts, None if it is not plain, and the error that ended it.
    """
    data, found, timeout_s = b"", None, connection.timeout
    receive, event = connection._sock.recv, connection._read_event  # type: ignore[attr-defined] # noqa: SLF001
    wait = get_hub().wait if timeout_s is None else _patience_of(timeout_s).wait
    try:
        while True:
            wait(event)
            try:
                more = receive(_BLOCK)
            except BlockingIOError:
                continue
            data = data + more if data else more
            found = found or frame(data, is_bodiless=is_bodiless)
            if not more or found is None or len(data) >= found.end:
                return data, found, None
    except FAILURE_EXCEPTIONS as error:
        return data, found, error


def _patience_of(timeout_s: float) -> Patience:
    found = _patience.get(timeout_s)
    if found is None:
        found = _patience[timeout_s] = Patience(timeout_s)
    return found
