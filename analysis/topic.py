"""The topic: reads exactly the run's range of offsets, and says what the reader met there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention
from pyspark.sql.types import (
    BinaryType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

SOURCE_SCHEMA = StructType(
    [
        StructField("key", BinaryType()),
        StructField("value", BinaryType()),
        StructField("topic", StringType()),
        StructField("partition", IntegerType()),
        StructField("offset", LongType()),
        StructField("timestamp", TimestampType()),
        StructField("timestampType", IntegerType()),
    ]
)
"""What Spark's Kafka source gives; tests make frames of it."""

PATIENCE_S = 30
"""How long a broker may take to answer, or to give the next message of the range."""

_FETCH_OPTIONS = {
    # What a transaction took back was never published.
    "kafka.isolation.level": "read_committed",
    # Larger fetches are no faster, and a heap of them is slower.
    "kafka.max.poll.records": "20000",
    "kafka.max.partition.fetch.bytes": str(4 << 20),
    "fetchOffset.numRetries": "2",
}


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """A part of a topic: by partition, the first offset and the one after the last."""

    topic: str
    start: Mapping[int, int]
    end: Mapping[int, int]

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions of the range."""
        return tuple(sorted(self.end))

    def first(self, partition: int) -> int:
        """Give the first offset to read in a partition, 0 if unknown, never beyond its end."""
        return min(self.start.get(partition, 0), self.end[partition])

    @property
    def size(self) -> int:
        """How many offsets there are in the range."""
        return sum(self.end[partition] - self.first(partition) for partition in self.end)


Source = Callable[[OffsetRange], DataFrame]
"""Reads a range of a topic, as SOURCE_SCHEMA has it."""


def read(
    spark: SparkSession,
    bootstrap_servers: str,
    offsets: OffsetRange,
    *,
    min_partitions: int,
    kafka_options: Mapping[str, str] | None = None,
    patience_s: int = PATIENCE_S,
) -> DataFrame:
    """Read the range, as SOURCE_SCHEMA has it.

    A range that Kafka no longer holds whole fails when it is read; nothing is skipped in silence.
    `kafka_options` are the client's own, such as `security.protocol`. No group's offsets move.
    """
    start = {partition: offsets.first(partition) for partition in offsets.end}
    options = {
        **_options(bootstrap_servers, offsets.topic, start, kafka_options, patience_s),
        "endingOffsets": _json(offsets.topic, offsets.end),
        "minPartitions": str(max(min_partitions, len(offsets.end))),
    }
    return spark.read.format("kafka").options(**options).load()


def stream(
    spark: SparkSession,
    bootstrap_servers: str,
    name: str,
    start: Mapping[int, int],
    *,
    most_offsets: int,
    kafka_options: Mapping[str, str] | None = None,
    patience_s: int = PATIENCE_S,
) -> DataFrame:
    """Read a topic from where it starts on, as it grows; at most so many offsets at a time.

    As `read` does, it fails where Kafka no longer holds what it has not read.
    """
    options = {
        **_options(bootstrap_servers, name, start, kafka_options, patience_s),
        "maxOffsetsPerTrigger": str(most_offsets),
    }
    return spark.readStream.format("kafka").options(**options).load()


def _options(
    bootstrap_servers: str,
    name: str,
    start: Mapping[int, int],
    kafka_options: Mapping[str, str] | None,
    patience_s: int,
) -> dict[str, str]:
    return {
        "kafka.bootstrap.servers": bootstrap_servers,
        "startingOffsets": _json(name, start),
        "assign": json.dumps({name: sorted(start)}),
        "failOnDataLoss": "true",
        "kafkaConsumer.pollTimeoutMs": str(patience_s * 1000),
        "kafka.request.timeout.ms": str(patience_s * 500),
        "kafka.default.api.timeout.ms": str(patience_s * 500),
        **_FETCH_OPTIONS,
        **{f"kafka.{key}": value for key, value in (kafka_options or {}).items()},
    }


def messages(source: DataFrame) -> DataFrame:
    """Give a source's rows the project's names and units.

    Returns:
        partition int, offset long, timestamp_ms long, timestamp_type int, key binary, value binary,
        value_hash long.
    """
    return source.select(
        "partition",
        "offset",
        F.unix_millis("timestamp").alias("timestamp_ms"),
        F.col("timestampType").alias("timestamp_type"),
        "key",
        "value",
        F.xxhash64("value").alias("value_hash"),
    )


def _json(name: str, offsets: Mapping[int, int]) -> str:
    return json.dumps({name: {str(partition): each for partition, each in offsets.items()}})
