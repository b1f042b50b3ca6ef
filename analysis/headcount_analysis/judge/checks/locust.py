"""Locust's exit code: a check of its own.

A scenario may use it as a gate, for example by a listener that sets it.
"""

from collections.abc import Iterator

from headcount.run.locust_exit import Cause
from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits

NAME = "Locust's exit code"


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check Locust's exit code, if it is known."""
    ended = evidence.locust_exit
    if ended is not None and ended.exit_code is not None:
        is_broken = ended.cause is Cause.OTHER
        result = Result.BROKEN if is_broken else Result.KEPT
        yield Check(NAME, result, str(ended), area=Area.THRESHOLDS)


def notes(evidence: Evidence) -> Iterator[str]:
    """Note an error that ended Locust, and exceptions that listeners raised."""
    ended = evidence.locust_exit
    if ended is not None:
        if ended.cause is Cause.ERROR:
            yield str(ended)
        yield from ended.problems
