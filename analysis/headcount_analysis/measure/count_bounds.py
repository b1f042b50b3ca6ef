"""Count bounds: what is certain about the counts of a part of the run, and what is possible.

A killed generator leaves reserved ids that have no row in the ledger. Each may have been used, at
any time and for any event type, or never. So the counts have two bounds: the attempts with a row
alone, and all of them.
"""

from dataclasses import dataclass, replace

from headcount.ledger.event_types import UNKNOWN
from headcount.thresholds.grammar import Threshold
from headcount_analysis.classes_and_flags import Counts, total
from headcount_analysis.measure.window_samples import WindowSample


@dataclass(frozen=True, slots=True)
class CountBounds:
    """The certain and the possible counts; `doubt` says why they differ, empty if they do not."""

    certain: Counts
    possible: Counts
    doubt: str = ""


def count_bounds(threshold: Threshold, sample: WindowSample) -> CountBounds | None:
    """Return the counts of the threshold's event type; None if it did not occur."""
    event_type, rowless = threshold.event_type, sample.rowless
    if event_type is None:
        counts = total(sample.by_event_type.values())
    elif event_type in sample.by_event_type:
        counts = sample.by_event_type[event_type]
    else:
        return None
    if not rowless.attempted:
        return CountBounds(counts, counts)
    doubt = f"{rowless.attempted} reserved ids have no row, so it is unknown whether they were used"
    # Attempts without a row have neither an event type nor a time.
    if threshold.window.is_whole and event_type in {None, UNKNOWN}:
        return CountBounds(_without_unused(counts, rowless), counts, doubt)
    return CountBounds(counts, counts + rowless, doubt)


def _without_unused(counts: Counts, rowless: Counts) -> Counts:
    """Subtract the attempts without a row, but keep the classes of those seen in the topic."""
    return replace(
        counts,
        attempted=counts.attempted - rowless.attempted,
        indeterminate=counts.indeterminate - rowless.indeterminate,
        absent=counts.absent - rowless.absent,
    )
