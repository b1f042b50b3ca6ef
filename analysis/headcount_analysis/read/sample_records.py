"""Sample records: a few messages of a topic, with their headers, for closer inspection.

Columns of keys and values are enough to judge a run (see `partition_reader.py`). If they leave a
question open, a few records are read again, with headers. No consumer group's offsets change.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition

from headcount.kafka.cluster import Cluster
from headcount.kafka.reading_guarantees import consumer_settings
from headcount_analysis.messages.record import Record, received
from headcount_analysis.read.partition_reader import SETTINGS, Split

CALL_TIMEOUT_S = 15.0
"""How long one call may take to read all its records."""

_BATCH = 500
_POLL_S = 0.2
_REQUEST_S = 5.0
_MOST_PARTITIONS = 200
_FIRST, _LAST = 50, 50
"""How many records to read from each partition of another topic.

The first `_FIRST` records since a given time are read, and the last `_LAST` of the partition.
"""


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads records from a cluster; those that cannot be read in time are left out."""

    cluster: Cluster
    patience_s: float = CALL_TIMEOUT_S

    def read(self, splits: Sequence[Split]) -> list[Record]:
        """Read splits, in their order."""
        return [record for records in self.read_each(splits) for record in records]

    def read_each(self, splits: Sequence[Split]) -> Iterator[list[Record]]:
        """Read the splits one after another; yield the records of each."""
        until_s = time.monotonic() + self.patience_s
        client = self._client()
        try:
            for split in splits:
                yield _read(client, split, until_s)
        finally:
            client.close()

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Choose splits of other topics: the first messages since a time, and the last messages."""
        client = self._client()
        try:
            return _elsewhere(client, topic, since_ms, time.monotonic() + self.patience_s)
        except KafkaException:
            return []
        finally:
            client.close()

    def _client(self) -> confluent_kafka.Consumer:
        # Ignore connection errors: the cluster could be reached a moment ago.
        settings = {**SETTINGS, "error_cb": lambda _error: None}
        return confluent_kafka.Consumer(consumer_settings(self.cluster, settings))


def _read(client: confluent_kafka.Consumer, split: Split, until_s: float) -> list[Record]:
    records: list[Record] = []
    client.assign([TopicPartition(split.topic, split.partition, split.start)])
    while time.monotonic() < until_s:
        messages = client.consume(_BATCH, _POLL_S)
        for message in messages:
            if message.error() is not None or (message.offset() or 0) >= split.end:
                return records
            records.append(received(message))
        if records and records[-1].offset == split.end - 1:
            break
    return records


def _elsewhere(
    client: confluent_kafka.Consumer, topic: str, since_ms: int, until_s: float
) -> list[Split]:
    names = client.list_topics(timeout=_REQUEST_S).topics
    partitions = [
        (name, partition)
        for name, described in sorted(names.items())
        if name != topic and not name.startswith("__")
        for partition in sorted(described.partitions)
    ][:_MOST_PARTITIONS]
    times = [TopicPartition(name, number, since_ms) for name, number in partitions]
    since = {
        (place.topic, place.partition): place.offset
        for place in client.offsets_for_times(times, timeout=_REQUEST_S)
    }
    splits = []
    for place in partitions:
        if time.monotonic() > until_s:
            break
        low, high = client.get_watermark_offsets(TopicPartition(*place), timeout=_REQUEST_S)
        first = since.get(place, -1)
        last = max(low, high - _LAST)
        if low <= first < last:
            splits.append(Split(*place, first, min(first + _FIRST, last)))
        if last < high:
            splits.append(Split(*place, last, high))
    return splits
