"""The partition reader: reads a split of the topic in an executor, as Arrow batches.

librdkafka fetches and decompresses messages in its own threads. This takes about a third of the
time that Spark's Kafka source takes to pass the same messages through the JVM to Python.
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
from headcount.kafka.cluster import Cluster
from headcount.kafka.reading_guarantees import consumer_settings
from headcount_analysis.messages.record import headers_of
from headcount_analysis.read.topic_range import BROKER_TIMEOUT_S, MESSAGES, OffsetRange

BATCH_ROWS, BATCH_BYTES = 10_000, 16 << 20
"""A batch is complete when it has this many rows or bytes."""

_MOST_CONSUMED = 4000
"""How many messages `consume` returns at most: more objects would not fit the CPU's cache."""

_POLL_S = 0.1
SETTINGS = {
    # The queue of fetched messages is bounded in bytes, and refilled as soon as there is room.
    "queued.max.messages.kbytes": 16 << 10,
    "fetch.message.max.bytes": 4 << 20,
    "fetch.queue.backoff.ms": 5,
}
_ENDS = "the partition ends before that, or a transaction in it is still open"
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
    """Reads splits from a cluster, with record headers if they are needed."""

    cluster: Cluster
    patience_s: float = BROKER_TIMEOUT_S
    needs_headers: bool = False

    def batches(self, split: Split) -> Iterator[pa.RecordBatch]:
        """Read a split, in batches of `topic_range.MESSAGES`.

        Raises:
            EvidenceError: It cannot be read completely; the message says why.
        """
        errors: list[str] = []
        settings = {**SETTINGS, "error_cb": lambda error: errors.append(error.str())}
        client = confluent_kafka.Consumer(consumer_settings(self.cluster, settings))
        try:
            client.assign([TopicPartition(split.topic, split.partition, split.start)])
            reading = _SplitReading(
                client, split, split.start, self.patience_s, errors, self.needs_headers
            )
            yield from reading.batches()
        finally:
            client.close()


@dataclass(slots=True)
class _SplitReading:
    """A split that is being read; `position` is the offset of the next message.

    `errors` are those reported since the position last moved.
    """

    client: confluent_kafka.Consumer
    split: Split
    position: int
    patience_s: float
    errors: list[str]
    needs_headers: bool = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        while self.position < self.split.end:
            with uncollected():
                batch = self._batch()
            if len(batch):
                yield batch

    def _batch(self) -> pa.RecordBatch:
        """Read a full batch, or the rest of the split."""
        parts: list[pa.RecordBatch] = []
        rows, size = 0, 0
        while self.position < self.split.end and rows < BATCH_ROWS and size < BATCH_BYTES:
            parts.append(self._next_messages())
            rows += len(parts[-1])
            size += parts[-1].nbytes
        return pa.concat_batches(parts)

    def _next_messages(self) -> pa.RecordBatch:
        """Wait until the position moves; return the messages, if any: it may move without one."""
        before, skipped, end_s = self.position, -1, time.monotonic() + self.patience_s
        while time.monotonic() < end_s:
            # First consume the messages that are already queued; the queue is bounded in bytes.
            messages = self.client.consume(_MOST_CONSUMED, 0) or self.client.consume(1, _POLL_S)
            batch = self._advance(messages)
            if self.position > before:
                self.errors.clear()
                return batch
            if not messages and (now := self._skipped()) != skipped:
                skipped, end_s = now, time.monotonic() + self.patience_s
        raise EvidenceError(
            f"{self._where}, sent nothing within {self.patience_s:g} s, but the run's part of it "
            f"ends at offset {self.split.end}{self._last_error}"
        )

    def _skipped(self) -> int:
        """Return the client's position, which moves past aborted transactions without a message."""
        (place,) = self.client.position([TopicPartition(self.split.topic, self.split.partition)])
        return place.offset

    def _advance(self, polled: list[Message]) -> pa.RecordBatch:
        """Move the position past the polled messages, and return those of the split."""
        messages = polled
        if has_events := any(map(Message.error, polled)):
            messages = [message for message in polled if message.error() is None]
        batch = _columns(self.split, messages, with_headers=self.needs_headers)
        offsets = batch["offset"].to_numpy()
        if len(offsets):
            if offsets[0] < self.position or (np.diff(offsets) <= 0).any():
                raise EvidenceError(f"{self._where}, sent messages twice, or out of order")
            self.position = int(offsets[-1]) + 1
        if has_events:
            self._handle_events(polled)
        return batch.slice(0, int(np.searchsorted(offsets, self.split.end)))

    def _handle_events(self, polled: list[Message]) -> None:
        """Handle polled events that are not messages: the partition's current end, or an error.

        Errors past the end of the split do not concern the run.
        """
        for message in polled:
            error = message.error()
            if error is None or self.position >= self.split.end:
                continue
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - public despite its name
                self.position = max(self.position, message.offset() or 0)
                self.errors.append(_ENDS)
            elif message.topic() is None:
                # Not about this partition; for example, access to a group coordinator is denied.
                self.errors.append(error.str())
            else:
                raise EvidenceError(f"{self._where}, cannot be read: {error.str()}")

    @property
    def _where(self) -> str:
        return (
            f"partition {self.split.partition} of {self.split.topic!r}, at offset {self.position}"
        )

    @property
    def _last_error(self) -> str:
        return f": {self.errors[-1]}" if self.errors else ""


def _columns(split: Split, messages: list[Message], *, with_headers: bool) -> pa.RecordBatch:
    stamps = itertools.chain.from_iterable(map(Message.timestamp, messages))
    kind, at_ms = np.fromiter(stamps, np.int64, 2 * len(messages)).reshape(-1, 2).T
    columns = [
        np.full(len(messages), split.partition),
        np.fromiter(map(Message.offset, messages), np.int64, len(messages)),
        np.where(kind == _NO_TIME, -1, at_ms),
        (kind - 1).astype(np.int32),  # numbered from 0 here, and from -1 in Kafka's protocol
        list(map(Message.key, messages)),
        list(map(Message.value, messages)),
        pa.repeat(split.topic, len(messages)),
        _headers(messages) if with_headers else pa.nulls(len(messages)),
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, MESSAGES, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=MESSAGES)


def _headers(messages: list[Message]) -> list[list[dict[str, object]]]:
    """Return each message's headers, in the form of a column of MESSAGES."""
    return [
        [{"key": key, "value": value} for key, value in headers_of(message)] for message in messages
    ]
