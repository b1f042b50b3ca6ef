"""The topic range: the run's range of offsets, and DataFrames of it from Spark's Kafka source."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
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

from headcount.kafka.cluster import Cluster
from headcount.kafka_settings import java

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
"""The columns of Spark's Kafka source."""

MESSAGES = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp_ms", pa.int64()),
        ("timestamp_type", pa.int32()),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("topic", pa.string()),
        ("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
    ]
)
"""The columns of messages, with the project's names and units. `timestamp_type` is -1 for no
timestamp, 0 for the producer's (CreateTime), 1 for the broker's (LogAppendTime). `headers` are null
if they are not needed: to read them takes time."""

_NO_HEADERS = "array<struct<key: string, value: binary>>"

BROKER_TIMEOUT_S = 30
"""How long Spark waits for the next message of the range; a single request may take half of it."""

_FETCH_OPTIONS = {
    # Messages of aborted transactions were never published.
    "kafka.isolation.level": "read_committed",
    # Larger fetches would save no time, and would fill the heap, which costs time.
    "kafka.max.poll.records": "20000",
    "kafka.max.partition.fetch.bytes": str(4 << 20),
    "fetchOffset.numRetries": "2",
}


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """A part of a topic: the first offset and the offset after the last one, by partition."""

    topic: str
    start: Mapping[int, int]
    end: Mapping[int, int]

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions of the range."""
        return tuple(sorted(self.end))

    def first(self, partition: int) -> int:
        """Return the first offset to read in a partition: 0 if unknown, never beyond its end."""
        return min(self.start.get(partition, 0), self.end[partition])

    @property
    def size(self) -> int:
        """The number of offsets in the range."""
        return sum(self.end[partition] - self.first(partition) for partition in self.end)


def read(
    spark: SparkSession,
    cluster: Cluster,
    offsets: OffsetRange,
    *,
    min_partitions: int = 1,
    with_headers: bool = False,
) -> DataFrame:
    """Read the range, as rows of SOURCE_SCHEMA, and `headers` if asked for.

    If Kafka no longer holds the whole range, reading it fails; nothing is skipped silently. No
    group's offsets change.
    """
    start = {partition: offsets.first(partition) for partition in offsets.end}
    options = {
        **_options(cluster, offsets.topic, start),
        "endingOffsets": _json(offsets.topic, offsets.end),
        "minPartitions": str(max(min_partitions, len(offsets.end))),
        "includeHeaders": str(with_headers).lower(),
    }
    return spark.read.format("kafka").options(**options).load()


def stream(
    spark: SparkSession,
    cluster: Cluster,
    name: str,
    start: Mapping[int, int],
    *,
    most_offsets: int,
    with_headers: bool = False,
) -> DataFrame:
    """Read a topic as it grows, from some offsets on, with at most `most_offsets` in a batch.

    Like `read`, it fails if Kafka no longer holds messages that it has not read yet.
    """
    options = {
        **_options(cluster, name, start),
        "maxOffsetsPerTrigger": str(most_offsets),
        "includeHeaders": str(with_headers).lower(),
    }
    return spark.readStream.format("kafka").options(**options).load()


def _options(cluster: Cluster, name: str, start: Mapping[int, int]) -> dict[str, str]:
    return {
        **java.spark_options(cluster.settings),
        "kafka.bootstrap.servers": cluster.bootstrap_servers,
        "startingOffsets": _json(name, start),
        "assign": json.dumps({name: sorted(start)}),
        "failOnDataLoss": "true",
        "kafkaConsumer.pollTimeoutMs": str(BROKER_TIMEOUT_S * 1000),
        "kafka.request.timeout.ms": str(BROKER_TIMEOUT_S * 500),
        "kafka.default.api.timeout.ms": str(BROKER_TIMEOUT_S * 500),
        **_FETCH_OPTIONS,
    }


def messages(source: DataFrame) -> DataFrame:
    """Rename a source's columns, and convert their units.

    Returns:
        Rows of MESSAGES.
    """
    has_headers = "headers" in source.columns
    headers = F.col("headers") if has_headers else F.lit(None).cast(_NO_HEADERS)
    return source.select(
        "partition",
        "offset",
        F.unix_millis("timestamp").alias("timestamp_ms"),
        F.col("timestampType").alias("timestamp_type"),
        "key",
        "value",
        "topic",
        headers.alias("headers"),
    )


def _json(name: str, offsets: Mapping[int, int]) -> str:
    return json.dumps({name: {str(partition): offset for partition, offset in offsets.items()}})
