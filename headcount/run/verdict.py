"""Verdicts: a list of checks, the one label that follows from it, and how both are read again.

A check has one of four results:

- kept: looked at, and within what the run allows.
- broken: looked at, and proven to be above it.
- unproven: it should have been decided, and the evidence does not suffice.
- not tried: nobody asked for it, there was nothing to try it on, or another check that is unproven
  keeps it from being decided. It proves nothing either way.

`label_of` makes the label, and with it the exit code and the colour that every surface shows:

- FAIL (1): a check of delivery or evidence is broken. More evidence could only make it worse.
- INCONCLUSIVE (3): none is, but one is unproven; or no check was kept at all.
- THRESHOLD BROKEN (4): delivery passed, and a threshold is broken.
- PASS (0): every check that was tried is kept.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.files import open_own

BROKEN_THRESHOLD = 4
"""The exit code of a pass that did not keep to a threshold."""

DOCUMENT_FORMAT = 1
"""The format of `verdict.json`."""

MOST_BYTES = 32 * 1024 * 1024
"""A longer document is damaged, or made to fill the memory of who reads it."""


class Verdict(StrEnum):
    """What is said of a run's delivery; only a pass is a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The exit code that a command ends in: 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[self]


class Result(StrEnum):
    """What came of a check."""

    KEPT = "kept"
    BROKEN = "broken"
    UNPROVEN = "unproven"
    NOT_TRIED = "not tried"


class Area(StrEnum):
    """What a check is about: the service's delivery, the evidence for it, or a threshold."""

    DELIVERY = "delivery"
    EVIDENCE = "evidence"
    THRESHOLDS = "thresholds"


@validated(frozen=True, slots=True)
class Check:
    """One thing that was judged, what was seen of it, and what to do about it.

    Several checks of one name are doubts of one subject.
    """

    name: str
    result: Result
    evidence: str = ""
    remedy: str = ""
    area: Area = Area.EVIDENCE

    @property
    def is_against(self) -> bool:
        """Whether it keeps the run from being a pass."""
        return self.result in {Result.BROKEN, Result.UNPROVEN}

    def __str__(self) -> str:
        """Format the evidence and the remedy in a line."""
        return "; ".join(part for part in (self.evidence or self.name, self.remedy) if part)


class Label(StrEnum):
    """What every surface calls a run."""

    PASS = "PASS"  # noqa: S105 - a label, no password
    THRESHOLD_BROKEN = "THRESHOLD BROKEN"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """The exit code that a command ends in."""
        return BROKEN_THRESHOLD if self is Label.THRESHOLD_BROKEN else self.verdict.exit_code

    @property
    def words(self) -> str:
        """The label in running text."""
        return self.lower()

    @property
    def colour(self) -> str:
        """The colour that it is shown in: green, red or yellow."""
        return {Label.PASS: "green", Label.INCONCLUSIVE: "yellow"}.get(self, "red")

    @property
    def mark(self) -> str:
        """The sign before it."""
        return {Label.PASS: "✓", Label.INCONCLUSIVE: "?"}.get(self, "✗")

    @property
    def verdict(self) -> Verdict:
        """The verdict on delivery, which a broken threshold does not change."""
        return Verdict.PASS if self is Label.THRESHOLD_BROKEN else Verdict(self.lower())

    @property
    def meaning(self) -> str:
        """One sentence for readers who see it for the first time."""
        return _MEANING[self]

    @property
    def rank(self) -> int:
        """How bad it is: a greater rank is worse."""
        return _FROM_BEST.index(self)


_FROM_BEST = (Label.PASS, Label.THRESHOLD_BROKEN, Label.INCONCLUSIVE, Label.FAIL)
_MEANING = {
    Label.PASS: "Every acknowledged event is in the topic, once and unaltered.",
    Label.THRESHOLD_BROKEN: "Delivery passed, and a threshold was not kept.",
    Label.FAIL: "The topic does not hold what was acknowledged.",
    Label.INCONCLUSIVE: "The evidence does not allow a verdict.",
}


def label_of(checks: Iterable[Check]) -> Label:
    """Conclude from the checks; nothing else decides what a run is called."""
    checks = tuple(checks)
    thresholds = {each.result for each in checks if each.area is Area.THRESHOLDS}
    delivery = {each.result for each in checks if each.area is not Area.THRESHOLDS}
    if Result.BROKEN in delivery:
        return Label.FAIL
    if Result.UNPROVEN in delivery or Result.KEPT not in delivery:
        return Label.INCONCLUSIVE
    if Result.BROKEN in thresholds:
        return Label.THRESHOLD_BROKEN
    return Label.INCONCLUSIVE if Result.UNPROVEN in thresholds else Label.PASS


def against(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Give the checks that keep a run from being a pass: delivery first, and what is proven."""

    def rank(check: Check) -> tuple[bool, bool]:
        return check.area is Area.THRESHOLDS, check.result is not Result.BROKEN

    return tuple(sorted((each for each in checks if each.is_against), key=rank))


def tally_of(checks: Iterable[Check]) -> str:
    """Count the checks by their results, for a line above or below them."""
    results = [each.result for each in checks]
    counts = {result: results.count(result) for result in Result}
    return ", ".join(f"{count} {result}" for result, count in counts.items() if count)


@validated(frozen=True, slots=True)
class ThresholdTold:
    """A threshold, as verdict.json tells of it."""

    text: str
    holds: bool
    shown: str
    result: Result | None = None

    @property
    def outcome(self) -> Result:
        """What came of it, in a document from before there were results, too."""
        return self.result or (Result.KEPT if self.holds else Result.BROKEN)


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
    checks: tuple[Check, ...] = ()

    @property
    def label(self) -> Label:
        """What the run is called."""
        return label_in(self.verdict, self.checks, self.thresholds)


def label_in(
    verdict: Verdict, checks: Sequence[Check], thresholds: Iterable[ThresholdTold]
) -> Label:
    """Give the label of a document: of its checks, or of the rest where it is older than these."""
    if checks:
        return label_of(checks)
    is_broken = any(not each.holds for each in thresholds)
    return (
        Label.THRESHOLD_BROKEN if verdict is Verdict.PASS and is_broken else Label(verdict.upper())
    )


_VERDICT = TypeAdapter(VerdictTold)


def read_verdict(folder: Path) -> VerdictTold | None:
    """Read the verdict in a run's folder; None where there is none that makes sense."""
    try:
        with open_own(folder, "verdict.json") as file:
            return _VERDICT.validate_json(file.read(MOST_BYTES))
    except (OSError, ValidationError):
        return None
