"""The ledger as Spark reads it: one row for every attempt, and whether it is whole.

Every generator has a number of sequence numbers that it may have used: what its seal says, or,
where it was killed before it could seal, what it reserved. One of these that has no row was under
way when the generator died; it becomes an indeterminate row of event type `(unknown)`. A sealed
generator has a row for each, or its ledger is damaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention
from pyspark.sql.types import (
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
)

from analysis.evidence import GeneratorState, LedgerState
from analysis.object_store import spark_url
from analysis.session import local_url
from headcount.ledger import GeneratorLedger
from headcount.outcome import Outcome

UNKNOWN = "(unknown)"
SEGMENTS = "segment-*.parquet"

SCHEMA = StructType(
    [
        StructField("generator", IntegerType()),
        StructField("seq", LongType()),
        StructField("event_type", StringType()),
        StructField("scenario_user", StringType()),
        StructField("shape", StringType()),
        StructField("digest", LongType()),
        StructField("intended_at_ns", LongType()),
        StructField("sent_at_ns", LongType()),
        StructField("answered_at_ns", LongType()),
        StructField("http_status", ShortType()),
        StructField("outcome", StringType()),
        StructField("error", StringType()),
        StructField("acked_partition", IntegerType()),
        StructField("acked_offset", LongType()),
        StructField("server", StringType()),
        StructField("owner", StringType()),
        StructField("changes", MapType(StringType(), LongType())),
    ]
)
"""A segment's columns, as `headcount/ledger.py` writes them."""

_IDENTITY = ("generator", "seq")
_NAMES = ("shape", "event_type", "changing_type")
_LOST_MEANWHILE = "no row: its generator ended before the answer was written"


