"""Socket I/O: sends and reads on gevent's sockets, bypassing gevent's own wrappers.

A greenlet waits until the socket is readable, and then reads from the underlying socket. Only this
module uses gevent's private names.
"""

import errno
import select
import time
from collections.abc import Callable

import gevent.socket
from gevent import get_hub
from gevent.monkey import get_original
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from headcount.plugin.http.read_timeouts import read_timeouts_of
from headcount.response_head import Frame, frame

_BLOCK = 16_384
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE})
_poll: Callable[[], select.poll] = get_original("select", "poll")
# By file descriptor; the kernel looks at what the number refers to at the time of the call.
_polls: dict[int, select.poll] = {}


def is_quiet(connection: gevent.socket.socket) -> bool:
    """Whether an idle connection without TLS is open and has nothing to read.

    This takes a third as long as an attempt to read, which would end in an exception.
    """
    number = connection.fileno()
    if number < 0:
        return False
    poll = _polls.get(number)
    if poll is None:
        poll = _polls[number] = _poll()
        poll.register(number, select.POLLIN)  # hang-ups and errors are always reported
    return not poll.poll(0)


def send(connection: gevent.socket.socket, message: bytes, *, is_plain: bool) -> None:
    """Write a message; `is_plain` means that the connection has no TLS. Raises OSError."""
    try:
        try:
            sent = connection._sock.send(message) if is_plain else 0  # type: ignore[attr-defined] # noqa: SLF001
        except BlockingIOError:
            sent = 0
        if sent < len(message):
            connection.sendall(memoryview(message)[sent:])
    except OSError as error:
        # A service may reject a body and close before reading it all; its response still counts.
        if error.errno not in _RESET:
            raise


def read(
    connection: gevent.socket.socket, sent_s: float, *, is_bodiless: bool
) -> tuple[bytes, Frame | None, BaseException | None, float, float]:
    """Read until a plain response is complete, or until it turns out not to be plain.

    `sent_s` is the monotonic time at which the request was sent, just now. Returns the bytes read,
    their frame (None if the response is not plain), the error that ended the read, if any, how long
    the first byte took in s (0 without any), and when the last bytes came.
    """
    data, parts, timeout_s = b"", None, connection.timeout
    receive, event = connection._sock.recv, connection._read_event  # type: ignore[attr-defined] # noqa: SLF001
    timeouts = None if timeout_s is None else read_timeouts_of(timeout_s)
    first_byte_s, now_s = 0.0, sent_s
    try:
        while True:
            if timeouts is None:
                get_hub().wait(event)
            else:
                timeouts.wait(event, now_s)
            try:
                more = receive(_BLOCK)
            except BlockingIOError:
                now_s = time.monotonic()
                continue
            now_s = time.monotonic()
            if data:
                data += more
            elif more:
                data, first_byte_s = more, now_s - sent_s
            parts = parts or frame(data, is_bodiless=is_bodiless)
            if not more or parts is None or len(data) >= parts.end:
                return data, parts, None, first_byte_s, now_s
    except FAILURE_EXCEPTIONS as error:
        return data, parts, error, first_byte_s, now_s
