"""Whether the limits that a run set had anything to check.

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
    "reordered": "let the service give its messages keys, with a partition for each key, and have "
    "several requests for each; or leave out --allow reordered",
    "late": "let producers write Unix time in milliseconds, set "
    "message.timestamp.type=LogAppendTime, or synchronise the clocks; or leave out --allow late",
    "misplaced": "let the service answer with X-Event-Partition and X-Event-Offset; or leave out "
    "--allow misplaced",
}
_SHARE_OF_LATE = 10
"""Clocks that differ by more than this fraction of the limit leave `late` undecided."""


def checks(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    """Check that each limit set for a flag had events to check."""
    seen = evidence.checked.seen
    for key, (looked_at, text) in _coverage(evidence).items():
        if limits.of(key) is not None:
            result = Result.KEPT if looked_at else Result.UNPROVEN
            told = f"{looked_at} of {seen} events could be checked{text}"
            yield Check(f"{key}: looked at", result, told, "" if looked_at else _REMEDY[key])
    if limits.late is not None:
        yield from _uncertain_times(evidence, limits)


def _coverage(evidence: Evidence) -> dict[str, tuple[int, str]]:
    """Return how many events each flag could be decided for, and why not for the others."""
    known, order = evidence.checked, evidence.order
    unusable = describe(evidence.unusable)
    found = {
        "late": (known.timed, f": {unusable}" if unusable else ""),
        "misplaced": (known.placed, ": the answers of the others name no place"),
    }
    if known.placed == known.seen:
        found["misplaced"] = (known.placed, "")
    if order is not None:
        found["reordered"] = (order.events, f": {order.others(known.seen)}")
    return found


def _uncertain_times(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    for clock in evidence.clocks:
        if sum(clock.error_ms) * _SHARE_OF_LATE > limits.late_after_ms:
            yield Check("late: clocks", Result.UNPROVEN, clock.doubt, _REMEDY["late"])
