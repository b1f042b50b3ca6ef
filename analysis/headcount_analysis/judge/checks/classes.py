"""A check for each class and flag that a run may limit: its count, and whether it is proven."""

from collections.abc import Callable, Iterator

from headcount.run.verdict import Area, Check, Result
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import proof
from headcount_analysis.judge.limits import Limits

MEANING = {
    "lost": "acknowledged, but not in the topic",
    "duplicated": "more than once in the topic",
    "ghost": "failed, but in the topic",
    "phantom": "in the topic with an id of this run, but never requested",
    "corrupted": "in the topic, but the content differs from event=",
    "reordered": "in the topic after a later request with the same key",
    "late": "in the topic later than the limit",
    "misplaced": "in the topic, but not where the service acknowledged them",
    "malformed": "unreadable, so they cannot be matched with requests",
    "garbled": "unreadable, but containing an id of this run",
}
_REMEDY = {
    "lost": "see exceptions.csv, and compare the service's log at those times",
    "duplicated": "see exceptions.csv, and look for retries without idempotence or, if the copies "
    "differ, for requests that publish several events",
    "ghost": "see exceptions.csv, and check what the service answers after it has published",
    "phantom": "see exceptions.csv, and find out who else writes with these ids",
    "corrupted": "see exceptions.csv, and compare the messages at those offsets with the requests",
    "reordered": "see exceptions.csv, and look for retries with several requests in flight",
    "late": "see exceptions.csv, and check the queues of the producer and the broker",
    "misplaced": "see exceptions.csv, and look for changes of a partition's leader, or a copied "
    "topic",
    "malformed": "look at the offsets that the notes name",
    "garbled": "look at the offsets that the notes name",
}
BY_MESSAGE = frozenset({"malformed", "garbled"})
"""Classes that are proven by messages alone, without the ledger."""

Missing = Callable[[str], str]
"""Returns why a class cannot be proven; empty if it can be."""


def checks(
    evidence: Evidence, limits: Limits, missing: Missing, unseen: str = ""
) -> Iterator[Check]:
    """Compare each class with its limit.

    Args:
        evidence: Of the run.
        limits: What the run allows.
        missing: Returns why an excess cannot be proven.
        unseen: Why there may be more events of any class than were counted; empty if not. If set,
            no limit counts as kept.
    """
    counts = evidence.counts.as_dict()
    for key in MEANING:
        if key == "corrupted" and not evidence.compares_content:
            yield _not_compared(evidence)
            continue
        check = _check(key, counts[key], limits.of(key), missing)
        is_certain = check.result is not Result.KEPT or not unseen
        yield check if is_certain else _uncertain(check, unseen)


def _not_compared(evidence: Evidence) -> Check:
    seen = f"content is not compared: --format {evidence.manifest.message_format}"
    return Check("corrupted", Result.NOT_TRIED, seen, area=Area.DELIVERY)


def uncounted(limits: Limits) -> Iterator[Check]:
    """Yield the checks of a run in which nothing could be counted."""
    for key in MEANING:
        if limits.of(key) is not None:
            yield Check(key, Result.NOT_TRIED, "nothing could be counted", area=Area.DELIVERY)


def _uncertain(check: Check, unseen: str) -> Check:
    """Turn a kept check into one that was not tried; another check reports what is unproven."""
    seen = f"{check.evidence}; there may be more: {unseen}"
    return Check(check.name, Result.NOT_TRIED, seen, area=check.area)


def _check(key: str, count: int, limit: int | None, missing: Missing) -> Check:
    if limit is None:
        seen = f"{count:,} {key}, and no limit was set"
        return Check(key, Result.NOT_TRIED, seen, f"--allow {key}=0 sets one", Area.DELIVERY)
    if count <= limit:
        seen = f"{count:,} {key}, {limit:,} allowed"
        return Check(key, Result.KEPT, seen, area=Area.DELIVERY, has_exceptions=count > 0)
    allowed = f" ({limit:,} allowed)" if limit else ""
    return proof(key, f"{count:,} {key}{allowed}: {MEANING[key]}", _REMEDY[key], missing(key))
