"""Sharing: a gunicorn worker that leaves connections for the others."""

import time
from typing import Any

from headcount_service.gunicorn_worker import DeferringWorker

PAUSE_S = 0.0005


class SharingWorker(DeferringWorker):
    """Pauses after each connection that it accepts, until it has one for each of its threads.

    Clients often connect all at once, and stay. gunicorn's worker that wakes first takes most of
    them before another is awake, and what the service can do is then what one process can.
    """

    _paused_until_s = 0.0

    def accept(self, listener: Any) -> None:
        """Take a connection; one that comes at the same time is another worker's first."""
        before = self.nr_conns
        super().accept(listener)
        if self.alive and before < self.nr_conns < self.cfg.threads and self.cfg.workers > 1:
            self._paused_until_s = time.monotonic() + PAUSE_S
            self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to accept; in a pause not yet."""
        super().set_accept_enabled(enabled and time.monotonic() >= self._paused_until_s)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Do one turn of the loop, which is no longer than a pause."""
        pause_s = self._paused_until_s - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, pause_s) if pause_s > 0 else timeout)
