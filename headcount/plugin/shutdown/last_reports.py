"""The last reports: received from workers after a headless master has stopped listening to them.

Locust gives workers half a second to end, and then reads no more messages, although its socket
stays open. What workers report once they have sealed would be missing from the run's metrics.
"""

import time

import gevent
from locust.exception import RPCError
from locust.runners import MasterRunner

from headcount.monitor.progress import Progress
from headcount.plugin.monitor.progress_reports import PROGRESS
from headcount.plugin.monitor.run_monitor import RunMonitor

TIMEOUT_S = 5.0
"""A sealed worker reports within milliseconds; on a busy machine, it may take longer."""
POLL_S = 0.02


class LastReports:
    """Receives reports until it is closed."""

    def __init__(self, runner: MasterRunner, monitor: RunMonitor) -> None:
        self._runner, self._monitor = runner, monitor
        self._greenlet = gevent.spawn(self._receive_for_ever)

    def await_all(self, generators: set[int]) -> None:
        """Wait until these generators have sent their last report, for TIMEOUT_S at most."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while not self._monitor.finished_generators.issuperset(generators):
            if self._greenlet.dead or time.monotonic() >= deadline_s:
                return
            gevent.sleep(POLL_S)

    def close(self) -> None:
        """Stop receiving. Idempotent."""
        self._greenlet.kill()

    def _receive_for_ever(self) -> None:
        while True:
            try:
                _, message = self._runner.server.recv_from_client()
            except RPCError:
                return
            if message.type == PROGRESS:
                self._monitor.receive(Progress.unpacked(message.data))
