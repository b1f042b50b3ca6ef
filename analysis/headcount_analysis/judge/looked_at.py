"""Whether limits that were asked for had anything to look at.

An event without a key is in no order, one whose timestamp is no time is never late, and one whose
answer does not name its place is never misplaced. Where that is so of all events, nothing was
tried.
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
"""What is late is told with clocks that differ by one part in so many of the limit, or less."""


def checks(evidence: Evidence, limits: Limits) -> Iterator[Check]:
    """Check that each limit of a flag that was set had something to look at."""
    seen = evidence.checked.seen
    for key, (looked_at, text) in _coverage(evidence).items():
        if limits.of(key) is not None:
            result = Result.KEPT if looked_at else Result.UNPROVEN
            told = f"{looked_at} of {seen} events could be looked at{text}"
            yield Check(f"{key}: looked at", result, told, "" if looked_at else _REMEDY[key])
    if limits.late is not None:
        yield from _uncertain_times(evidence, limits)


def _coverage(evidence: Evidence) -> dict[str, tuple[int, str]]:
    """Count the events that each flag could be told of, and say why it was not of the others."""
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
