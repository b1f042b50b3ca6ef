"""Block pairs: finds events of one block that were overtaken by events of another."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headcount.ledger.location import open_location
from headcount_analysis.blocks.seq_block import SeqBlock
from headcount_analysis.reconciliation import ordering
from headcount_analysis.reconciliation.ordering import Event


@dataclass(frozen=True, slots=True)
class BlockPair:
    """Two blocks: events of `first` may have overtaken events of `second`."""

    fates: str
    first: SeqBlock
    second: SeqBlock

    def overtaken(self) -> frozenset[Event]:
        """Return the overtaken events of `second`; runs in an executor. Raises OSError."""
        first, second = self.first.reaches, self.second.reaches
        answered = [
            reach.first_answered_ns for reach in second if reach.first_answered_ns is not None
        ]
        can_overtake = (pc.field("sent_at_ns") > min(answered)) & (
            pc.field("offset") < max(reach.last_offset for reach in second)
        )
        can_be_overtaken = (
            pc.field("answered_at_ns") < max(reach.last_sent_ns for reach in first)
        ) & (pc.field("offset") > min(reach.first_offset for reach in first))
        parts = [
            self._read(self.first.file, can_overtake),
            self._read(self.second.file, can_be_overtaken),
        ]
        if not all(map(len, parts)):
            return frozenset()
        reordered = ordering.reordered(pa.concat_tables(parts).combine_chunks())
        seqs = self.second.block_input.seqs
        assert seqs is not None, "unowned messages have no order"
        return frozenset(
            event
            for event in ordering.events_of(reordered)
            if seqs.first_seq <= event[1] < seqs.end_seq
        )

    def _read(self, name: str, bounds: pc.Expression) -> pa.Table:
        filesystem, root = open_location(self.fates)
        rows = pq.read_table(
            f"{root}/{name}",
            filesystem=filesystem,
            columns=list(ordering.LINE),
            filters=bounds,
            partitioning=None,
        )
        return ordering.ordered(rows)
