"""Sources: where a verification reads the run's part of a topic.

Each split is read by the executor that works on it, so no message passes through the driver.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import DataFrame

from headcount.kafka.cluster import Cluster
from headcount_analysis.messages.record import Record
from headcount_analysis.read import topic_range
from headcount_analysis.read.partition_reader import Consumer, Split, splits
from headcount_analysis.read.sample_records import RecordReader
from headcount_analysis.read.topic_range import BROKER_TIMEOUT_S, OffsetRange
from headcount_analysis.spark.executors import mapped
from headcount_analysis.spark.session import sql

Result = TypeVar("Result")
Batches = Iterator[pa.RecordBatch]
SplitTask = Callable[[Batches], Result]
"""Runs in an executor on the messages of a split, in batches of `topic_range.MESSAGES`."""


class Source(Protocol):
    """Provides the messages of a topic."""

    def map_splits(self, offsets: OffsetRange, task: SplitTask[Result]) -> list[Result]:
        """Run a task on each split of a range, in executors.

        Raises EvidenceError if a split cannot be read.
        """

    def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        """Run a task on parts of partitions, in executors; a long part may be cut.

        Raises EvidenceError if one cannot be read.
        """

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Make a DataFrame of a range, of `topic_range.SOURCE_SCHEMA`; nothing is read yet."""

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Read a few records, with their headers; those that cannot be read are left out."""

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Choose samples of other topics, from what was written to them since a time."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A Kafka cluster; each split is read by the executor that works on it.

    `needs_headers` says whether record headers are read.
    """

    spark: SparkContext
    cluster: Cluster
    patience_s: float = BROKER_TIMEOUT_S
    needs_headers: bool = False

    @property
    def _splits(self) -> int:
        """The approximate number of splits of a range: two for each core."""
        return 2 * self.spark.defaultParallelism

    def map_splits(self, offsets: OffsetRange, task: SplitTask[Result]) -> list[Result]:
        """Read each split with a consumer of its own."""
        return self._map(splits(offsets, self._splits), task)

    def map_parts(self, parts: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        """Read each part, in pieces of similar size, with consumers of their own."""
        share = max(1, sum(part.end - part.start for part in parts) // self._splits)
        return self._map([piece for part in parts for piece in _cut(part, share)], task)

    def _map(self, pieces: Sequence[Split], task: SplitTask[Result]) -> list[Result]:
        consumer = Consumer(self.cluster, self.patience_s, self.needs_headers)

        def read(split: Split) -> Result:
            return task(consumer.batches(split))

        return mapped(self.spark, read, pieces)

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Read with Spark's own Kafka source."""
        return topic_range.read(
            sql(self.spark),
            self.cluster,
            offsets,
            min_partitions=self._splits,
            with_headers=self.needs_headers,
        )

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Read the splits one after another."""
        return RecordReader(self.cluster).read(splits)

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Ask the cluster for its topics."""
        return RecordReader(self.cluster).elsewhere(topic, since_ms)


def _cut(part: Split, share: int) -> list[Split]:
    number = part.partition
    offsets = OffsetRange(part.topic, {number: part.start}, {number: part.end})
    return splits(offsets, round((part.end - part.start) / share) or 1)


def map_frame(frame: DataFrame, task: SplitTask[Result]) -> list[Result]:
    """Run a task in executors on each partition of a frame of `topic_range.SOURCE_SCHEMA`."""
    rows = topic_range.messages(frame).mapInArrow(_PickledTask(task), "content binary").collect()
    return [pickle.loads(row.content) for row in rows]  # noqa: S301 - from this run's own executors


@dataclass(frozen=True, slots=True)
class _PickledTask:
    """A SplitTask that returns its result as a row."""

    task: SplitTask[object]

    def __call__(self, batches: Batches) -> Batches:
        content = pickle.dumps(self.task(batches))
        yield pa.RecordBatch.from_pydict(
            {"content": [content]}, pa.schema([("content", pa.binary())])
        )
