"""Sources: where a judgement reads the run's part of a topic, and who reads it."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import DataFrame

from headcount_analysis.read import topic_range
from headcount_analysis.read.partition_reader import Consumer, Split, splits
from headcount_analysis.read.sample_records import Record, RecordReader
from headcount_analysis.read.topic_range import PATIENCE_S, OffsetRange
from headcount_analysis.spark.executors import mapped
from headcount_analysis.spark.session import sql

Result = TypeVar("Result")
Batches = Iterator[pa.RecordBatch]
Work = Callable[[Batches], Result]
"""What an executor does with the messages of a split, in batches of `topic.MESSAGES`."""


class Source(Protocol):
    """Gives a range of a topic."""

    def each(self, offsets: OffsetRange, work: Work[Result]) -> list[Result]:
        """Let executors do the work on each split of the range. EvidenceError if one is unread."""

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Give the range, as `topic.SOURCE_SCHEMA` has it; nothing is read before it is used."""

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Read a few records, with all that they carry; what cannot be read is left out."""

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Choose what to read of other topics, to look what is in them since a time."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A cluster, of which each split is read where it is worked on."""

    spark: SparkContext
    bootstrap_servers: str
    patience_s: float = PATIENCE_S

    @property
    def _splits(self) -> int:
        """About how many splits are read: two for each core."""
        return 2 * self.spark.defaultParallelism

    def each(self, offsets: OffsetRange, work: Work[Result]) -> list[Result]:
        """Read split by split, where the work is done."""
        consumer = Consumer(self.bootstrap_servers, self.patience_s)

        def read(split: Split) -> Result:
            return work(consumer.batches(split))

        return mapped(self.spark, read, splits(offsets, self._splits))

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Let Spark's own source read."""
        spark, servers = sql(self.spark), self.bootstrap_servers
        return topic_range.read(spark, servers, offsets, min_partitions=self._splits)

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Read them one after the other."""
        return RecordReader(self.bootstrap_servers).read(splits)

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """Ask the cluster for its topics."""
        return RecordReader(self.bootstrap_servers).elsewhere(topic, since_ms)


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that something else has read, as `topic.SOURCE_SCHEMA` has them."""

    read: Callable[[OffsetRange], DataFrame]

    def each(self, offsets: OffsetRange, work: Work[Result]) -> list[Result]:
        """Do the work on each partition of the frame."""
        return worked(self.read(offsets), work)

    def frame(self, offsets: OffsetRange) -> DataFrame:
        """Give the frame as it is."""
        return self.read(offsets)

    def records(self, splits: Sequence[Split]) -> list[Record]:
        """Collect them; a frame has no headers."""
        ranges = [
            OffsetRange(s.topic, {s.partition: s.start}, {s.partition: s.end}) for s in splits
        ]
        return [
            Record(each.topic, row.partition, row.offset, row.key, row.value)
            for each in ranges
            for row in topic_range.messages(self.read(each)).collect()
        ]

    def elsewhere(self, topic: str, since_ms: int) -> list[Split]:
        """There is no other."""
        del topic, since_ms
        return []


def worked(frame: DataFrame, work: Work[Result]) -> list[Result]:
    """Let executors do the work on each partition of a frame, of `topic.SOURCE_SCHEMA`."""
    rows = topic_range.messages(frame).mapInArrow(_Pickled(work), "content binary").collect()
    return [pickle.loads(row.content) for row in rows]  # noqa: S301 - of this run's own executors


@dataclass(frozen=True, slots=True)
class _Pickled:
    """Work whose result is a row."""

    work: Work[object]

    def __call__(self, batches: Batches) -> Batches:
        content = pickle.dumps(self.work(batches))
        yield pa.RecordBatch.from_pydict(
            {"content": [content]}, pa.schema([("content", pa.binary())])
        )
