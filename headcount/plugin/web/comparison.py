"""What changed between two runs: `headcount compare` as a process, one at a time, for a while."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from gevent.lock import BoundedSemaphore

TIMEOUT_S = 60.0
_free = BoundedSemaphore(1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A page, or why there is none."""

    page: str = ""
    why_not: str = ""
    status: HTTPStatus = HTTPStatus.OK


def compare(
    runs: Sequence[Path], *, anyway: bool = False, timeout_s: float = TIMEOUT_S
) -> Comparison:
    """Compare the later of two runs with the earlier."""
    if not _free.acquire(blocking=False):
        why = "another comparison is being made: try again when it is done"
        return Comparison(why_not=why, status=HTTPStatus.TOO_MANY_REQUESTS)
    try:
        return _compared(runs, anyway=anyway, timeout_s=timeout_s)
    finally:
        _free.release()


def _compared(runs: Sequence[Path], *, anyway: bool, timeout_s: float) -> Comparison:
    command = [sys.executable, "-m", "headcount", "compare", "--html", "-"]
    command += ["--anyway"] if anyway else []
    command += [str(path) for path in runs]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        by_hand = f"headcount compare {' '.join(str(path) for path in runs)}"
        why = f"it took longer than {timeout_s:g} s: {by_hand} has no such limit"
        return Comparison(why_not=why, status=HTTPStatus.GATEWAY_TIMEOUT)
    if done.returncode:
        return Comparison(why_not=done.stderr, status=HTTPStatus.CONFLICT)
    return Comparison(done.stdout)
