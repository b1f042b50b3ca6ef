"""Read batches: parts of the topic that were read while the run was under way.

A batch is read with the state that the ledger has at that time. Once the run is over, the batch is
used if the final ledger would give the same result for each of its messages; all other offsets are
read again. So early batches change when the verdict is ready, not what it says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headcount_analysis.batches.expected import MAX_SHAPES
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_rows import TopicRows

MOST_RANGES = 8
"""A range with more holes between its batches than this is read as a whole."""

Bounds = Mapping[int, tuple[int, int]]
"""The first offset and the offset after the last one, by partition."""


UNKNOWN_EPOCH = -1
"""A batch with this leader epoch is read again: a change of leader could go unnoticed."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """What was read at some offsets, with the shapes and event types that were known then.

    `leader_epochs` are those of its partitions just before it was read.
    """

    offsets: Bounds
    shapes: frozenset[str]
    event_types: frozenset[str]
    rows: TopicRows
    leader_epochs: Mapping[int, int] = field(default_factory=dict)

    def is_valid(self, ledger: Ledger, wanted: OffsetRange, epochs: Mapping[int, int]) -> bool:
        """Whether it lies in the wanted range, and a fresh read would give the same result.

        `epochs` are the partitions' current leader epochs: a leader elected since then may lack
        messages that were read, and have others at the same offsets.
        """
        assumptions, state = self.rows.assumptions, ledger.state
        asked = {generator.generator: generator.asked for generator in state.generators}
        types = set(state.event_types) ^ self.event_types
        return (
            # With more shapes, each attempt's shape is looked up, which needs a complete ledger.
            len(state.shapes) <= MAX_SHAPES
            and all(seq < asked.get(number, 0) for number, seq in assumptions.last.items())
            and all(seq >= asked.get(number, 0) for number, seq in assumptions.unasked.items())
            and not any(self._may_have(shape, ledger) for shape in state.shapes)
            and (
                types.isdisjoint(assumptions.foreign_types)
                if assumptions.foreign_types is not None
                else not types
            )
            and all(self._is_within(partition, wanted) for partition in self.offsets)
            and all(self.leader_epochs.get(number) == epochs.get(number) for number in self.offsets)
        )

    def _may_have(self, shape: str, ledger: Ledger) -> bool:
        """Whether it may hold an event of a shape that was not known when it was read."""
        last = self.rows.assumptions.last
        return shape not in self.shapes and any(
            last.get(generator, -1) >= first
            for generator, first in ledger.first_of_shape.get(shape, {}).items()
        )

    def _is_within(self, partition: int, wanted: OffsetRange) -> bool:
        first, end = self.offsets[partition]
        return (
            partition in wanted.end
            and wanted.first(partition) <= first <= end <= wanted.end[partition]
        )


def batch_of(
    ledger: Ledger, rows: TopicRows, offsets: Bounds, leader_epochs: Mapping[int, int]
) -> ReadBatch:
    """Make a batch of rows that were read with this state of the ledger."""
    state = ledger.state
    return ReadBatch(
        offsets, frozenset(state.shapes), frozenset(state.event_types), rows, leader_epochs
    )


def usable_batches(
    batches: Iterable[ReadBatch], ledger: Ledger, wanted: OffsetRange, epochs: Mapping[int, int]
) -> tuple[list[ReadBatch], list[OffsetRange]]:
    """Choose the valid batches, and the ranges that must still be read."""
    chosen: list[ReadBatch] = []
    ends: dict[int, int] = {}
    for batch in batches:
        in_order = all(first >= ends.get(number, 0) for number, (first, _) in batch.offsets.items())
        if in_order and batch.is_valid(ledger, wanted, epochs):
            chosen.append(batch)
            ends.update({number: end for number, (_, end) in batch.offsets.items()})
    ranges = _ranges(_holes(chosen, wanted), wanted.topic)
    if len(ranges) > MOST_RANGES:
        return [], [wanted]
    return chosen, ranges


def _holes(batches: Sequence[ReadBatch], wanted: OffsetRange) -> dict[int, list[tuple[int, int]]]:
    """Find the offsets that no batch covers, in order, by partition."""
    holes: dict[int, list[tuple[int, int]]] = {}
    for partition in wanted.partitions:
        at, gaps = wanted.first(partition), []
        bounds = [batch.offsets[partition] for batch in batches if partition in batch.offsets]
        for first, end in bounds:
            gaps.append((at, first))
            at = end
        gaps.append((at, wanted.end[partition]))
        holes[partition] = [(first, end) for first, end in gaps if first < end]
    return holes


def _ranges(holes: Mapping[int, Sequence[tuple[int, int]]], topic: str) -> list[OffsetRange]:
    """Join the first holes of all partitions into one range, then the second ones, and so on."""
    count = max(map(len, holes.values()), default=0)
    return [
        OffsetRange(
            topic,
            {number: gaps[index][0] for number, gaps in holes.items() if index < len(gaps)},
            {number: gaps[index][1] for number, gaps in holes.items() if index < len(gaps)},
        )
        for index in range(count)
    ]
