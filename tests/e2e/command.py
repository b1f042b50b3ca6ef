"""The `headcount` command as a test runs it, and what it came to."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

DEADLINE_S = 300.0


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:
        """The run's `verdict.json`."""
        document: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return document

    def table(self, name: str) -> list[dict[str, str]]:
        """Read one of the run's CSV files."""
        with (self.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))


def headcount(
    reports: Path,
    *arguments: str,
    run_id: str = "run-1",
    prepare: Callable[[], None] | None = None,
    **environ: str,
) -> Outcome:
    """Run the command to its end, and see that it leaves no process."""
    command = [sys.executable, "-m", "headcount", *arguments]
    before = set(psutil.pids())
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env={**os.environ, **environ},
        check=False,
        preexec_fn=prepare,
    )
    assert left_by(reports, before) == []
    return Outcome(done.returncode, done.stdout, done.stderr, reports / run_id)


def left_by(reports: Path, before: set[int]) -> list[str]:
    """Name the processes that began since and have to do with these reports."""
    lines = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if process.info["pid"] not in before and str(reports) in line:
            lines.append(line)
    return lines


def a_short_run(*more: str) -> list[str]:
    """Spell out a run of a few dozen requests."""
    return ["run", "-u", "5", "-t", "2s", "--seed", "1", "--run-id", "run-1", *more]
