"""The worker: gunicorn's threaded one, which closes its listeners when it ends."""

import time
from typing import Any

from headcount_service.listener_filter import receive_packets
from headcount_service.worker.sharing import SharingWorker

CLOSE_AFTER_S = 0.25
ACCEPT_EVERY_S = 0.01


class ClosingWorker(SharingWorker):
    """Serves who has connected by its end, and then closes its listeners.

    gunicorn's keeps them open until its last connection has ended. Who connects meanwhile sends a
    request that nobody reads, and loses the connection in the end: the client cannot know what
    became of it. A closed port refuses at once, which proves that nothing was taken.

    A handshake that has begun needs the rest of a round trip to become a connection: for
    `CLOSE_AFTER_S` the worker accepts those. Newcomers are dropped meanwhile (`listeners.py`).
    """

    _closes_at_s: float | None = None
    _is_closed = False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to accept; a worker that ends begins to close."""
        is_ending = not self.alive  # asked once: a signal may come at any moment
        super().set_accept_enabled(enabled and not is_ending)
        if is_ending and self._closes_at_s is None:
            self._closes_at_s = time.monotonic() + CLOSE_AFTER_S
            self.nr_conns += 1  # the loop goes on while there are connections, or may be

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Do one turn of the loop; at the end also accept, until the listeners are closed."""
        if self._closes_at_s is None or self._is_closed:
            super().wait_for_and_dispatch_events(timeout)
            return
        super().wait_for_and_dispatch_events(min(timeout, ACCEPT_EVERY_S))
        is_time = time.monotonic() >= self._closes_at_s  # asked before the last are accepted
        for listener in self.sockets:
            self._accept_waiting(listener)
        if is_time:
            self._is_closed = True
            self.nr_conns -= 1
            for listener in self.sockets:
                listener.close()

    def _accept_waiting(self, listener: Any) -> None:
        """Accept who has connected by now."""
        accepted = -1
        while accepted < self.nr_conns:
            accepted = self.nr_conns
            self.accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread handle the next request of a connection."""
        if self._closes_at_s is not None:
            receive_packets(conn.sock)
        super().enqueue_req(conn)
