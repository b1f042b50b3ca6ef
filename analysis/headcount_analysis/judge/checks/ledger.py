"""Whether the ledger is complete and undamaged."""

from collections.abc import Iterator

from headcount.run.verdict import Check
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that the ledger exists and is undamaged."""
    count = len(evidence.ledger.generators)
    complete = f"complete, with {count} generator{'' if count == 1 else 's'}"
    return doubts_or_kept("ledger", _doubts(evidence), complete)


def _doubts(evidence: Evidence) -> Iterator[Doubt]:
    if not evidence.ledger.generators:
        yield Doubt(
            "the run has no ledger",
            "if the run ended before its users started, set a longer --run-time; otherwise "
            "restore the run's folder",
        )
    for damage in evidence.ledger.damage:
        yield Doubt(damage)
