"""Failures of the verifier itself, and counts that contradict each other."""

from collections.abc import Iterator

from headcount.run.verdict import Check
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits

NAME = "verification"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that the verifier completed all of its work."""
    return doubts_or_kept(NAME, map(Doubt, evidence.problems), "complete")


def sums(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that every attempt has one class and one outcome."""
    counts = evidence.counts
    remedy = "the ledger is damaged or the verifier has a bug; please report it"
    doubts = (Doubt(contradiction, remedy) for contradiction in counts.contradictions)
    return doubts_or_kept("sums", doubts, f"classes and outcomes add up to {counts.attempted:,}")
