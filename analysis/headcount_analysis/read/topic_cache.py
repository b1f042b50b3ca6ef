"""The cache of a topic: the batches that were read earlier."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headcount_analysis.batches.expected import Expected
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.read.read_batches import ReadBatch, batch_of, usable_batches
from headcount_analysis.read.source import Source
from headcount_analysis.read.topic_range import OffsetRange
from headcount_analysis.read.topic_rows import SplitWriter, TopicRows, block_span, merged


@dataclass(frozen=True, slots=True)
class TopicRequest:
    """Which offsets to read, with which state of the ledger, and where to write the rows.

    `leader_epochs` are the current ones of the topic's partitions.
    """

    ledger: Ledger
    expected: Expected
    offsets: OffsetRange
    leader_epochs: Mapping[int, int]
    place: str

    def writer(self, span: int) -> SplitWriter:
        """Make the writer with which executors process a split, in blocks of `span` numbers."""
        return SplitWriter(self.expected, self.ledger.state.event_types, self.place, span)


@dataclass(slots=True)
class TopicCache:
    """Batches that were read earlier, by number; `span` is None until the first is read.

    A block has `span` sequence numbers of each generator.
    """

    batches: dict[int, ReadBatch] = field(default_factory=dict)
    span: int | None = None

    def read(self, source: Source, request: TopicRequest) -> TopicRows:
        """Read a range: batches that are still valid, and the rest from the topic.

        The whole range becomes one batch, so that a read to a later end only adds the rest. Raises
        EvidenceError and OSError.
        """
        batches, ranges = usable_batches(
            self.batches.values(), request.ledger, request.offsets, request.leader_epochs
        )
        span = self.span or block_span(len(request.ledger.state.generators))
        writer = request.writer(span)
        rest = [rows for offsets in ranges for rows in source.map_splits(offsets, writer)]
        topic = merged(request.place, span, [*(batch.rows for batch in batches), *rest])
        bounds = {
            partition: (request.offsets.first(partition), end)
            for partition, end in sorted(request.offsets.end.items())
        }
        epochs = {
            partition: request.leader_epochs[partition]
            for partition in bounds
            if partition in request.leader_epochs
        }
        self.span = span
        self.batches = {0: batch_of(request.ledger, topic, bounds, epochs)}
        return topic
