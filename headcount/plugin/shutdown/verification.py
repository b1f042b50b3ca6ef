"""Verification: runs `headcount verify` as a process beside Locust, and reads its output."""

import os
import sys
import time

from headcount.monitor.display.run_view import RunStage
from headcount.run.folder import RunFolder
from headcount.run.verdict import StoredVerdict, read_verdict
from headcount.stack.process import Process, error_lines

POLL_S = 0.1

_JUDGED = frozenset({0, 1, 3, 4})


class Verification:
    """Verifies a run; dies with this process."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._log = folder.logs / "verify.log"
        self._start = self._log.stat().st_size if self._log.exists() else 0
        argv = [sys.executable, "-m", "headcount", "verify", str(folder.path)]
        self._process = Process("headcount verify", argv, log_path=self._log, environ=os.environ)

    @property
    def exit_code(self) -> int | None:
        """The process's exit code; None while it runs."""
        return self._process.returncode

    @property
    def stage(self) -> RunStage:
        """The stage that the run has reached."""
        code = self.exit_code
        if code is None:
            return RunStage.JUDGING
        return (
            RunStage.JUDGED if code in _JUDGED and self.verdict is not None else RunStage.NOT_JUDGED
        )

    @property
    def verdict(self) -> StoredVerdict | None:
        """The run's verdict, if there is one."""
        return read_verdict(self._folder.path)

    @property
    def step(self) -> str:
        """The last line of output, which names the current step."""
        return (self._lines() or [""])[-1]

    @property
    def why_not(self) -> str:
        """Why there is no verdict."""
        return " / ".join(error_lines(self._log, self._start)) or "it printed nothing"

    def output(self) -> str:
        """All output so far."""
        return "\n".join(self._lines())

    def wait(self) -> int:
        """Wait for the process to end, without a time limit, and return its exit code."""
        while (code := self.exit_code) is None:
            time.sleep(POLL_S)
        return code

    def stop(self) -> None:
        """Stop the process. Idempotent."""
        self._process.stop()

    def _lines(self) -> list[str]:
        try:
            with self._log.open("rb") as file:
                file.seek(self._start)
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()]
