"""A peer: the script that a user would write with librdkafka, json and polars.

    python -m bench.analysis.polars_script RUN_FOLDER

It reads the run's part of the topic and the ledger, joins them with a full outer join, and assigns
Headcount's class and flags to every attempt. It prints the counts as JSON.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from confluent_kafka import Message

from bench.analysis.bare_read import batches
from headcount.ledger.event_digest import digest
from headcount.run.folder import RunFolder

ARRIVALS = {
    "id": pl.String,
    "partition": pl.Int32,
    "offset": pl.Int64,
    "timestamp_ms": pl.Int64,
    "key": pl.Binary,
    "digest": pl.Int64,
}
LATE_AFTER_MS = 60_000


def arrivals(folder: RunFolder, shapes: dict[str, list[str]]) -> pl.DataFrame:
    """Read the topic; return one row, with the columns of ARRIVALS, for each JSON message."""
    frames = []
    for batch in batches(folder):
        rows = list(_rows(batch, shapes))
        frames.append(pl.DataFrame(rows, schema=ARRIVALS, orient="row"))
    return pl.concat(frames)


def _rows(batch: list[Message], shapes: dict[str, list[str]]) -> Iterator[tuple[Any, ...]]:
    for message in batch:
        try:
            event = json.loads(message.value() or b"")
        except ValueError:
            continue
        names = shapes.get(event.get("event_type"))
        content = names and digest({name: event[name] for name in names if name in event})
        yield (
            event.get("X-Event-Id"),
            message.partition(),
            message.offset(),
            message.timestamp()[1],
            message.key(),
            content,
        )


def attempts(folder: RunFolder) -> pl.DataFrame:
    """Read the ledger, with the full id of each attempt."""
    files = pl.scan_parquet(folder.path / "ledger" / "*" / "*.parquet")
    parts = [pl.lit(folder.read_manifest().tag), pl.col("generator"), pl.col("seq")]
    return files.select(
        pl.concat_str(parts, separator=".").alias("id"),
        pl.col("event_type", "shape", "outcome").cast(pl.String),
        pl.col("digest").alias("asked_digest"),
        "intended_at_ns",
        "sent_at_ns",
        "answered_at_ns",
    ).collect()


def classified(ledger: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Join both with a full outer join; assign a class and flags to each id."""
    joined = seen.join(ledger, on="id", how="full", coalesce=True)
    before = pl.col("sent_at_ns").cum_max().shift().over("partition", "key", order_by="offset")
    flagged = joined.with_columns(
        reordered=pl.col("key").is_not_null() & (before > pl.col("answered_at_ns")),
        corrupted=pl.col("digest") != pl.col("asked_digest"),
        late=pl.col("timestamp_ms") - pl.col("intended_at_ns") // 1_000_000 > LATE_AFTER_MS,
    )
    by_id = flagged.group_by("id").agg(
        pl.col("outcome").first(),
        pl.col("offset").count().alias("copies"),
        pl.col("reordered", "corrupted", "late").any(),
    )
    copies, outcome = pl.col("copies"), pl.col("outcome")
    return by_id.with_columns(
        fate=pl.when(outcome.is_null())
        .then(pl.lit("phantom"))
        .when(outcome == "failed")
        .then(pl.when(copies == 0).then(pl.lit("refused")).otherwise(pl.lit("ghost")))
        .when(copies > 1)
        .then(pl.lit("duplicated"))
        .when(outcome == "acked")
        .then(pl.when(copies == 0).then(pl.lit("lost")).otherwise(pl.lit("delivered")))
        .otherwise(pl.when(copies == 0).then(pl.lit("absent")).otherwise(pl.lit("recovered")))
    )


def main(path: Path) -> dict[str, int]:
    """Count the attempts of a run by class and by flag."""
    folder = RunFolder(path.absolute())
    ledger = attempts(folder)
    pairs = ledger.select("event_type", "shape").unique().rows()
    shapes = {event_type: shape.split(",") for event_type, shape in pairs}
    fates = classified(ledger, arrivals(folder, shapes))
    flags = fates.select(pl.col("reordered", "corrupted", "late").sum()).row(0, named=True)
    return {**dict(fates["fate"].value_counts().rows()), **flags}


if __name__ == "__main__":
    counts = main(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(counts) + "\n")
