"""Whether anything was put to the test: what nobody acknowledged cannot be lost."""

from collections.abc import Iterator

from analysis.evidence import Evidence
from analysis.judge.answers import listed
from analysis.judge.limits import Limits
from headcount.verdict import Check, Result

NAME = "acknowledged"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that attempts were made and acknowledged, in all and of each event type."""
    counts = evidence.counts
    if counts.attempted == 0:
        remedy = "run longer, or with more users"
        yield Check(NAME, Result.UNPROVEN, "nothing was attempted", remedy)
    elif counts.acked == 0:
        yield Check(
            NAME,
            Result.UNPROVEN,
            f"none of {counts.attempted} attempts was acknowledged, so nothing was put to the test"
            + (f": {answers}" if (answers := listed(evidence)) else ""),
            "see to --host and to the service's log",
        )
    else:
        yield from _by_event_type(evidence)


def _by_event_type(evidence: Evidence) -> Iterator[Check]:
    for name, counts in sorted(evidence.by_event_type.items()):
        if counts.attempted:
            result = Result.KEPT if counts.acked else Result.NOT_TRIED
            told = f"{counts.acked} of {counts.attempted} attempts acknowledged"
            yield Check(f"{NAME}: {name}", result, told)
