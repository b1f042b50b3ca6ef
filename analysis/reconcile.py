"""Reconciling: brings each attempt together with its messages, and gives it its class and flags.

Two tables come of it, both kept in the run's folder so that no later question costs as much again:
`arrivals.parquet`, a row for each message of the run's range, and `fates.parquet`, a row for each
attempt and each phantom.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis.classes import TABLE, Fate, Seen
from analysis.content import Kind
from analysis.ledger import SCHEMA as LEDGER_SCHEMA

ARRIVALS = (
    "partition",
    "offset",
    "timestamp_ms",
    "timestamp_type",
    "key",
    "kind",
    "claimed_id",
    "generator",
    "seq",
    "event_type",
    "digests",
    "value_hash",
)
"""The columns of the arrivals; `content.with_content` says their types."""

FATES = (
    "id",
    "generator",
    "seq",
    "event_type",
    "scenario_user",
    "outcome",
    "http_status",
    "error",
    "intended_at_ns",
    "sent_at_ns",
    "answered_at_ns",
    "acked_partition",
    "acked_offset",
    "server",
    "copies",
    "copies_differ",
    "partition",
    "offset",
    "broker_at_ms",
    "fate",
    "corrupted",
    "reordered",
    "late",
    "misplaced",
)
"""The columns of the fates: id string; generator int, seq long, and what the ledger says, all null
for a phantom but its event type, which is its message's; copies long; copies_differ boolean,
whether two copies have different bytes; partition int, offset long and broker_at_ms long of the
first copy, null where there is none; fate string; four booleans."""

_UNTOLD = {"generator", "seq", "shape", "digest", "owner", "changes"}
_TOLD = tuple(name for name in LEDGER_SCHEMA.names if name not in _UNTOLD)


def fates(
    ledger: DataFrame, arrivals: DataFrame, run_id: str, shapes: Sequence[str], late_after_ms: int
) -> DataFrame:
    """Reconcile a run.

    Args:
        ledger: A row for each attempt, of `ledger.SCHEMA`.
        arrivals: A row for each message, of the columns ARRIVALS.
        run_id: Whose run it is.
        shapes: What each place in `digests` was computed over.
        late_after_ms: How long after its intended time an event may enter the topic.

    Returns:
        A row for each attempt and each phantom, of the columns FATES.
    """
    attempts = _flagged(_counted(_matched(ledger, arrivals, shapes)), run_id, late_after_ms)
    return attempts.unionByName(_phantoms(arrivals))


def _matched(ledger: DataFrame, arrivals: DataFrame, shapes: Sequence[str]) -> DataFrame:
    """Put each attempt beside each of its copies, or beside nothing."""
    claimed = arrivals.where(F.col("kind") == Kind.CLAIMED.value).select(
        "generator", "seq", "partition", "offset", "timestamp_ms", "key", "digests", "value_hash"
    )
    known_shapes = F.array(*(F.lit(shape) for shape in shapes)).cast("array<string>")
    # `get` gives null for the place -1 of a shape that is not known.
    place = F.array_position(known_shapes, F.col("shape")) - 1
    differs = F.get("digests", place.cast("int")) != F.col("digest")
    is_in_place = (F.col("partition") == F.col("acked_partition")) & (
        F.col("offset") == F.col("acked_offset")
    )
    return ledger.join(claimed, on=["generator", "seq"], how="left").select(
        "generator",
        "seq",
        *_TOLD,
        F.struct("timestamp_ms", "partition", "offset", "key").alias("place"),
        differs.alias("differs"),
        "value_hash",
        is_in_place.alias("is_in_place"),
    )


def _counted(matched: DataFrame) -> DataFrame:
    """Make it one row for each attempt, with the first of its copies."""
    return matched.groupBy("generator", "seq").agg(
        *(F.any_value(name).alias(name) for name in _TOLD),
        F.count("place.offset").alias("copies"),
        F.min("place").alias("first"),
        F.coalesce(F.bool_or("differs"), F.lit(False)).alias("corrupted"),
        F.coalesce(F.min("value_hash") != F.max("value_hash"), F.lit(False)).alias("copies_differ"),
        # Null where no copy was seen, or the service named no place.
        F.coalesce(~F.bool_or("is_in_place"), F.lit(False)).alias("misplaced"),
    )


def _flagged(counted: DataFrame, run_id: str, late_after_ms: int) -> DataFrame:
    placed = counted.select(
        "*",
        F.col("first.partition").alias("partition"),
        F.col("first.offset").alias("offset"),
        F.col("first.key").alias("key"),
        F.col("first.timestamp_ms").alias("broker_at_ms"),
    )
    return placed.select(
        F.concat_ws(".", F.lit(run_id), "generator", "seq").alias("id"),
        "generator",
        "seq",
        *_TOLD,
        "copies",
        "copies_differ",
        "partition",
        "offset",
        "broker_at_ms",
        _fate().alias("fate"),
        "corrupted",
        _reordered().alias("reordered"),
        _late(late_after_ms).alias("late"),
        "misplaced",
    ).select(*FATES)


def _fate() -> Column:
    """Write the table of classes as an expression. An outcome that it lacks gives null."""
    seen = {
        Seen.NEVER: F.col("copies") == 0,
        Seen.ONCE: F.col("copies") == 1,
        Seen.MORE: F.col("copies") > 1,
    }
    (first, *rest) = TABLE.items()
    expression = F.when(_case(first[0][0], seen[first[0][1]]), first[1].value)
    for (outcome, often), fate in rest:
        expression = expression.when(_case(outcome, seen[often]), fate.value)
    return expression


def _case(outcome: str, seen: Column) -> Column:
    return (F.col("outcome") == str(outcome)) & seen


def _reordered() -> Column:
    """Tell whether a request that began after this one's answer stands before it.

    What has no key or was never seen is ordered against nothing: each is a group of its own.
    """
    alone = F.when(F.col("key").isNull(), F.col("seq"))
    before = (
        Window.partitionBy("generator", "partition", "key", alone)
        .orderBy("offset")
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    return F.coalesce(F.max("sent_at_ns").over(before) > F.col("answered_at_ns"), F.lit(False))


def _late(late_after_ms: int) -> Column:
    # Whole ms on both sides, as Kafka has them, lest rounding alone makes an event early.
    waited_ms = F.expr("broker_at_ms - intended_at_ns div 1000000")
    return F.coalesce(waited_ms > late_after_ms, F.lit(False))


def _phantoms(arrivals: DataFrame) -> DataFrame:
    """Make a row of each id that claims the run and was never asked for."""
    found = (
        arrivals.where(F.col("kind") == Kind.PHANTOM.value)
        .groupBy("claimed_id")
        .agg(
            F.count("*").alias("copies"),
            (F.min("value_hash") != F.max("value_hash")).alias("copies_differ"),
            F.min(F.struct("timestamp_ms", "partition", "offset", "event_type")).alias("first"),
        )
    )
    known = {
        "id": F.col("claimed_id"),
        "event_type": F.col("first.event_type"),
        "copies": F.col("copies"),
        "copies_differ": F.col("copies_differ"),
        "partition": F.col("first.partition"),
        "offset": F.col("first.offset"),
        "broker_at_ms": F.col("first.timestamp_ms"),
        "fate": F.lit(Fate.PHANTOM.value),
        **dict.fromkeys(("corrupted", "reordered", "late", "misplaced"), F.lit(False)),
    }
    types = {field.name: field.dataType for field in LEDGER_SCHEMA}
    return found.select(
        *(
            known[name].alias(name) if name in known else F.lit(None).cast(types[name]).alias(name)
            for name in FATES
        )
    )
