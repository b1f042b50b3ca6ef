"""Whether there was anything to check against the limits that a run set.

An event without a key has no order, one without a usable timestamp is never late, and one whose
response does not name its place is never misplaced. If that holds for all events, the limit checked
nothing.
"""

from collections.abc import Iterator

from headcount.run.verdict import Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.limits import Limits
from headcount_analysis.messages.timestamps import describe

_REMEDY = {
    "reordered": "make the service set message keys and keep each key in one partition, and send "
    "several requests per key; or leave out --allow reordered",
    "late": "make the service set timestamps in Unix milliseconds, set "
    "message.timestamp.type=LogAppendTime, or synchronise the clocks; or leave out --allow late",
    "misplaced": "make the service answer with X-Event-Partition and X-Event-Offset, or leave out "
    "--allow misplaced",
}
_SHARE_OF_LATE = 10
"""`late` is undecided if clocks are uncertain by more than the limit divided by this."""


def checks(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    """Check that each limit set for a flag had events to check."""
    seen = evidence.checked.seen
    for key, (looked_at, text) in _coverage(evidence).items():
        if limits.of(key) is not None:
            result = Result.KEPT if looked_at else Result.UNPROVEN
            coverage = f"{looked_at:,} of {seen:,} events could be checked{text}"
            yield Check(f"{key}: coverage", result, coverage, "" if looked_at else _REMEDY[key])
    if limits.late is not None:
        yield from _uncertain_times(evidence, limits)


def _coverage(evidence: Evidence) -> dict[str, tuple[int, str]]:
    """Return for how many events each flag could be decided, and why not for the others."""
    known, order = evidence.checked, evidence.order
    unusable = describe(evidence.unusable)
    coverage = {
        "late": (known.timed, f": {unusable}" if unusable else ""),
        "misplaced": (known.placed, ": the other responses name no partition and offset"),
    }
    if known.placed == known.seen:
        coverage["misplaced"] = (known.placed, "")
    if order is not None:
        coverage["reordered"] = (order.events, f": {order.others(known.seen)}")
    return coverage


def _uncertain_times(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    for clock in evidence.clocks:
        if sum(clock.error_ms) * _SHARE_OF_LATE > limits.late_after_ms:
            yield Check("late: clocks", Result.UNPROVEN, clock.doubt, _REMEDY["late"])
