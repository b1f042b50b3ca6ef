"""Verdicts: what is said of a run, the exit code that it ends in, and how it is read again."""

from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

BROKEN_THRESHOLD = 4
"""The exit code of a pass that did not keep to a threshold."""

DOCUMENT_FORMAT = 1
"""The format of `verdict.json`."""


class Verdict(StrEnum):
    """What is said of a run; only a pass is a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The exit code that a command ends in: 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[self]


@validated(frozen=True, slots=True)
class ThresholdTold:
    """A threshold, as verdict.json tells of it."""

    text: str
    holds: bool
    shown: str


@validated(frozen=True, slots=True)
class VerdictTold:
    """What verdict.json tells, as far as it is shown without the report."""

    run_id: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    thresholds: tuple[ThresholdTold, ...] = ()
    counts: dict[str, int] | None = None
    scenario: str = ""
    created_at: str = ""


_VERDICT = TypeAdapter(VerdictTold)


def read_verdict(folder: Path) -> VerdictTold | None:
    """Read the verdict in a run's folder; None where there is none that makes sense."""
    try:
        return _VERDICT.validate_json((folder / "verdict.json").read_bytes())
    except (OSError, ValidationError):
        return None
