"""What the modules of checks share: their signature, and a subject's doubts as checks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits

Checks = Callable[[Evidence, Limits], Iterator[Check]]
"""Composes the checks of one subject."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What was seen, and what to do about it."""

    evidence: str
    remedy: str = ""

    def __str__(self) -> str:
        """Format both in a line."""
        return "; ".join(part for part in (self.evidence, self.remedy) if part)


def doubts_or_kept(
    name: str, doubts: Iterable[Doubt], kept: str, area: Area = Area.EVIDENCE
) -> Iterator[Check]:
    """Give a check for each doubt, or one that is kept where there is none."""
    is_kept = True
    for doubt in doubts:
        is_kept = False
        yield Check(name, Result.UNPROVEN, doubt.evidence, doubt.remedy, area)
    if is_kept:
        yield Check(name, Result.KEPT, kept, area=area)


def proof(name: str, evidence: str, remedy: str, missing: str) -> Check:
    """Give the check of what is above its limit: broken, or unproven for want of something."""
    if missing:
        unproven = f"{evidence}; not proven, for {missing}"
        return Check(name, Result.UNPROVEN, unproven, remedy, Area.DELIVERY)
    return Check(name, Result.BROKEN, evidence, remedy, Area.DELIVERY)
