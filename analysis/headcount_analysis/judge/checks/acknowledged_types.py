"""Whether anything was tested: an event that was not acknowledged cannot be lost.

This holds for each event type separately: if all of its attempts were refused or unanswered, it was
not tested, even if other types were.
"""

from collections.abc import Iterator

from headcount.ledger.event_types import REMEDY, RESERVED, UNKNOWN, why_reserved
from headcount.run.verdict import Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.answers import listed, remedy
from headcount_analysis.judge.checks.scenario import why_nothing
from headcount_analysis.judge.limits import Limits

NAME = "acknowledged"


def checks(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    """Check that attempts were made and acknowledged, in total and for each event type."""
    counts = evidence.counts
    if counts.attempted == 0:
        why = why_nothing(evidence.generators.shortfall)
        yield Check(NAME, Result.UNPROVEN, "nothing was attempted", why)
    elif counts.acked == 0:
        yield Check(
            NAME,
            Result.UNPROVEN,
            f"none of {counts.attempted:,} attempts was acknowledged, so nothing was tested"
            + (f": {answers}" if (answers := listed(evidence)) else ""),
            remedy(evidence) or "check --host and the service's log",
        )
    else:
        yield from _by_event_type(evidence, limits)


def _by_event_type(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    for name, counts in sorted(evidence.by_event_type.items()):
        if not counts.attempted:
            continue
        if name in RESERVED and name in evidence.ledger.event_types:
            yield Check(f"{NAME}: {name}", Result.UNPROVEN, why_reserved(name), REMEDY)
            continue
        seen = f"{counts.acked:,} of {counts.attempted:,} attempts acknowledged"
        # Attempts without a row have no type; `seals.py` reports their generator.
        if counts.acked or name == UNKNOWN or name in limits.unacked:
            result = Result.KEPT if counts.acked else Result.NOT_TRIED
            yield Check(f"{NAME}: {name}", result, seen)
        else:
            yield Check(
                f"{NAME}: {name}",
                Result.UNPROVEN,
                f"none of {counts.attempted:,} attempts of event type {name} was acknowledged, so "
                "it was not tested",
                "the notes list the responses; check the service, or allow this with --allow "
                f"unacked={name}",
            )
