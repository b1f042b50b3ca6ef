"""Binning: the bins that `over_time.py` and `timeline.py` count in."""

from dataclasses import dataclass

from headcount_analysis.blocks.seq_block import BinWidths
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure import over_time, timeline
from headcount_analysis.measure.breakdown import sampled_every
from headcount_analysis.pipeline.read import RunRead


@dataclass(frozen=True, slots=True)
class Binning:
    """The bins of `over_time.py` (`course`) and of the timeline; None if no attempt has a time.

    One request in `sampled_every` goes into the breakdown.
    """

    course: over_time.LoadBinning | None
    timeline: timeline.OutcomeBinning | None
    sampled_every: int

    @property
    def widths(self) -> BinWidths:
        """The widths of the bins."""
        return BinWidths(
            None if self.course is None else self.course.bin_width,
            None if self.timeline is None else self.timeline.bin_width,
            self.sampled_every,
        )


def binning_of(read: RunRead) -> Binning:
    """Choose the binning of a run that was read completely."""
    times, seen_ms = read.ledger.times, None
    if read.topic.first_ms is not None and read.topic.last_ms is not None:
        seen_ms = read.topic.first_ms, read.topic.last_ms
    return Binning(
        over_time.span(times.first, times.last, seen_ms),
        None if times.sent_ns is None else timeline.OutcomeBinning(*times.sent_ns),
        sampled_every(read.ledger.state.asked),
    )


def widths_so_far(ledger: Ledger) -> BinWidths:
    """Choose bin widths for a run under way; the wider bins of the whole run can reuse them."""
    first = ledger.times.first.get("intended_at_ns")
    last = ledger.times.last.get("intended_at_ns")
    sent_ns = ledger.times.sent_ns
    return BinWidths(
        None
        if first is None or last is None
        else over_time.common_bin_width(first, (last - first) / 1e9),
        None if sent_ns is None else timeline.OutcomeBinning(*sent_ns).bin_width,
        sampled_every(ledger.state.asked),
    )
