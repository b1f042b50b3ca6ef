"""The responses to requests that were not acknowledged, by status or error."""

from collections.abc import Iterator

from headcount.noun_counts import number, times
from headcount_analysis.evidence import Evidence

MOST_LISTED = 3


def listed(evidence: Evidence) -> str:
    """Format the most frequent responses that did not acknowledge; empty if there are none."""
    texts = {} if evidence.locust_exit is None else evidence.locust_exit.answers
    unacked = {
        answer: counts.attempted - counts.acked
        for answer, counts in evidence.by_answer.items()
        if counts.attempted > counts.acked
    }
    most = sorted(unacked, key=lambda answer: (-unacked[answer], answer))[:MOST_LISTED]
    parts = [_described(answer, unacked[answer], texts.get(answer, "")) for answer in most]
    rest = sum(unacked.values()) - sum(unacked[answer] for answer in most)
    return ", ".join([*parts, number(rest, "other")] if rest else parts)


def notes(evidence: Evidence) -> Iterator[str]:
    """Note how many requests were not acknowledged, if others were."""
    counts = evidence.counts
    if 0 < counts.acked < counts.attempted and (answers := listed(evidence)):
        yield (
            f"{counts.attempted - counts.acked:,} of {counts.attempted:,} requests were not "
            f"acknowledged: {answers}"
        )


def _described(answer: str, count: int, text: str) -> str:
    if answer.isdigit():
        first = f', first: "{text}"' if text else ""
        return f"HTTP {answer} ({times(count)}{first})"
    reason = f": {text}" if text else ""
    return f"{answer} ({times(count)}{reason})"
