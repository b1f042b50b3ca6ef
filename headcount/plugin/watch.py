"""The watch: the process beside Locust that looks at the topic, and what it has seen."""

import json
import os
import sys
from collections.abc import Iterator

from headcount.live.sight import Sight, load
from headcount.run import Manifest, RunFolder
from headcount.stack.process import Process


class Watch:
    """Looks at a run's part of the topic until it is stopped; dies with this process."""

    def __init__(self, manifest: Manifest, folder: RunFolder) -> None:
        argv = [sys.executable, "-m", "headcount.live.watch"]
        argv += [manifest.bootstrap_servers, manifest.topic, manifest.tag]
        argv.append(json.dumps(manifest.start_offsets))
        log = folder.logs / "watch.log"
        self._process = Process("the watch", argv, log_path=log, environ=os.environ)
        self._log = log.open("rb")
        self._rest = b""

    def sights(self) -> Iterator[Sight]:
        """What it has seen since it was asked last."""
        *lines, self._rest = (self._rest + self._log.read()).split(b"\n")
        for line in lines:
            sight = load(line)
            if sight is not None:
                yield sight

    def stop(self) -> None:
        """End it. Idempotent."""
        self._process.stop()
        self._log.close()
