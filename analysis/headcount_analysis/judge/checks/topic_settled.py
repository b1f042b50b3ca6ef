"""Whether acknowledged events had time to arrive before they count as lost."""

from collections.abc import Iterator

from headcount.noun_counts import number
from headcount.run.manifest import End
from headcount.run.verdict import Check
from headcount.time_span import span_text
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge.doubts import Doubt, doubts_or_kept
from headcount_analysis.judge.limits import Limits
from headcount_analysis.read.settling_policy import NEARLY_OVER_AT

NAME = "topic settled"
BECAUSE = "events may still arrive"
_REMEDY = (
    "verify again with --until latest to count later events too, and run with a longer --settle"
)


def checks(evidence: Evidence, _limits: Limits) -> Iterator[Check]:
    """Check that the topic could settle, and that no lost event may still arrive."""
    return doubts_or_kept(NAME, _doubts(evidence), watched(evidence.end) or "everything was read")


def note(evidence: Evidence) -> Iterator[str]:
    """Note how long the topic was watched."""
    if duration := watched(evidence.end):
        yield f"the topic was {duration}"


def watched(end: End) -> str:
    """Format how long the topic was watched; empty if unknown."""
    if end.watched_s is None:
        return ""
    return f"watched for {span_text(end.watched_s)} after the last response"


def _doubts(evidence: Evidence) -> Iterator[Doubt]:
    end, lost = evidence.end, evidence.counts.lost
    if end.cut_short:
        yield Doubt(f"the topic could not be watched until it had settled: {end.cut_short}")
    if not lost or end.watched_s is None or end.settle_s is None:
        return
    if end.moving:
        yield Doubt(
            f"--settle ({span_text(end.settle_s)}) was nearly over when "
            f"{number(end.moving, 'acknowledged event')} first appeared in the topic, and {lost:,} "
            "had not arrived when it ended",
            _REMEDY,
        )
    delay_s = evidence.longest_delay_s
    if delay_s is not None and delay_s >= NEARLY_OVER_AT * end.watched_s:
        yield Doubt(
            f"events arrived up to {span_text(delay_s)} after they were acknowledged; the topic "
            f"was {watched(end)}, and {lost:,} had not arrived by then",
            _REMEDY,
        )
