"""Read time-outs: one timer for all requests with the same time-out."""

import time
from typing import Any

from gevent import get_hub, getcurrent


class ReadTimeouts:
    """Raises TimeoutError in greenlets that have waited too long for bytes.

    All waits have the same time-out, so they expire in order, and one timer serves them all.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._ends_s: dict[Any, float] = {}
        self._timer: Any = None

    def wait(self, event: Any, now_s: float) -> None:
        """Wait for a socket's event. `now_s` is monotonic. TimeoutError after the time-out.

        The caller has just read the clock, and reading it again would cost as much as the rest.
        """
        ends_s, greenlet = self._ends_s, getcurrent()
        ends_s[greenlet] = now_s + self._timeout_s
        if self._timer is None:
            self._start_timer(self._timeout_s)
        try:
            get_hub().wait(event)
        finally:
            del ends_s[greenlet]

    def _start_timer(self, after_s: float) -> None:
        loop = get_hub().loop
        loop.update_now()
        # Lower priority than the sockets: after a stall, bytes that came in time are read first.
        self._timer = loop.timer(after_s, ref=False, priority=-1)
        self._timer.start(self._end_waits)

    def _end_waits(self) -> None:
        """End the expired waits; runs in the hub, where no other greenlet runs."""
        self._timer.close()
        self._timer = None
        now_s = time.monotonic()
        for greenlet, end_s in list(self._ends_s.items()):
            if end_s > now_s:
                break
            if self._ends_s.get(greenlet) == end_s:  # it may have resumed meanwhile
                greenlet.throw(TimeoutError("timed out"))
        first_s = next(iter(self._ends_s.values()), None)
        if first_s is not None and self._timer is None:
            self._start_timer(max(0.001, first_s - time.monotonic()))


# By time-out in s: there are few different ones, each with one timer.
_read_timeouts: dict[float, ReadTimeouts] = {}


def read_timeouts_of(timeout_s: float) -> ReadTimeouts:
    """Return the shared time-outs of this length."""
    timeouts = _read_timeouts.get(timeout_s)
    if timeouts is None:
        timeouts = _read_timeouts[timeout_s] = ReadTimeouts(timeout_s)
    return timeouts
