"""The stream: hands a run's events to whoever follows it, as they come into the topic.

Spark notes in a checkpoint what it has handed over, so that a stream that is begun again goes on
where the one before it ended.
"""

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from headcount_analysis.pipeline.follow import Following
from headcount_analysis.read import topic_range
from headcount_analysis.spark.jvm import local_url

EVERY_S = 3
"""How often what has come is handed over."""

MOST_OFFSETS = 2_000_000
"""How much is handed over at once, at most."""


def begin(
    spark: SparkSession,
    bootstrap_servers: str,
    following: Following,
    *,
    every_s: float = EVERY_S,
    most_offsets: int = MOST_OFFSETS,
) -> StreamingQuery:
    """Begin to hand over, until the query is stopped. What goes wrong is the query's exception."""
    manifest = following.manifest
    events = topic_range.stream(
        spark,
        bootstrap_servers,
        manifest.topic,
        manifest.start_offsets,
        most_offsets=most_offsets,
    )
    return (
        events.writeStream.foreachBatch(following.take)
        .option("checkpointLocation", local_url(following.checkpoint))
        .trigger(processingTime=f"{every_s:g} seconds")
        .start()
    )
