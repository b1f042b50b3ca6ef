"""Verification: `headcount verify` as a process beside Locust, and what it says."""

import importlib.util
import os
import sys
import time
from enum import StrEnum

from headcount.run.folder import RunFolder
from headcount.run.verdict import VerdictTold, read_verdict
from headcount.stack.process import Process, telling_lines

POLL_S = 0.1

_JUDGED = frozenset({0, 1, 3, 4})


class RunStage(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    JUDGING = "judging"
    JUDGED = "judged"
    NOT_JUDGED = "not judged"


def cannot_judge() -> str:
    """Why nothing can be judged in this environment; empty if it can."""
    missing = [name for name in ("rich", "pyspark") if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    return (
        f"no run can be judged here without {' and '.join(missing)}: install "
        "headcount[cli], or judge it with headcount verify where it is"
    )


class Verification:
    """Judges a run; dies with this process."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._log = folder.logs / "verify.log"
        self._start = self._log.stat().st_size if self._log.exists() else 0
        argv = [sys.executable, "-m", "headcount", "verify", str(folder.path)]
        self._process = Process("the judgement", argv, log_path=self._log, environ=os.environ)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, None while it goes on."""
        return self._process.returncode

    @property
    def stage(self) -> RunStage:
        """How far it has come."""
        code = self.exit_code
        if code is None:
            return RunStage.JUDGING
        return (
            RunStage.JUDGED if code in _JUDGED and self.verdict is not None else RunStage.NOT_JUDGED
        )

    @property
    def verdict(self) -> VerdictTold | None:
        """What came of it."""
        return read_verdict(self._folder.path)

    @property
    def step(self) -> str:
        """What it is at."""
        return (self._lines() or [""])[-1]

    @property
    def why_not(self) -> str:
        """Why there is no verdict."""
        return " / ".join(telling_lines(self._log, self._start)) or "it said nothing"

    def said(self) -> str:
        """All that it has said."""
        return "\n".join(self._lines())

    def wait(self) -> int:
        """Wait for its end, however long, and return its exit code."""
        while (code := self.exit_code) is None:
            time.sleep(POLL_S)
        return code

    def stop(self) -> None:
        """End it. Idempotent."""
        self._process.stop()

    def _lines(self) -> list[str]:
        try:
            with self._log.open("rb") as file:
                file.seek(self._start)
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()]
