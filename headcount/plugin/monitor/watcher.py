"""The watch: the process beside Locust that looks at the topic, and what it has seen."""

import json
import os
import sys
import time
from collections.abc import Iterator

from headcount.monitor.topic_counts import TopicCounts, load
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.stack.process import Process, telling_lines

FIRST_RESTART_S, LAST_RESTART_S = 1.0, 30.0
"""How long a watch that has died is let be before another is started, at first and in the end."""


class Watcher:
    """Looks at a run's part of the topic until it is stopped; dies with this process.

    A process that ends is started again; `problem` says what the last one said at its end.
    """

    def __init__(self, manifest: Manifest, folder: RunFolder) -> None:
        self._argv = [sys.executable, "-m", "headcount.monitor.topic_watcher"]
        self._argv += [manifest.bootstrap_servers, manifest.topic, manifest.tag]
        self._argv += [manifest.event_id_field, json.dumps(manifest.start_offsets)]
        self._path = folder.logs / "watch.log"
        self._process = self._start()
        self._log = self._path.open("rb")
        self._rest = b""
        self._restart_at_s: float | None = None
        self._pause_s = FIRST_RESTART_S
        self.problem = ""

    def sights(self) -> Iterator[TopicCounts]:
        """What it has seen since it was asked last."""
        self._see_to_process()
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            sight = load(line)
            if sight is not None:
                yield sight

    def stop(self) -> None:
        """End it. Idempotent."""
        self._process.stop()
        self._log.close()

    def _start(self) -> Process:
        return Process("the watch", self._argv, log_path=self._path, environ=os.environ)

    def _see_to_process(self) -> None:
        """Start it again, a while after it has died."""
        now_s = time.monotonic()
        if self._process.returncode is None:
            return
        if self._restart_at_s is None:
            self.problem = (telling_lines(self._path, limit=1) or ["the watch has died"])[-1]
            self._restart_at_s = now_s + self._pause_s
            self._pause_s = min(LAST_RESTART_S, self._pause_s * 2)
        elif now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._process = self._start()
