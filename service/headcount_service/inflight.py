"""Requests in progress: those that this process has taken up and that may yet hand over an event.

A worker counts them (`deferring.py`), and a producer lets a group of records wait for the last of
them (`producer.py`). Under a server that does not count there are none, and nothing waits.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator


class InflightRequests:
    """How many requests may yet hand over an event; each is taken to make one at most."""

    def __init__(self) -> None:
        self._own = threading.local()  # `is_pending`: this thread's request has not handed over
        self._lock = threading.Lock()  # guards the two below
        self._count = 0
        self._waiting: set[Callable[[], None]] = set()

    def begin(self) -> None:
        """Count a request, which some thread will handle."""
        with self._lock:
            self._count += 1

    @contextlib.contextmanager
    def handled_here(self) -> Iterator[None]:
        """Handle a request that was counted, in this thread; with the block it is over."""
        self._own.is_pending = True
        try:
            yield
        finally:
            with self.handing_over():
                pass  # it had nothing to hand over, or has done so

    @contextlib.contextmanager
    def handing_over(self) -> Iterator[None]:
        """Hand over the event of the request of this thread, which waits for nothing else."""
        is_counted = getattr(self._own, "is_pending", False)
        self._own.is_pending = False
        with self._lock:
            self._count -= is_counted
        try:
            yield
        finally:
            self._call_if_none()

    def is_none(self) -> bool:
        """Whether there is no such request."""
        return self._count == 0

    def when_none(self, then: Callable[[], None]) -> None:
        """Call `then` once, when there is none any more: at once, or in the thread of the last.

        Who is waiting already does not wait twice.
        """
        with self._lock:
            self._waiting.add(then)
        self._call_if_none()

    def _call_if_none(self) -> None:
        with self._lock:
            if self._count or not self._waiting:
                return
            called, self._waiting = self._waiting, set()
        for each in called:
            each()


requests = InflightRequests()
