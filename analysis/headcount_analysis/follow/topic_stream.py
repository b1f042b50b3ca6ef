"""The stream: passes on a run's messages as they arrive in the topic, while the run is under way.

Spark's Structured Streaming schedules the batches, and records in a checkpoint how far it has
come: a restarted stream resumes where the earlier one ended.
"""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headcount.kafka.cluster import Cluster
from headcount.run.manifest import Manifest
from headcount_analysis.read import topic_range
from headcount_analysis.spark.config import local_url

EVERY_S = 3
"""The interval between batches, in seconds."""

MOST_OFFSETS = 2_000_000
"""The maximum number of offsets in one batch."""

TakeBatch = Callable[[DataFrame, int], None]
"""Processes a batch of `topic_range.SOURCE_SCHEMA`, with its number."""


def begin(
    spark: SparkSession,
    cluster: Cluster,
    manifest: Manifest,
    take: TakeBatch,
    checkpoint: Path,
    *,
    every_s: float = EVERY_S,
    most_offsets: int = MOST_OFFSETS,
    with_headers: bool = False,
) -> StreamingQuery:
    """Pass on messages until the query is stopped; an error becomes the query's exception."""
    messages = topic_range.stream(
        spark,
        cluster,
        manifest.topic,
        manifest.start_offsets,
        most_offsets=most_offsets,
        with_headers=with_headers,
    )
    return (
        messages.writeStream.foreachBatch(take)
        .option("checkpointLocation", local_url(checkpoint))
        .trigger(processingTime=f"{every_s:g} seconds")
        .start()
    )
