"""The state comparison: what the run's owners have according to scenario, topic and database.

`differences.py` defines the three accounts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention
from pyspark.sql.types import IntegerType, LongType, MapType, StringType, StructField, StructType

from headcount.run.request_outcome import Outcome
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.spark.object_store import spark_url
from headcount_analysis.state.differences import Entry, StateCheck, StateDifference

MOST_DIFFERENCES = 10_000
"""The maximum number of differences that are listed."""

MOST_ENTRIES = 100_000
"""The maximum number of events behind these differences that are listed."""

OWNED = StructType(
    [
        StructField("generator", IntegerType()),
        StructField("seq", LongType()),
        StructField("owner", StringType()),
        StructField("changes", MapType(StringType(), LongType())),
    ]
)
"""The columns of a ledger segment that say which state a request changes."""

STORED_SCHEMA = StructType(
    [
        StructField("owner", StringType()),
        StructField("thing", StringType()),
        StructField("number", LongType()),
    ]
)
"""The columns that `headcount/run/stored_state.py` writes."""

_GLOB = frozenset("{}[]*?\\")
_NUMBER = "decimal(38,0)"
_ACCOUNTS = ("expected", "implied", "stored")


def owned_changes(spark: SparkSession, ledger: Ledger) -> DataFrame:
    """Read the changes that attempts declared, as rows of OWNED; without a change, no row."""
    location = ledger.location
    root = spark_url(location)
    paths = [f"{root}/{segment.name}" for segment in ledger.segments]
    if not paths:
        return spark.createDataFrame([], OWNED)
    # Each path is one file, even if the name of the run's folder has stars or brackets.
    reader = spark.read.schema(OWNED).option("__globPaths__", "false")
    rows = reader.parquet(*paths).where(F.col("owner").isNotNull())
    # Even so, Spark reads each of several files twice if their paths have glob characters.
    is_read_twice = len(paths) > 1 and not _GLOB.isdisjoint(root)
    if not ledger.state.has_repeated_rows and not is_read_twice:
        return rows
    return rows.dropDuplicates(["generator", "seq"])


def expectations(owned: DataFrame, fates: DataFrame) -> DataFrame:
    """Select the changes of requests known to have taken effect.

    Args:
        owned: The result of `owned_changes`.
        fates: Rows of `reconcile.FATES`, one per attempt.

    Returns:
        id string, event_type string, fate string, owner string, thing string,
        change decimal(38,0).
    """
    changed = owned.select(
        "generator", "seq", "owner", F.explode("changes").alias("thing", "change")
    )
    is_acked = F.col("outcome") == Outcome.ACKED.value
    is_found = (F.col("outcome") == Outcome.INDETERMINATE.value) & (F.col("copies") > 0)
    done = fates.where(is_acked | is_found).select("generator", "seq", "id", "event_type", "fate")
    return changed.join(done, on=["generator", "seq"], how="inner").select(
        "id", "event_type", "fate", "owner", "thing", F.col("change").cast(_NUMBER)
    )


def stored_account(spark: SparkSession, url: str, prefix: str) -> DataFrame:
    """Read the database's numbers of the run's owners, as rows of STORED_SCHEMA.

    The run's owners are those that begin with `prefix`.
    """
    reader = spark.read.schema(STORED_SCHEMA).option("__globPaths__", "false")
    return reader.parquet(url).where(F.col("owner").startswith(prefix))


def compare(
    expected: DataFrame, implied: DataFrame, stored: DataFrame | None, torn: Collection[int]
) -> StateCheck:
    """Compare the three accounts.

    Args:
        expected: The result of `expectations`.
        implied: The changes by the topic's events: the result of `game.effects.effects`.
        stored: The result of `stored_account`; None without a database.
        torn: Generators whose expected state is unknown.

    Returns:
        The check; the caller sets `why_not` if `stored` is None.
    """
    numbers = _numbers(expected, implied, stored, torn).cache()
    try:
        differs = F.col("differs")
        (sums,) = numbers.agg(
            F.countDistinct("owner").alias("owners"),
            F.count("*").alias("numbers"),
            F.count_if(differs).alias("different"),
        ).collect()
        different = numbers.where(differs).orderBy("owner", "thing").limit(MOST_DIFFERENCES)
        entries = _entries(different, expected, implied) if sums.different else {}
        differences = tuple(_difference(row, entries) for row in different.collect())
    finally:
        numbers.unpersist()
    if not sums.numbers:
        return StateCheck(why_not="no request that changes state took effect")
    return StateCheck(sums.owners, sums.numbers, sums.different, differences, "", is_due=True)


def _numbers(
    expected: DataFrame, implied: DataFrame, stored: DataFrame | None, torn: Collection[int]
) -> DataFrame:
    """Join the accounts: owner, thing, the three numbers, and whether they differ."""
    sides = {"expected": expected, "implied": implied}
    if stored is not None:
        sides["stored"] = stored.withColumnRenamed("number", "change")
    lines = [_line(name, frame) for name, frame in sides.items()]
    together = lines[0]
    for line in lines[1:]:
        together = together.unionByName(line)
    summed = together.groupBy("owner", "thing").agg(
        *(F.coalesce(F.sum(name), F.lit(0)).cast(_NUMBER).alias(name) for name in _ACCOUNTS)
    )
    is_torn = F.split("owner", r"\.").getItem(1).isin([str(generator) for generator in torn])
    unknown = {"expected": is_torn, "stored": F.lit(stored is None)}
    known = summed.select(
        "owner",
        "thing",
        *(F.when(~unknown.get(name, F.lit(False)), F.col(name)).alias(name) for name in _ACCOUNTS),
    )
    return known.withColumn("differs", _differs("expected") | _differs("stored"))


def _line(name: str, frame: DataFrame) -> DataFrame:
    nothing = F.lit(0).cast(_NUMBER)
    return frame.select(
        "owner",
        "thing",
        *(
            (F.col("change").cast(_NUMBER) if account == name else nothing).alias(account)
            for account in _ACCOUNTS
        ),
    )


def _differs(name: str) -> Column:
    return F.coalesce(F.col(name) != F.col("implied"), F.lit(False))


_Entries = dict[tuple[str, str], tuple[Entry, ...]]


def _entries(different: DataFrame, expected: DataFrame, implied: DataFrame) -> _Entries:
    """Collect the events that led to the differences, by owner and thing."""
    pairs = F.broadcast(different.select("owner", "thing"))
    requested, seen = (
        frame.join(pairs, on=["owner", "thing"], how="left_semi").limit(MOST_ENTRIES).collect()
        for frame in (expected, implied)
    )
    by_event: dict[tuple[str, str, Any], dict[str, Any]] = defaultdict(dict)
    for row in seen:
        # Messages without an id are separate events: each has its own partition and offset.
        key = (row.owner, row.thing, row.id if row.id is not None else (row.partition, row.offset))
        known = by_event[key]
        known |= {name: row[name] for name in ("id", "event_type")}
        known.setdefault("places", []).append((row.partition, row.offset))
        known["implied"] = known.get("implied", 0) + int(row.change)
    for row in requested:
        known = by_event[row.owner, row.thing, row.id]
        known |= {name: row[name] for name in ("id", "event_type", "fate")}
        known["expected"] = int(row.change)
    by_pair: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for (owner, resource, _), known in by_event.items():
        by_pair[owner, resource].append(_entry(known))
    return {pair: _in_order(entries) for pair, entries in by_pair.items()}


def _entry(known: dict[str, Any]) -> Entry:
    partition, offset = min(known.get("places", [(None, None)]))
    return Entry(
        id=known["id"],
        event_type=known["event_type"],
        fate=known.get("fate"),
        expected=known.get("expected"),
        implied=known.get("implied"),
        partition=partition,
        offset=offset,
    )


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Sort entries: first those whose request and message differ, then by offset."""
    return tuple(
        sorted(entries, key=lambda entry: (entry.expected == entry.implied, entry.offset or 0))
    )


def _difference(row: Row, entries: _Entries) -> StateDifference:
    numbers = {name: None if row[name] is None else int(row[name]) for name in _ACCOUNTS}
    return StateDifference(
        owner=row.owner,
        resource=row.thing,
        expected=numbers["expected"],
        implied=numbers["implied"] or 0,
        stored=numbers["stored"],
        entries=entries.get((row.owner, row.thing), ()),
    )
