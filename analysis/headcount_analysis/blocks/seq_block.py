"""Blocks of sequence numbers: the input of a block's comparison, and its result.

The result depends only on the `BlockInput`. So a block that was compared while a run was under way
need not be compared again if its input is still the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from headcount_analysis.ledger import attempts
from headcount_analysis.ledger.attempts import SeqRange
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.measure import clocks, over_time, timeline
from headcount_analysis.measure.bin_width import BinWidth
from headcount_analysis.messages import timestamps
from headcount_analysis.read.topic_rows import UNOWNED, Groups, RowGroup
from headcount_analysis.reconciliation import attempt_counts
from headcount_analysis.reconciliation.ordering import Event, PartitionReach


@dataclass(frozen=True, slots=True)
class BinWidths:
    """The widths of the bins of `over_time.py` (`course`) and of the timeline.

    A width is None if no attempt has a time. One request in `sampled_every` goes into the
    breakdown.
    """

    course: BinWidth | None
    timeline: BinWidth | None
    sampled_every: int

    def serve(self, coarser: "BinWidths") -> bool:
        """Whether counts in these bins can be added up into the coarser bins."""
        return coarser.sampled_every % self.sampled_every == 0 and all(
            fine is None if wide is None else fine is not None and fine.serves(wide)
            for fine, wide in (
                (self.course, coarser.course),
                (self.timeline, coarser.timeline),
            )
        )


@dataclass(frozen=True, slots=True)
class BlockInput:
    """The input of a block's comparison: its attempts and its messages.

    `seqs` is None for the block of unowned messages, which has no attempts. `overtaken` are its
    events that were overtaken by events of other blocks. `corrections_ms` lists how far the topic's
    clock is ahead of each generator's, unless that is 0.
    """

    number: int
    seqs: SeqRange | None
    messages: tuple[RowGroup, ...]
    overtaken: frozenset[Event] = frozenset()
    corrections_ms: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SeqBlock:
    """A compared block: its file of fates, the bounds of its events, and its totals."""

    block_input: BlockInput
    bin_widths: BinWidths
    file: str
    reaches: tuple[PartitionReach, ...]
    attempts: attempt_counts.Attempts
    durations: pa.Table
    course: over_time.OverTimeCounts | None
    moments: timeline.TimelineCounts | None
    sample: pa.Table
    clocks: tuple[clocks.Bounds, ...]
    unusable: Mapping[timestamps.Unit, int]


def block_inputs(ledger: Ledger, groups: Groups, span: int) -> list[BlockInput]:
    """List the input of each block; the block of unowned messages comes first."""
    ranges = attempts.seq_ranges(ledger, span)
    return [
        BlockInput(UNOWNED, None, groups.get(UNOWNED, ())),
        *(BlockInput(number, seqs, groups.get(number, ())) for number, seqs in ranges.items()),
    ]
