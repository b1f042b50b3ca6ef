"""Gunicorn's worker: defers responses, shares connections among workers, closes its listeners.

gunicorn has no public hooks for this. Only this module uses gunicorn's private names; the tests
that guard them are in tests/service:

- deferring: `enqueue_req`, `handle`, `handle_request`, `finish_request`, `_keepalive_after`, `run`,
  `init_process`, `tpool`, `method_queue`, `wsgi`; a response's `sock` and `req`, and its method
  `start_response` (test_gunicorn_worker.py: all tests on held requests)
- deadlines: `wait_for_and_dispatch_events`
  (test_gunicorn_worker.py: test_an_event_that_is_never_settled_is_a_504)
- sharing: `accept`, `set_accept_enabled`, `nr_conns`
  (test_gunicorn_worker.py: test_connections_that_are_made_at_once_are_shared)
- closing: `alive`, `sockets`, and the arbiter's `LISTENERS` and `handle_term`
  (test_gunicorn.py: test_an_end_leaves_no_request_indeterminate)
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

from headcount_service.http.deferred_response import DeferredBody
from headcount_service.inflight import requests
from headcount_service.listener_filter import drop_new_connections, receive_packets

SHARE_PAUSE_S = 0.0005
CLOSE_AFTER_S = 0.25
ACCEPT_EVERY_S = 0.01


def _finished(is_kept: bool) -> "Future[bool]":
    future: Future[bool] = Future()
    future.set_result(is_kept)
    return future


# The futures that gunicorn's loop expects of a finished request: keep its connection, or close it.
_KEEP, _CLOSE = _finished(True), _finished(False)


@dataclass(slots=True, eq=False)
class _HeldRequest:
    """A handled request whose response waits for an acknowledgement; `response` is gunicorn's."""

    connection: Any
    response: Any
    environ: dict[str, Any]
    body: DeferredBody
    began: datetime
    can_keep_alive: bool = True


class _Deferred(Exception):  # noqa: N818 - not an error: it bypasses gunicorn's own response
    """The application returned a deferred body."""

    def __init__(self, response: Any, environ: dict[str, Any], body: DeferredBody) -> None:
        super().__init__()
        self.parts = response, environ, body


