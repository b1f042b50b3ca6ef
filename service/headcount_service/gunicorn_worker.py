"""Deferring: a gunicorn worker whose threads do not wait for acknowledgements.

A thread that gets a deferred answer (`deferred.py`) puts it aside and takes the next request. The
loop, which also looks after the idle connections, writes the answers as they are settled, many at a
time: what a group of records costs in switches of threads is then much the same for one or for all.
"""

import functools
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from socket import MSG_DONTWAIT
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from headcount_service.http.deferred_response import DeferredAnswer
from headcount_service.inflight import requests


def _done(is_kept: bool) -> "Future[bool]":
    done: Future[bool] = Future()
    done.set_result(is_kept)
    return done


# What gunicorn's loop asks of a request that is answered: can its connection be kept?
_KEPT, _CLOSED = _done(True), _done(False)


@dataclass(slots=True, eq=False)
class _Held:
    """A request that was handled and is not answered; `response` is gunicorn's."""

    connection: Any
    response: Any
    environ: dict[str, Any]
    answer: DeferredAnswer
    began: datetime
    can_keep_alive: bool = True


class _Deferred(Exception):  # noqa: N818 - it takes a request out of gunicorn's hands
    """An application gave an answer that is still to come."""

    def __init__(self, response: Any, environ: dict[str, Any], answer: DeferredAnswer) -> None:
        super().__init__()
        self.parts = response, environ, answer


class _Written:
    """Stands in for a response's socket, and has what was written."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        """Take it."""
        self.data += data


def _raise_deferred(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Any
) -> Iterable[bytes]:
    """Call an application, and give what it gives, unless that is deferred."""
    given = app(environ, start_response)
    # In HTTP/2 a connection's requests share one thread, which blocks as under any other server.
    if isinstance(given, DeferredAnswer) and environ.get("HTTP_VERSION") != "2":
        # gunicorn's `start_response` is a method of its response.
        raise _Deferred(start_response.__self__, environ, given)
    return given


class DeferringWorker(ThreadWorker):  # type: ignore[misc] # it carries no types
    """Threads handle requests; what is deferred is held, and answered by the loop."""

    wsgi: Any

    def init_process(self) -> None:
        """Begin in a process of its own."""
        self._lock = threading.Lock()  # guards the next one
        self._held: dict[_Held, None] = {}  # about in the order of their deadlines
        self._settled: deque[_Held] = deque()
        self._is_called = False  # the loop knows that something is settled
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and have it tell what it defers."""
        super().load_wsgi()
        self.wsgi = functools.partial(_raise_deferred, self.wsgi)

    def run(self) -> None:
        """Serve until told to end, and see what is held to its end within the time for that."""
        super().run()
        self._is_called = True  # there is no loop any more that could be called

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread handle the next request of a connection."""
        requests.begin()
        handled = self.tpool.submit(self.handle, conn)
        handled.add_done_callback(functools.partial(self._handled, conn))

    def handle(self, conn: Any) -> Any:
        """Handle the next request of a connection, in a thread."""
        with requests.handled_here():
            return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request, or hold it."""
        began = datetime.now()  # noqa: DTZ005 - gunicorn's log takes the difference of two such
        try:
            return super().handle_request(req, conn)
        except _Deferred as deferred:
            return _Held(conn, *deferred.parts, began)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> Any:
        """Read what is left of a held request here, where a slow client holds up only a thread."""
        if not isinstance(keepalive, _Held):
            return super()._keepalive_after(conn, keepalive)
        keepalive.can_keep_alive = super()._keepalive_after(conn, True)
        return keepalive

    def _handled(self, conn: Any, handled: "Future[Any]") -> None:
        is_over = handled.cancelled() or handled.exception() is not None
        held = None if is_over else handled.result()
        if not isinstance(held, _Held):
            self.method_queue.defer(self.finish_request, conn, handled)
            return
        with self._lock:
            self._held[held] = None
        held.answer.when_settled(functools.partial(self._call_for, held))

    def _call_for(self, held: _Held) -> None:
        """Have the loop answer a request; called once for a whole group, it answers all of it."""
        self._settled.append(held)
        if not self._is_called:
            self._is_called = True
            self.method_queue.defer(self._answer_settled)

    def _answer_settled(self) -> None:
        self._is_called = False  # before the first is taken, so that none is left behind
        while self._settled:
            self._answer(self._settled.popleft())

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Do one turn of the loop; in each the deadlines are looked at, once a second at least."""
        super().wait_for_and_dispatch_events(timeout)
        while (first := self._first_held()) and first.answer.deadline_s <= time.monotonic():
            self._answer(first)

    def _first_held(self) -> _Held | None:
        with self._lock:
            return next(iter(self._held), None)

    def _answer(self, held: _Held) -> None:
        """Write an answer without waiting for its client; a thread does that where it must be."""
        with self._lock:
            if held not in self._held:
                return  # it was overdue, and settled after all
            del self._held[held]
        data, is_kept = self._rendered(held)
        rest = _unsent(held.connection.sock, data)
        if rest:
            job = self.tpool.submit(_send, held.connection.sock, rest, is_kept)
            job.add_done_callback(functools.partial(self._handled, held.connection))
        else:
            self.finish_request(held.connection, _KEPT if is_kept else _CLOSED)

    def _rendered(self, held: _Held) -> tuple[bytes, bool]:
        """An answer as HTTP writes it, and whether its connection can be kept."""
        response, written = held.response, _Written()
        response.sock = written
        try:
            for each in held.answer:
                response.write(each)
            response.close()
        except Exception:
            self.log.exception("Error handling request")
            return written.data, False
        finally:
            took = datetime.now() - held.began  # noqa: DTZ005 - as above
            self.log.access(response, response.req, held.environ, took)
        return written.data, held.can_keep_alive and not response.should_close()


def _unsent(sock: Any, data: bytes) -> bytes:
    """Send what can be sent without waiting, and return the rest; all of it if that fails."""
    if isinstance(sock, ssl.SSLSocket):
        return data
    try:
        return data[sock.send(data, MSG_DONTWAIT) :]
    except OSError:
        return data


def _send(sock: Any, data: bytes, is_kept: bool) -> bool:
    """Send, however long it takes, and return whether the connection can be kept."""
    try:
        sock.sendall(data)
    except OSError:
        return False  # the client is gone
    return is_kept
