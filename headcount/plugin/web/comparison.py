"""Comparison of two runs: runs `headcount compare`, one process at a time, with a time limit."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from gevent.lock import BoundedSemaphore

TIMEOUT_S = 60.0
_LINKS = "./runs"  # where the page's links to reports lead
_lock = BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison page, or why there is none."""

    page: str = ""
    why_not: str = ""
    status: HTTPStatus = HTTPStatus.OK


def compare(
    runs: Sequence[Path], *, anyway: bool = False, timeout_s: float = TIMEOUT_S
) -> Comparison:
    """Compare two runs, the earlier first."""
    if not _lock.acquire(blocking=False):
        why = "another comparison is running: try again when it is done"
        return Comparison(why_not=why, status=HTTPStatus.TOO_MANY_REQUESTS)
    try:
        return _compared(runs, anyway=anyway, timeout_s=timeout_s)
    finally:
        _lock.release()


def _compared(runs: Sequence[Path], *, anyway: bool, timeout_s: float) -> Comparison:
    command = [sys.executable, "-m", "headcount", "compare", "--html", "-", "--links", _LINKS]
    command += ["--anyway"] if anyway else []
    command += [str(path) for path in runs]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        by_hand = f"headcount compare {' '.join(str(path) for path in runs)}"
        why = f"it took longer than {timeout_s:g} s: run {by_hand}, which has no time limit"
        return Comparison(why_not=why, status=HTTPStatus.GATEWAY_TIMEOUT)
    if done.returncode:
        return Comparison(why_not=done.stderr, status=HTTPStatus.CONFLICT)
    return Comparison(done.stdout)