class _Buffer:
    """Replaces a response's socket and keeps the bytes written to it."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        """Append data."""
        self.data += data


def _raise_deferred(
    app: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Any
) -> Iterable[bytes]:
    """Call the application; return its body, or raise _Deferred if the body is deferred."""
    body = app(environ, start_response)
    # With HTTP/2 one thread handles all requests of a connection. There a deferred body blocks the
    # thread, as it does under any other WSGI server.
    if isinstance(body, DeferredBody) and environ.get("HTTP_VERSION") != "2":
        # gunicorn's `start_response` is a method of its response.
        raise _Deferred(start_response.__self__, environ, body)
    return body


class GunicornWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """The threaded worker, with deferred responses, shared connections and a clean shutdown.

    Deferring: a thread that gets a deferred body sets the request aside and handles the next one.
    The loop writes responses in groups, as their events settle, so that a group of records costs
    about as many thread switches as one record.

    Sharing: clients often connect all at once and keep their connections. The first worker to wake
    would accept most of them, and the service would be no faster than one process. So a worker
    that has fewer connections than threads pauses briefly after each one that it accepts.

    Closing: gunicorn keeps its listeners open until its last connection has ended. A client that
    connects in the meantime sends a request that nobody reads, and then loses the connection: it
    cannot know the outcome. A closed port refuses the connection, which proves that nothing was
    published. A handshake in progress takes up to a round trip to complete, so the worker accepts
    such connections for `CLOSE_AFTER_S`; the kernel drops new attempts (`listener_filter.py`).
    """

    wsgi: Any
    _paused_until_s = 0.0
    _closes_at_s: float | None = None
    _is_closed = False

    def init_process(self) -> None:
        """Set up the worker in its own process."""
        self._lock = threading.Lock()  # guards `_held`
        self._held: dict[_HeldRequest, None] = {}  # roughly in the order of their deadlines
        self._settled: deque[_HeldRequest] = deque()
        self._is_scheduled = False  # the loop is going to call `_answer_settled`
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and intercept its deferred bodies."""
        super().load_wsgi()
        self.wsgi = functools.partial(_raise_deferred, self.wsgi)

    def run(self) -> None:
        """Serve until shutdown, and finish the held requests within the graceful timeout."""
        super().run()
        self._is_scheduled = True  # the loop has ended: schedule nothing more

    def accept(self, listener: Any) -> None:
        """Accept a connection, then pause so that another worker accepts the next one."""
        before = self.nr_conns
        super().accept(listener)
        if self.alive and before < self.nr_conns < self.cfg.threads and self.cfg.workers > 1:
            self._paused_until_s = time.monotonic() + SHARE_PAUSE_S
            self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting; pauses and shutdown override `enabled`."""
        is_ending = not self.alive  # read once: a signal may come at any moment
        is_paused = time.monotonic() < self._paused_until_s
        super().set_accept_enabled(enabled and not is_ending and not is_paused)
        if is_ending and self._closes_at_s is None:
            self._closes_at_s = time.monotonic() + CLOSE_AFTER_S
            self.nr_conns += 1  # keeps gunicorn's loop running while listeners are open

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Dispatch events, then answer overdue requests; called at least once a second."""
        closes_at_s = None if self._is_closed else self._closes_at_s
        if closes_at_s is not None:
            timeout = min(timeout, ACCEPT_EVERY_S)
        pause_s = self._paused_until_s - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, pause_s) if pause_s > 0 else timeout)
        while (first := self._first_held()) and first.body.deadline_s <= time.monotonic():
            self._answer(first)
        if closes_at_s is not None:
            self._accept_last(closes_at_s)

    def _accept_last(self, closes_at_s: float) -> None:
        """Accept the connections made so far, and close the listeners when it is time."""
        is_time = time.monotonic() >= closes_at_s  # read before accepting, so that none is missed
        for listener in self.sockets:
            accepted = -1
            while accepted < self.nr_conns:
                accepted = self.nr_conns
                self.accept(listener)
        if is_time:
            self._is_closed = True
            self.nr_conns -= 1
            for listener in self.sockets:
                listener.close()

    def enqueue_req(self, conn: Any) -> None:
        """Submit the next request of a connection to the threads."""
        if self._closes_at_s is not None:
            receive_packets(conn.sock)
        requests.begin()
        future = self.tpool.submit(self.handle, conn)
        future.add_done_callback(functools.partial(self._handled, conn))

    def handle(self, conn: Any) -> Any:
        """Handle the next request of a connection, in a thread."""
        with requests.handled_here():
            return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request, or return it as a _HeldRequest."""
        began = datetime.now()  # noqa: DTZ005 - gunicorn's access log needs the difference of two
        try:
            return super().handle_request(req, conn)
        except _Deferred as deferred:
            return _HeldRequest(conn, *deferred.parts, began)

    def _keepalive_after(self, conn: Any, keepalive: Any) -> Any:
        """Read the rest of a held request in this thread: a slow client must not block the loop."""
        if not isinstance(keepalive, _HeldRequest):
            return super()._keepalive_after(conn, keepalive)
        keepalive.can_keep_alive = super()._keepalive_after(conn, True)
        return keepalive

    def _handled(self, conn: Any, future: "Future[Any]") -> None:
        is_over = future.cancelled() or future.exception() is not None
        held = None if is_over else future.result()
        if not isinstance(held, _HeldRequest):
            self.method_queue.defer(self.finish_request, conn, future)
            return
        with self._lock:
            self._held[held] = None
        held.body.when_settled(functools.partial(self._schedule_answer, held))

    def _schedule_answer(self, held: _HeldRequest) -> None:
        """Have the loop answer a request; one call answers all that have settled by then."""
        self._settled.append(held)
        if not self._is_scheduled:
            self._is_scheduled = True
            self.method_queue.defer(self._answer_settled)

    def _answer_settled(self) -> None:
        self._is_scheduled = False  # first, so that no request that settles now is missed
        while self._settled:
            self._answer(self._settled.popleft())

    def _first_held(self) -> _HeldRequest | None:
        with self._lock:
            return next(iter(self._held), None)

    def _answer(self, held: _HeldRequest) -> None:
        """Write a response without blocking; a thread sends what the kernel does not take."""
        with self._lock:
            if held not in self._held:
                return  # it was answered when it was overdue, and has settled since
            del self._held[held]
        data, is_kept = self._rendered(held)
        rest = _send_now(held.connection.sock, data)
        if rest:
            future = self.tpool.submit(_send_all, held.connection.sock, rest, is_kept)
            future.add_done_callback(functools.partial(self._handled, held.connection))
        else:
            self.finish_request(held.connection, _KEEP if is_kept else _CLOSE)

    def _rendered(self, held: _HeldRequest) -> tuple[bytes, bool]:
        """Render a response; return its bytes, and whether to keep the connection."""
        response, buffer = held.response, _Buffer()
        response.sock = buffer
        try:
            for chunk in held.body:
                response.write(chunk)
            response.close()
        except Exception:
            self.log.exception("Error handling request")
            return buffer.data, False
        finally:
            took = datetime.now() - held.began  # noqa: DTZ005 - as above
            self.log.access(response, response.req, held.environ, took)
        return buffer.data, held.can_keep_alive and not response.should_close()


def _send_now(sock: Any, data: bytes) -> bytes:
    """Send what the kernel accepts without blocking; return the rest, or all data on an error."""
    if isinstance(sock, ssl.SSLSocket):
        return data
    try:
        return data[sock.send(data, MSG_DONTWAIT) :]
    except OSError:
        return data


def _send_all(sock: Any, data: bytes, is_kept: bool) -> bool:
    """Send all data, however long that takes; return whether to keep the connection."""
    try:
        sock.sendall(data)
    except OSError:
        return False  # the client has disconnected
    return is_kept


def drop_connections_on_term(arbiter: Any) -> None:
    """Make gunicorn's master drop new connections on SIGTERM, before it stops its workers."""
    stop = arbiter.handle_term

    def handle_term() -> None:
        dropped = [drop_new_connections(listener) for listener in arbiter.LISTENERS]
        if not all(dropped):
            arbiter.log.warning(
                "this kernel cannot drop new connections: if a client connects at the moment the "
                "port closes, its connection is reset and it cannot know the outcome"
            )
        stop()

    arbiter.handle_term = handle_term
