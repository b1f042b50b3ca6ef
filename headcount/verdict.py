"""Verdicts: what is said of a run, and the exit code that it ends in."""

from enum import StrEnum

BROKEN_THRESHOLD = 4
"""The exit code of a pass that did not keep to a threshold."""


class Verdict(StrEnum):
    """What is said of a run; only a pass is a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The exit code that a command ends in: 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[self]
