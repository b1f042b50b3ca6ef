"""The partition reader: reads a split of the topic in an executor, as Arrow batches.

librdkafka fetches and decompresses messages in threads of its own. This takes about a third of the
time in which Spark's own Kafka source hands the same messages to Python through the JVM.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import confluent_kafka
import numpy as np
import pyarrow as pa
from confluent_kafka import KafkaError, Message, TopicPartition

from headcount.errors import EvidenceError
from headcount.gc_control import uncollected
from headcount.kafka.consumer_settings import READING
from headcount_analysis.read.topic_range import MESSAGES, PATIENCE_S, OffsetRange

BATCH_ROWS, BATCH_BYTES = 10_000, 16 << 20
"""A batch that has so many rows, or bytes, is handed over."""

_TAKEN = 4000
"""So many messages are taken at a time: as objects of Python's, more would crowd the cache out."""

_POLL_S = 0.1
SETTINGS = {
    **READING,
    # What waits to be taken is bounded by its bytes, and fetched again as soon as there is room.
    "queued.max.messages.kbytes": 16 << 10,
    "fetch.message.max.bytes": 4 << 20,
    "fetch.queue.backoff.ms": 5,
}
_ENDS = "it ends there, or a transaction in it has not ended"
_NO_TIME = confluent_kafka.TIMESTAMP_NOT_AVAILABLE


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a partition: offsets `start` to `end` - 1."""

    topic: str
    partition: int
    start: int
    end: int


def splits(offsets: OffsetRange, wanted: int) -> list[Split]:
    """Cut a range into about `wanted` splits of similar size, at least one per partition."""
    share = max(1, -(-offsets.size // max(1, wanted)))
    cuts = []
    for partition in offsets.partitions:
        first, end = offsets.first(partition), offsets.end[partition]
        pieces = round((end - first) / share) or 1
        bounds = [first + (end - first) * number // pieces for number in range(pieces + 1)]
        cuts += [
            Split(offsets.topic, partition, start, stop)
            for start, stop in itertools.pairwise(bounds)
            if start < stop
        ]
    return cuts


@dataclass(frozen=True, slots=True)
class Consumer:
    """Reads splits from a cluster."""

    bootstrap_servers: str
    patience_s: float = PATIENCE_S

    def batches(self, split: Split) -> Iterator[pa.RecordBatch]:
        """Read a split, as `topic_range.MESSAGES` has it.

        Raises:
            EvidenceError: It cannot be read whole, and why.
        """
        complaints: list[str] = []
        settings = {
            "bootstrap.servers": self.bootstrap_servers,
            "error_cb": lambda error: complaints.append(error.str()),
        }
        client = confluent_kafka.Consumer({**SETTINGS, **settings})
        try:
            client.assign([TopicPartition(split.topic, split.partition, split.start)])
            yield from _SplitReading(
                client, split, split.start, self.patience_s, complaints
            ).batches()
        finally:
            client.close()


@dataclass(slots=True)
class _SplitReading:
    """A split that is being read; `position` is the offset of the next message.

    `complaints` are of what has kept it from going on since it last did.
    """

    client: confluent_kafka.Consumer
    split: Split
    position: int
    patience_s: float
    complaints: list[str]

    def batches(self) -> Iterator[pa.RecordBatch]:
        while self.position < self.split.end:
            with uncollected():
                batch = self._batch()
            if len(batch):
                yield batch

    def _batch(self) -> pa.RecordBatch:
        """Read a full batch, or the rest of the split."""
        held: list[pa.RecordBatch] = []
        rows, size = 0, 0
        while self.position < self.split.end and rows < BATCH_ROWS and size < BATCH_BYTES:
            held.append(self._more())
            rows += len(held[-1])
            size += held[-1].nbytes
        return pa.concat_batches(held)

    def _more(self) -> pa.RecordBatch:
        """Wait until the position moves on, and give the messages; it may move without any."""
        before, skipped, end_s = self.position, -1, time.monotonic() + self.patience_s
        while time.monotonic() < end_s:
            # What waits already is taken at once: how much that is has a bound, in bytes.
            messages = self.client.consume(_TAKEN, 0) or self.client.consume(1, _POLL_S)
            batch = self._taken(messages)
            if self.position > before:
                self.complaints.clear()
                return batch
            if not messages and (now := self._skipped()) != skipped:
                skipped, end_s = now, time.monotonic() + self.patience_s
        raise EvidenceError(
            f"{self._where} gave nothing within {self.patience_s:g} s, and the run's part of it "
            f"ends at {self.split.end}{self._complaint}"
        )

    def _skipped(self) -> int:
        """Give the client's position, which moves over aborted transactions without a message."""
        (place,) = self.client.position([TopicPartition(self.split.topic, self.split.partition)])
        return place.offset

    def _taken(self, polled: list[Message]) -> pa.RecordBatch:
        """Move the position behind the polled messages, and give those of the split."""
        messages = polled
        if has_events := any(map(Message.error, polled)):
            messages = [message for message in polled if message.error() is None]
        batch = _columns(self.split.partition, messages)
        offsets = batch["offset"].to_numpy()
        if len(offsets):
            if offsets[0] < self.position or (np.diff(offsets) <= 0).any():
                raise EvidenceError(f"{self._where} gave messages twice, or in no order")
            self.position = int(offsets[-1]) + 1
        if has_events:
            self._note(polled)
        return batch.slice(0, int(np.searchsorted(offsets, self.split.end)))

    def _note(self, polled: list[Message]) -> None:
        """Handle polled events that are no messages: the partition's current end, or an error.

        What is wrong behind the split is not the run's.
        """
        for message in polled:
            error = message.error()
            if error is None or self.position >= self.split.end:
                continue
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                self.position = max(self.position, message.offset() or 0)
                self.complaints.append(_ENDS)
            elif message.topic() is None:
                # Not of this partition: a coordinator of groups that may not be asked, for one.
                self.complaints.append(error.str())
            else:
                raise EvidenceError(f"{self._where} cannot be read: {error.str()}")

    @property
    def _where(self) -> str:
        return f"partition {self.split.partition} of {self.split.topic!r} at {self.position}"

    @property
    def _complaint(self) -> str:
        return f": {self.complaints[-1]}" if self.complaints else ""


def _columns(partition: int, messages: list[Message]) -> pa.RecordBatch:
    stamps = itertools.chain.from_iterable(map(Message.timestamp, messages))
    kind, at_ms = np.fromiter(stamps, np.int64, 2 * len(messages)).reshape(-1, 2).T
    columns = [
        np.full(len(messages), partition),
        np.fromiter(map(Message.offset, messages), np.int64, len(messages)),
        np.where(kind == _NO_TIME, -1, at_ms),
        (kind - 1).astype(np.int32),  # numbered from 0 here, and from -1 in Kafka's protocol
        list(map(Message.key, messages)),
        list(map(Message.value, messages)),
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, MESSAGES, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=MESSAGES)
