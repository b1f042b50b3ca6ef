"""Waiting for a condition, and not for a while."""

import time
from collections.abc import Callable

DEADLINE_S = 120.0


def eventually(holds: Callable[[], object], what: str, *, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as `holds` does; fail, and say what did not come, at the deadline."""
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.02)
