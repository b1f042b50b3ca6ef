"""Waiting for a condition instead of a fixed time."""

import time
from collections.abc import Callable

DEADLINE_S = 120.0


def eventually(holds: Callable[[], object], what: str, *, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as `holds` returns true; at the deadline fail with `what`."""
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.02)
