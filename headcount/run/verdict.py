"""Verdicts: a list of checks, the one label that follows from it, and how both are read back.

A check has one of four results:

- kept: tried, and within what the run allows.
- broken: tried, and proven to exceed what the run allows.
- unproven: it should have been decided, but the evidence does not suffice.
- not tried: not requested, nothing to try it on, or undecidable because another check is unproven.
  It proves nothing either way.

`label_of` derives the label, and with it the exit code and the colour that every surface shows:

- FAIL (1): a check of delivery or evidence is broken. More evidence could only make it worse.
- INCONCLUSIVE (3): no such check is broken, but one is unproven; or none was kept.
- THRESHOLD BROKEN (4): delivery passed, and a threshold is broken.
- PASS (0): every check that was tried is kept.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from headcount.files import open_own

BROKEN_THRESHOLD = 4
"""The exit code if delivery passed but a threshold is broken."""

DOCUMENT_FORMAT = 1
"""The format of `verdict.json`."""

MOST_BYTES = 32 * 1024 * 1024
"""A longer document is damaged, or made to exhaust its reader's memory."""


class Verdict(StrEnum):
    """The verdict on a run's delivery; anything but `pass` does not count as passed."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The exit code of a command: 0, 1 or 3."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[self]


class Result(StrEnum):
    """The result of a check."""

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
    """One item of a verdict: its result, the evidence and the remedy.

    Checks with the same name are about the same subject. `has_exceptions` is whether a kept check
    found something that the run allows by an option, such as 3 lost events of 5 allowed.
    """

    name: str
    result: Result
    evidence: str = ""
    remedy: str = ""
    area: Area = Area.EVIDENCE
    has_exceptions: bool = False

    @property
    def is_against(self) -> bool:
        """Whether it keeps the run from a pass."""
        return self.result in {Result.BROKEN, Result.UNPROVEN}

    def __str__(self) -> str:
        """Format the evidence and the remedy on one line."""
        return "; ".join(part for part in (self.evidence or self.name, self.remedy) if part)


class Label(StrEnum):
    """The label of a run, the same on every surface."""

    PASS = "PASS"  # noqa: S105 - a label, not a password
    THRESHOLD_BROKEN = "THRESHOLD BROKEN"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """The exit code of a command."""
        return BROKEN_THRESHOLD if self is Label.THRESHOLD_BROKEN else self.verdict.exit_code

    @property
    def words(self) -> str:
        """The label in running text."""
        return self.lower()

    @property
    def colour(self) -> str:
        """Its colour: green, red or yellow."""
        return {Label.PASS: "green", Label.INCONCLUSIVE: "yellow"}.get(self, "red")

    @property
    def mark(self) -> str:
        """The symbol before it."""
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
    Label.THRESHOLD_BROKEN: "Delivery passed, but a threshold is broken.",
    Label.FAIL: "The topic or the state contradicts the requests or their responses.",
    Label.INCONCLUSIVE: "The evidence does not allow a verdict.",
}


def label_of(checks: Iterable[Check]) -> Label:
    """Derive the label from the checks; nothing else decides it."""
    checks = tuple(checks)
    thresholds = {check.result for check in checks if check.area is Area.THRESHOLDS}
    delivery = {check.result for check in checks if check.area is not Area.THRESHOLDS}
    if Result.BROKEN in delivery:
        return Label.FAIL
    if Result.UNPROVEN in delivery or Result.KEPT not in delivery:
        return Label.INCONCLUSIVE
    if Result.BROKEN in thresholds:
        return Label.THRESHOLD_BROKEN
    return Label.INCONCLUSIVE if Result.UNPROVEN in thresholds else Label.PASS


def meaning_of(checks: Iterable[Check]) -> str:
    """Return the sentence below a label; that of a pass claims no more than was checked."""
    checks = tuple(checks)
    label = label_of(checks)
    if label is not Label.PASS:
        return label.meaning
    exceptions = "; ".join(check.evidence for check in checks if check.has_exceptions)
    if exceptions:
        return f"Only allowed exceptions occurred: {exceptions}."
    if any(check.name == "corrupted" and check.result is Result.NOT_TRIED for check in checks):
        return "Every acknowledged event is in the topic once; its content was not compared."
    return label.meaning


def against(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that keep a run from a pass: delivery first, broken before unproven."""

    def rank(check: Check) -> tuple[bool, bool]:
        return check.area is Area.THRESHOLDS, check.result is not Result.BROKEN

    return tuple(sorted((check for check in checks if check.is_against), key=rank))


def tally_of(checks: Iterable[Check]) -> str:
    """Format how many checks had each result, for a line above or below them."""
    results = [check.result for check in checks]
    counts = {result: results.count(result) for result in Result}
    return ", ".join(f"{count} {result}" for result, count in counts.items() if count)


@validated(frozen=True, slots=True)
class StoredThreshold:
    """A threshold, as recorded in verdict.json."""

    text: str
    holds: bool
    shown: str
    result: Result | None = None

    @property
    def outcome(self) -> Result:
        """Its result, derived from `holds` if the document has no other."""
        return self.result or (Result.KEPT if self.holds else Result.BROKEN)


@validated(frozen=True, slots=True)
class StoredVerdict:
    """The part of verdict.json that is shown without the report."""

    run_id: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    thresholds: tuple[StoredThreshold, ...] = ()
    counts: dict[str, int] | None = None
    scenario: str = ""
    created_at: str = ""
    checks: tuple[Check, ...] = ()
    by_event_type: dict[str, dict[str, int]] | None = None

    @property
    def label(self) -> Label:
        """The label of the run."""
        return label_in(self.verdict, self.checks, self.thresholds)

    @property
    def meaning(self) -> str:
        """The sentence below the label."""
        return meaning_of(self.checks) if self.checks else self.label.meaning


def label_in(
    verdict: Verdict, checks: Sequence[Check], thresholds: Iterable[StoredThreshold]
) -> Label:
    """Return the label of a document, by its checks, or by the rest if it has none."""
    if checks:
        return label_of(checks)
    is_broken = any(not threshold.holds for threshold in thresholds)
    return (
        Label.THRESHOLD_BROKEN if verdict is Verdict.PASS and is_broken else Label(verdict.upper())
    )


_VERDICT = TypeAdapter(StoredVerdict)
_Stored = TypeVar("_Stored")


def read_verdict(folder: Path) -> StoredVerdict | None:
    """Read the verdict in a run's folder; None if it is missing or invalid."""
    return read_stored(folder, _VERDICT)


def read_stored(folder: Path, part: TypeAdapter[_Stored]) -> _Stored | None:
    """Read a part of the verdict in a run's folder; None if it is missing or invalid."""
    try:
        with open_own(folder, "verdict.json") as file:
            return part.validate_json(file.read(MOST_BYTES))
    except (OSError, ValidationError):
        return None
