"""The responses to requests that were not acknowledged, by status or error."""

from collections.abc import Iterator

from headcount.noun_counts import number, times
from headcount.run.request_outcome import redirect_remedy
from headcount_analysis.evidence import Evidence

MOST_LISTED = 3


def listed(evidence: Evidence) -> str:
    """Format the most frequent responses to unacknowledged requests; empty if there are none."""
    texts = {} if evidence.locust_exit is None else evidence.locust_exit.answers
    unacked = _unacked(evidence)
    most = sorted(unacked, key=lambda answer: (-unacked[answer], answer))[:MOST_LISTED]
    parts = [_described(answer, unacked[answer], texts.get(answer, "")) for answer in most]
    rest = sum(unacked.values()) - sum(unacked[answer] for answer in most)
    return ", ".join([*parts, number(rest, "other")] if rest else parts)


def remedy(evidence: Evidence) -> str:
    """Return what to do about redirects; empty if there are none."""
    statuses = sorted(int(answer) for answer in _unacked(evidence) if answer.isdigit())
    return next(filter(None, map(redirect_remedy, statuses)), "")


def notes(evidence: Evidence) -> Iterator[str]:
    """Note how many requests were not acknowledged, if others were."""
    counts = evidence.counts
    if 0 < counts.acked < counts.attempted and (answers := listed(evidence)):
        yield (
            f"{counts.attempted - counts.acked:,} of {counts.attempted:,} requests were not "
            f"acknowledged: {'; '.join(filter(None, (answers, remedy(evidence))))}"
        )


def _unacked(evidence: Evidence) -> dict[str, int]:
    return {
        answer: counts.attempted - counts.acked
        for answer, counts in evidence.by_answer.items()
        if counts.attempted > counts.acked
    }


def _described(answer: str, count: int, text: str) -> str:
    if answer.isdigit():
        first = f', first: "{text}"' if text else ""
        return f"HTTP {answer} ({times(count)}{first})"
    reason = f": {text}" if text else ""
    return f"{answer} ({times(count)}{reason})"