@dataclass(frozen=True, slots=True)
class Ledger:
    """One row, of SCHEMA, for each attempt; and what that is worth."""

    rows: DataFrame
    state: LedgerState


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the rows of one generator add up to."""

    rows: int = 0
    distinct: int = 0
    min_seq: int = 0
    max_seq: int = -1


def load(
    spark: SparkSession,
    location: str,
    parts: Sequence[GeneratorLedger],
    begun: Sequence[int] | None,
) -> Ledger:
    """Read every undamaged segment of the parts that were found at a location.

    `begun` are the generators that there must be; None where that is not known.
    """
    rows = _read(spark, _segment_paths(location, parts))
    found, names = _statistics(rows)
    strangers = sorted(found.keys() - {part.generator for part in parts})
    damage = _absent(location, parts, begun)
    damage += [
        f"{location} has rows of generator {stranger}, which has no folder in it; restore it"
        for stranger in strangers
    ]
    states = []
    for part in parts:
        sums = found.get(part.generator, _Rows())
        states.append(_state(part, sums))
        damage += [_with_remedy(text) for text in part.damage]
        damage += [f"{location}/{part.generator}: {text}" for text in _row_damage(part, sums)]
    repeated = any(sums.rows > sums.distinct for sums in found.values())
    state = LedgerState(
        generators=tuple(states),
        shapes=names["shape"],
        event_types=names["event_type"],
        damage=tuple(damage),
        has_repeated_rows=repeated,
        changing_types=names["changing_type"],
    )
    return Ledger(_completed(spark, rows, state), state)


def _absent(
    location: str, parts: Sequence[GeneratorLedger], begun: Sequence[int] | None
) -> list[str]:
    """Tell of generators that made requests and whose part is not there."""
    if begun is None and parts:
        return ["which generators made requests is not known, for generators.json is missing"]
    missing = sorted(set(begun or ()) - {part.generator for part in parts})
    return [
        f"generator {number} has begun, and {location} has nothing of it; restore its folder, or "
        "put --reports-dir where every generator can write to it"
        for number in missing
    ]


def _segment_paths(location: str, parts: Sequence[GeneratorLedger]) -> list[str]:
    """Name what is to be read: whole folders where nothing in them is left out or still comes."""
    root = spark_url(location) if "://" in location else local_url(Path(location))
    paths = []
    for part in parts:
        folder = f"{root}/{part.generator}"
        if part.seal is not None and part.segments and not part.damage:
            paths.append(folder)
        else:
            paths += [
                f"{folder}/{name}"
                for name in part.segments
                if not any(f"/{name} " in damage for damage in part.damage)
            ]
    return paths


def _read(spark: SparkSession, paths: list[str]) -> DataFrame:
    if not paths:
        return spark.createDataFrame([], SCHEMA)
    # Paths are as they stand, whatever stars and brackets the run's folder has in its name.
    reader = spark.read.schema(SCHEMA).option("__globPaths__", "false")
    return reader.option("pathGlobFilter", SEGMENTS).parquet(*paths)


def _statistics(rows: DataFrame) -> tuple[dict[int, _Rows], dict[str, tuple[str, ...]]]:
    """Add up the rows by generator, and name what is in them.

    Distinct rows are counted exactly, by bitmaps. The names are the shapes, the event types, and
    the types of events that change somebody's state.
    """
    named = rows.withColumn(
        "changing_type", F.when(F.col("owner").isNotNull(), F.col("event_type"))
    )
    # Spark's bitmaps count positions from 1.
    position = F.col("seq") + 1
    buckets = named.groupBy("generator", F.bitmap_bucket_number(position).alias("bucket")).agg(
        F.count("*").alias("rows"),
        F.bitmap_count(F.bitmap_construct_agg(F.bitmap_bit_position(position))).alias("distinct"),
        F.min("seq").alias("min_seq"),
        F.max("seq").alias("max_seq"),
        *(F.collect_set(name).alias(name) for name in _NAMES),
    )
    sums = buckets.groupBy("generator").agg(
        F.sum("rows").alias("rows"),
        F.sum("distinct").alias("distinct"),
        F.min("min_seq").alias("min_seq"),
        F.max("max_seq").alias("max_seq"),
        *(F.array_distinct(F.flatten(F.collect_list(name))).alias(name) for name in _NAMES),
    )
    collected = sums.collect()
    found = {
        row.generator: _Rows(row.rows, row.distinct, row.min_seq, row.max_seq) for row in collected
    }
    names = {
        name: tuple(sorted({each for row in collected for each in row[name]})) for name in _NAMES
    }
    return found, names


def _state(part: GeneratorLedger, sums: _Rows) -> GeneratorState:
    promised = part.reserved if part.seal is None else part.seal.attempted
    asked = max(promised, sums.max_seq + 1)
    sealed = part.seal is not None
    return GeneratorState(part.generator, sealed, asked, sums.rows, asked - sums.distinct)


def _row_damage(part: GeneratorLedger, sums: _Rows) -> list[str]:
    """Tell what the rows themselves give away."""
    damage = []
    if sums.rows > sums.distinct:
        damage.append(
            f"{sums.rows - sums.distinct} rows are of an attempt that has one already; remove the "
            "segment that was copied"
        )
    if sums.min_seq < 0 or sums.max_seq >= part.reserved:
        damage.append(
            f"rows up to {sums.max_seq}, and {part.reserved} were reserved; restore the missing "
            "reservation"
        )
    if part.seal is not None and (sums.distinct, sums.max_seq + 1) != (part.seal.attempted,) * 2:
        damage.append(
            f"{sums.distinct} attempts have rows, and {part.seal.attempted} were sealed; restore "
            "the missing or damaged segment"
        )
    if part.seal is None:
        damage += _missing_in_between(part)
    return damage


def _with_remedy(damage: str) -> str:
    return damage if ": use " in damage else f"{damage}; restore it from a copy, or run again"


def _missing_in_between(part: GeneratorLedger) -> list[str]:
    """Without a seal, only a hole in the numbering tells that a segment is gone."""
    expected = [f"segment-{index:06}.parquet" for index in range(len(part.segments))]
    missing = sorted(set(expected) - set(part.segments))
    return [f"{name} is missing; restore it" for name in missing]


def _completed(spark: SparkSession, rows: DataFrame, state: LedgerState) -> DataFrame:
    """Make it one row for each attempt: none twice, none missing."""
    single = _without_repetition(rows) if state.has_repeated_rows else rows
    holes = [part for part in state.generators if part.without_row > 0]
    for part in holes:
        candidates = spark.range(part.asked).select(
            F.lit(part.generator).cast("int").alias("generator"), F.col("id").alias("seq")
        )
        known = rows.where(F.col("generator") == part.generator).select(*_IDENTITY)
        missing = candidates.join(known, on=list(_IDENTITY), how="left_anti")
        single = single.unionByName(_unanswered(missing))
    return single


def _without_repetition(rows: DataFrame) -> DataFrame:
    """Keep the first row of each attempt; that there were more is among the damage."""
    rest = [field.name for field in SCHEMA if field.name not in _IDENTITY]
    first = F.min_by(F.struct(*rest), F.col("sent_at_ns")).alias("first")
    return rows.groupBy(*_IDENTITY).agg(first).select(*_IDENTITY, "first.*").select(*SCHEMA.names)


def _unanswered(identities: DataFrame) -> DataFrame:
    """Rows for attempts that were reserved, and of which nothing more is known."""
    known = {
        "generator": F.col("generator"),
        "seq": F.col("seq"),
        "event_type": F.lit(UNKNOWN),
        "outcome": F.lit(Outcome.INDETERMINATE.value),
        "error": F.lit(_LOST_MEANWHILE),
    }
    return identities.select(
        *(
            known.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name)
            for field in SCHEMA
        )
    )
