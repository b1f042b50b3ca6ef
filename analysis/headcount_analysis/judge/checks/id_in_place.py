"""Whether ids are in the place where the run expects them: an id elsewhere is not a loss."""

from collections.abc import Iterator

from headcount.run.verdict import Check
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits

NAME = "id in place"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that some message has its id in place, if events are missing."""
    placement = evidence.placement
    remedy = f"{placement.remedy}; headcount probe {evidence.manifest.scenario} finds the options"
    doubts = [Doubt(placement.evidence, remedy)] if placement.is_doubtful else []
    kept = f"{placement.at_location:,} messages have an id {placement.location.phrase}"
    return doubts_or_kept(NAME, doubts, kept)
