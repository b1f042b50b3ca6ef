"""The batch index: locates the messages of all batches, and tracks how far they reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.read.read_batches import ReadBatch
from headcount_analysis.read.topic_rows import RowGroup, TopicRows


@dataclass(slots=True)
class BatchIndex:
    """Sums up the batches that a follower has read, from `start_offsets` on.

    `groups` holds the row groups of each block.
    """

    start_offsets: Mapping[int, int]
    groups: dict[int, tuple[RowGroup, ...]] = field(default_factory=dict)
    messages: int = 0
    _last_seq: dict[int, int] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)

    def add(self, batch: ReadBatch) -> None:
        """Add a batch."""
        for block, groups in batch.rows.groups.items():
            self.groups[block] = (*self.groups.get(block, ()), *groups)
        for generator, last in batch.rows.assumptions.last.items():
            self._last_seq[generator] = max(last, self._last_seq.get(generator, last))
        self._ends.update({partition: end for partition, (_, end) in batch.offsets.items()})
        self.messages += sum(count.count for count in batch.rows.counts.by_key.values())

    def is_asked_by(self, ledger: Ledger) -> bool:
        """Whether the ledger has reserved every id that a batch counted as requested."""
        asked = {state.generator: state.asked for state in ledger.state.generators}
        return all(last < asked.get(number, 0) for number, last in self._last_seq.items())

    def offsets_of(
        self, rows: TopicRows, number: int, *, follows: bool
    ) -> dict[int, tuple[int, int]]:
        """Return the offsets that a batch covers, by partition.

        If it `follows` the last batch, it begins where that one ended. If not, only its own
        messages show which offsets it covers.
        """
        if number == 0:
            self._ends = dict(self.start_offsets)
        elif not follows:
            self._ends = {}
        bounds: dict[int, tuple[int, int]] = {}
        for key, count in rows.counts.by_key.items():
            first, end = bounds.get(key.partition, (count.first, 0))
            bounds[key.partition] = min(first, count.first), max(end, count.last + 1)
        return {
            partition: (min(first, self._ends.get(partition, first)), end)
            for partition, (first, end) in bounds.items()
        }
