"""The block comparer: compares a block in an executor. Spark schedules blocks, Arrow compares.

A block is a range of sequence numbers of every generator. Its attempts are read from the ledger,
and its messages from the rows that were written when the topic was read. Its rows of
`fates.parquet` are written to their own file.
"""

import uuid
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount.ledger.parquet_encoding import encoded
from headcount.run.id_form import RunIds
from headcount_analysis.blocks.seq_block import BinWidths, BlockInput, SeqBlock
from headcount_analysis.classes_and_flags import FLAGS
from headcount_analysis.ledger import attempts
from headcount_analysis.measure import breakdown, clocks, histogram, over_time, timeline
from headcount_analysis.messages import timestamps
from headcount_analysis.read.topic_rows import read_groups
from headcount_analysis.reconciliation import attempt_counts, ordering, reconcile

_COUNTING = {"seq", "offset", "acked_offset", "broker_at_ms"}
_COUNTING |= {"intended_at_ns", "sent_at_ns", "answered_at_ns", "ended_at_ns", "entered_at_ns"}
_FEW = [name for name in reconcile.FATES.names if name not in {*_COUNTING, "id"}]
_ENCODED = encoded(_FEW, sorted(_COUNTING), similar=["id"])

_FILTERED = [*("sent_at_ns", "answered_at_ns", "offset"), "fate", *FLAGS]
"""The columns that fates are filtered by: only these have statistics in the file."""

_GROUP_ROWS = 65_536
"""Rows per row group of fates: readers skip groups if their statistics rule out a match."""


@dataclass(frozen=True, slots=True)
class BlockComparer:
    """Compares a block in an executor: its settings, and where files are read and written."""

    ids: RunIds
    late_after_ms: int
    event_types: tuple[str, ...]
    bin_widths: BinWidths
    ledger: str
    arrivals: str
    fates: str
    compares_content: bool = True

    def compare(self, block: BlockInput) -> SeqBlock:
        """Compare a block. Raises OSError."""
        messages = read_groups(self.arrivals, block.messages)
        if block.seqs is None:
            return self._counted(block, reconcile.phantoms(messages))
        fates = reconcile.fates(
            attempts.attempts(self.ledger, block.seqs),
            messages,
            self.ids,
            self.late_after_ms,
            block.seqs.first_seq,
            corrections_ms=dict(block.corrections_ms),
            compares_content=self.compares_content,
        )
        return self._counted(block, fates)

    def _counted(self, block: BlockInput, unmarked: pa.Table) -> SeqBlock:
        """Mark the reordered events, write the fates, and total them."""
        line = ordering.ordered(unmarked).combine_chunks()
        reordered = ordering.events_of(ordering.reordered(line))
        fates = ordering.marked(unmarked, {*reordered, *block.overtaken})
        course, timed = self.bin_widths.course, self.bin_widths.timeline
        place = None if course is None else over_time.due_place(fates, course)
        durations = histogram.counted(fates, self.event_types, place)
        return SeqBlock(
            block_input=block,
            bin_widths=self.bin_widths,
            file=self._written(block.number, fates),
            reaches=ordering.reaches(line),
            attempts=attempt_counts.of_fates(fates, self.event_types),
            durations=histogram.by_keys([durations], histogram.BY_TYPE),
            course=None if course is None else over_time.counted(fates, course, durations),
            moments=None if timed is None else timeline.counted(fates, timed),
            sample=breakdown.sample(fates, self.bin_widths.sampled_every),
            clocks=clocks.bounds(fates),
            unusable=timestamps.unusable(fates),
        )

    def _written(self, number: int, fates: pa.Table) -> str:
        name = f"{number + 1:06}-{uuid.uuid4().hex}.parquet"
        filesystem, root = open_location(self.fates)
        pq.write_table(
            fates,
            f"{root}/{name}",
            filesystem=filesystem,
            row_group_size=_GROUP_ROWS,
            write_statistics=_FILTERED,
            store_schema=False,  # readers expect plain strings, not dictionaries
            **_ENCODED,
        )
        return name
