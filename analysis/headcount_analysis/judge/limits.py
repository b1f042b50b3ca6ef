"""Limits: how many of each class a run allows."""

from dataclasses import dataclass

from headcount.run.default_times import LATE_AFTER_MS


@dataclass(frozen=True, slots=True)
class Limits:
    """How many of each class the run allows; None sets no limit. Times in ms.

    `different` limits how many values of the state may differ. `unacked` lists event types that
    need no acknowledged attempt.
    """

    lost: int = 0
    duplicated: int = 0
    ghost: int = 0
    phantom: int = 0
    corrupted: int = 0
    reordered: int | None = None
    late: int | None = None
    misplaced: int | None = None
    malformed: int | None = None
    garbled: int = 0
    different: int = 0
    unsealed: int = 0
    late_after_ms: int = LATE_AFTER_MS
    unacked: tuple[str, ...] = ()

    def of(self, key: str) -> int | None:
        """Return the limit of a class or flag."""
        limit: int | None = getattr(self, key)
        return limit
