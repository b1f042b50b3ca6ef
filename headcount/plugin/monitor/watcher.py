"""The watcher: starts the topic watcher as a process beside Locust, and reads its counts."""

import os
import sys
import time
from collections.abc import Iterator

from headcount.monitor.topic_counts import TopicCounts, load
from headcount.run.folder import RunFolder
from headcount.stack.process import Process, error_lines

FIRST_RESTART_S, LAST_RESTART_S = 1.0, 30.0
"""The first and the longest delay before a topic watcher that has died is restarted."""


class Watcher:
    """Watches the topic during a run until it is stopped; dies with this process.

    A process that ends is restarted; `problem` is the last error line of the one that ended.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._argv = [sys.executable, "-m", "headcount.monitor.topic_watcher", str(folder.path)]
        self._path = folder.logs / "watch.log"
        self._process = self._start()
        self._log = self._path.open("rb")
        self._rest = b""
        self._restart_at_s: float | None = None
        self._pause_s = FIRST_RESTART_S
        self.problem = ""

    def new_counts(self) -> Iterator[TopicCounts]:
        """Yield the counts reported since the last call."""
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        self._restart_if_dead()
        for line in lines:
            counts = load(line)
            if counts is not None:
                yield counts

    def stop(self) -> None:
        """Stop the process. Idempotent."""
        self._process.stop()
        self._log.close()

    def _start(self) -> Process:
        return Process("the topic watcher", self._argv, log_path=self._path, environ=os.environ)

    def _restart_if_dead(self) -> None:
        """Restart the process some time after it has died."""
        now_s = time.monotonic()
        if self._process.returncode is None:
            return
        if self._restart_at_s is None:
            self.problem = (error_lines(self._path, limit=1) or ["the topic watcher has died"])[-1]
            self._restart_at_s = now_s + self._pause_s
            self._pause_s = min(LAST_RESTART_S, self._pause_s * 2)
        elif now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._rest = b""  # what the dead process wrote last is not a whole line
            self._process = self._start()
