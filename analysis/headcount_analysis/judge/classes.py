"""A check for each class and flag that a run may limit: its count, and whether it is proven."""

from collections.abc import Callable, Iterator

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.checks import proof
from headcount_analysis.judge.limits import Limits

MEANING = {
    "lost": "acknowledged, and not in the topic",
    "duplicated": "more than once in the topic",
    "ghost": "answered as failed, but in the topic",
    "phantom": "in the topic with an id of this run, but never requested",
    "corrupted": "in the topic with content other than requested",
    "reordered": "behind a later request with the same key",
    "late": "in the topic later than the limit",
    "misplaced": "in the topic, but not where the service acknowledged them",
    "malformed": "not a JSON object, so its owner is unknown",
    "garbled": "unreadable, and with an id of this run in it",
}
_REMEDY = {
    "lost": "see exceptions.csv, and compare the service's log at those times",
    "duplicated": "see exceptions.csv, and look for retries without idempotence or, where it says "
    "that the copies differ, for several events that are published for one request",
    "ghost": "see exceptions.csv, and look for what the service answers after it has published",
    "phantom": "see exceptions.csv, and find out who else writes with these ids",
    "corrupted": "see exceptions.csv, and compare those offsets of the topic with what was sent",
    "reordered": "see exceptions.csv, and look for retries with several requests in flight",
    "late": "see exceptions.csv, and look at the broker's and the producer's queues",
    "misplaced": "see exceptions.csv, and look for leaders that changed, and for a topic that was "
    "copied",
    "malformed": "look at the offsets named below",
    "garbled": "look at the offsets named below",
}
BY_MESSAGE = frozenset({"malformed", "garbled"})
"""Classes of messages that were read, so that nothing else is needed to prove them."""

Missing = Callable[[str], str]
"""Returns why a class cannot be proven; empty if it can."""


def checks(
    evidence: Evidence, limits: Limits, missing: Missing, unseen: str = ""
) -> Iterator[Check]:
    """Compare each class with its limit.

    Args:
        evidence: Of the run.
        limits: What the run allows.
        missing: Returns why an excess cannot be proven.
        unseen: Why more of any class may exist, so that none is certainly kept; empty if not.
    """
    counts = evidence.counts.as_dict()
    for key in MEANING:
        check = _check(key, counts[key], limits.of(key), missing)
        is_certain = check.result is not Result.KEPT or not unseen
        yield check if is_certain else _within(check, unseen)


def untold(limits: Limits) -> Iterator[Check]:
    """Yield the checks of a run if nothing could be counted."""
    for key in MEANING:
        if limits.of(key) is not None:
            yield Check(key, Result.NOT_TRIED, "nothing could be counted", area=Area.DELIVERY)


def _within(check: Check, unseen: str) -> Check:
    """Return a class that looked kept as not tried; the unproven subject is a check of its own."""
    seen = f"{check.evidence}; there may be more: {unseen}"
    return Check(check.name, Result.NOT_TRIED, seen, area=check.area)


def _check(key: str, count: int, limit: int | None, missing: Missing) -> Check:
    if limit is None:
        seen = f"{count} {key}, and no limit was set"
        return Check(key, Result.NOT_TRIED, seen, f"--allow {key}=0 sets one", Area.DELIVERY)
    if count <= limit:
        return Check(key, Result.KEPT, f"{count} {key}, {limit} allowed", area=Area.DELIVERY)
    allowed = f" ({limit} allowed)" if limit else ""
    return proof(key, f"{count} {key}{allowed}: {MEANING[key]}", _REMEDY[key], missing(key))
