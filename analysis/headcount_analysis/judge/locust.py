"""How Locust ended: a gate of the scenario's own, such as a listener, is a check as well."""

from collections.abc import Iterator

from headcount.run.locust_exit import Cause
from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits

NAME = "Locust's exit code"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check what Locust ended with, where that is known."""
    ended = evidence.locust_exit
    if ended is not None and ended.exit_code is not None:
        is_broken = ended.cause is Cause.OTHER
        result = Result.BROKEN if is_broken else Result.KEPT
        yield Check(NAME, result, str(ended), area=Area.THRESHOLDS)


def notes(evidence: Evidence) -> Iterator[str]:
    """Tell of an error that ended Locust, and of what listeners raised."""
    ended = evidence.locust_exit
    if ended is not None:
        if ended.cause is Cause.ERROR:
            yield str(ended)
        yield from ended.problems
