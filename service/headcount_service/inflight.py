"""Counts requests in this worker that may still publish.

The worker counts them (`gunicorn_worker.py`), and the producer gathers records until the last of
them has handed over its event (`producer.py`). Under a server that does not count, nothing waits.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator


class InflightRequests:
    """The number of requests that may still publish; each publishes at most one event."""

    def __init__(self) -> None:
        self._own = threading.local()  # `is_pending`: this thread's request may still hand over
        self._lock = threading.Lock()  # guards `_count` and `_waiting`
        self._count = 0
        self._waiting: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Count a request that some thread will handle."""
        with self._lock:
            self._count += 1

    @contextlib.contextmanager
    def handled_here(self) -> Iterator[None]:
        """Handle a counted request in this thread; the request ends with the block."""
        self._own.is_pending = True
        try:
            yield
        finally:
            with self.handing_over():
                pass  # the request had nothing to hand over, or has done so

    @contextlib.contextmanager
    def handing_over(self) -> Iterator[None]:
        """Hand over the event of this thread's request, which is then no longer counted."""
        is_counted = getattr(self._own, "is_pending", False)
        self._own.is_pending = False
        with self._lock:
            self._count -= is_counted
        try:
            yield
        finally:
            self._call_if_none()

    def is_none(self) -> bool:
        """Return whether the number is 0."""
        return self._count == 0

    def when_none(self, then: Callable[[], None]) -> None:
        """Call `then` once, as soon as the number is 0: now, or in the last request's thread.

        A callable registered twice is called once.
        """
        with self._lock:
            self._waiting.add(then)
        self._call_if_none()

    def _call_if_none(self) -> None:
        with self._lock:
            if self._count or not self._waiting:
                return
            called, self._waiting = self._waiting, set()
        for then in called:
            then()


requests = InflightRequests()
