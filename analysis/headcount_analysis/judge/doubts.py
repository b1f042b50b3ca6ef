"""Shared by the modules of checks: their signature, and doubts turned into checks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits

Checks = Callable[[Evidence, Limits], Iterator[Check]]
"""Yields the checks of one subject."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An observation that keeps something from being proven, and a remedy."""

    evidence: str
    remedy: str = ""

    def __str__(self) -> str:
        """Format both in one line."""
        return "; ".join(part for part in (self.evidence, self.remedy) if part)


def doubts_or_kept(
    name: str, doubts: Iterable[Doubt], kept: str, area: Area = Area.EVIDENCE
) -> Iterator[Check]:
    """Yield an unproven check for each doubt, or one kept check if there are none."""
    is_kept = True
    for doubt in doubts:
        is_kept = False
        yield Check(name, Result.UNPROVEN, doubt.evidence, doubt.remedy, area)
    if is_kept:
        yield Check(name, Result.KEPT, kept, area=area)


def proof(name: str, evidence: str, remedy: str, missing: str) -> Check:
    """Return the check of an exceeded limit: broken, or unproven if evidence is missing."""
    if missing:
        unproven = f"{evidence}; not proven: {missing}"
        return Check(name, Result.UNPROVEN, unproven, remedy, Area.DELIVERY)
    return Check(name, Result.BROKEN, evidence, remedy, Area.DELIVERY)
