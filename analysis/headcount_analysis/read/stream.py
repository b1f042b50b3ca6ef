"""The stream: hands a run's messages over while the run goes on, as they arrive in the topic.

Spark's Structured Streaming schedules the batches, and notes in a checkpoint what it has handed
over: a stream that is started again resumes where the one before ended.
"""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headcount.run.manifest import Manifest
from headcount_analysis.read import topic_range
from headcount_analysis.spark.config import local_url

EVERY_S = 3
"""How often the messages that have arrived are handed over."""

MOST_OFFSETS = 2_000_000
"""How many offsets are handed over at once, at most."""

TakeBatch = Callable[[DataFrame, int], None]
"""Takes a batch, as `topic_range.SOURCE_SCHEMA` has it, and its number."""


def begin(
    spark: SparkSession,
    bootstrap_servers: str,
    manifest: Manifest,
    take: TakeBatch,
    checkpoint: Path,
    *,
    every_s: float = EVERY_S,
    most_offsets: int = MOST_OFFSETS,
) -> StreamingQuery:
    """Hand messages over until the query is stopped; an error becomes the query's exception."""
    messages = topic_range.stream(
        spark,
        bootstrap_servers,
        manifest.topic,
        manifest.start_offsets,
        most_offsets=most_offsets,
    )
    return (
        messages.writeStream.foreachBatch(take)
        .option("checkpointLocation", local_url(checkpoint))
        .trigger(processingTime=f"{every_s:g} seconds")
        .start()
    )
