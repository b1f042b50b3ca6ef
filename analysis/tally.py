"""The tally: counts of fates and of messages, as the judge wants them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis.classes import FLAGS, Counts, Fate, total
from analysis.content import Kind
from analysis.evidence import SAMPLES, PartitionRead
from analysis.latency import named_type
from analysis.ledger import UNKNOWN
from analysis.topic import OffsetRange
from headcount.outcome import Outcome

LONGEST_ERROR = 60
_NO_ANSWER = "no answer"
_STRANGERS = {
    Kind.MALFORMED.value: ("malformed",),
    Kind.GARBLED.value: ("malformed", "garbled"),
    Kind.FOREIGN.value: ("foreign",),
}


@dataclass(frozen=True, slots=True)
class Messages:
    """What the arrivals add up to: by partition, and by event type for what belongs to nobody."""

    partitions: tuple[PartitionRead, ...]
    by_event_type: dict[str, Counts]
    timestamp_types: frozenset[int]


@dataclass(frozen=True, slots=True)
class Attempts:
    """What the fates add up to; phantoms, which no generator asked for, only by event type.

    `by_answer` is by HTTP status, as text, or by what kept an answer from coming.
    """

    by_event_type: dict[str, Counts]
    by_generator: dict[int, Counts]
    by_answer: dict[str, Counts]


def of_fates(fates: DataFrame, event_types: Sequence[str]) -> Attempts:
    """Count the fates; one action.

    Phantoms of a type that no generator asked for count as `(unknown)`, for their names are
    anyone's. An outcome or class that does not exist is counted as an attempt and nothing else, so
    that the sums give it away.
    """
    keys = ("event_type", "generator", "answer", "outcome", "fate", *FLAGS)
    named = fates.select(
        named_type(event_types, UNKNOWN), "generator", _answer(), "outcome", "fate", *FLAGS
    )
    by_type: dict[str, Counts] = {}
    by_generator: dict[int, Counts] = {}
    by_answer: dict[str, Counts] = {}
    for row in named.groupBy(*keys).count().collect():
        counts = _counts(row)
        by_type[row.event_type] = by_type.get(row.event_type, Counts()) + counts
        if row.generator is not None:
            by_generator[row.generator] = by_generator.get(row.generator, Counts()) + counts
            by_answer[row.answer] = by_answer.get(row.answer, Counts()) + counts
    return Attempts(by_type, by_generator, by_answer)


def _answer() -> Column:
    """Name the answer: its status, or the kind of the error, which is what stands before a `:`."""
    kind = F.substring(F.substring_index("error", ":", 1), 1, LONGEST_ERROR)
    told = F.coalesce(F.col("http_status").cast("string"), kind, F.lit(_NO_ANSWER))
    return told.alias("answer")


def _counts(row: Row) -> Counts:
    number = int(row["count"])
    keys = {flag for flag in FLAGS if row[flag]}
    if row.fate in set(Fate):
        keys.add(row.fate)
    if row.fate != Fate.PHANTOM:
        keys.add("attempted")
    if row.outcome in set(Outcome):
        keys.add(row.outcome)
    return Counts(**dict.fromkeys(keys, number))


def of_messages(arrivals: DataFrame, offsets: OffsetRange, event_types: Sequence[str]) -> Messages:
    """Count the messages by partition; one action, and one more if there are any to be named."""
    keys = ("partition", "kind", "event_type")
    rows = (
        arrivals.select(
            "partition", "kind", named_type(event_types, UNKNOWN), "offset", "timestamp_type"
        )
        .groupBy(*keys)
        .agg(
            F.count("*").alias("count"),
            F.min("offset").alias("first"),
            F.max("offset").alias("last"),
            F.collect_set("timestamp_type").alias("timestamp_types"),
        )
        .collect()
    )
    partitions = [_partition(number, offsets, rows) for number in offsets.partitions]
    if any(partition.malformed or partition.foreign for partition in partitions):
        partitions = list(_with_samples(partitions, arrivals))
    types = frozenset(kind for row in rows for kind in row.timestamp_types)
    return Messages(tuple(partitions), _strangers(rows), types)


def _partition(number: int, offsets: OffsetRange, rows: Iterable[Row]) -> PartitionRead:
    mine = [row for row in rows if row.partition == number]
    by_kind = {
        kind: sum(row["count"] for row in mine if row.kind == kind)
        for kind in (Kind.MALFORMED, Kind.GARBLED, Kind.FOREIGN)
    }
    return PartitionRead(
        partition=number,
        start=offsets.first(number),
        end=offsets.end[number],
        read=sum(row["count"] for row in mine),
        first=min((row.first for row in mine), default=None),
        last=max((row.last for row in mine), default=None),
        malformed=by_kind[Kind.MALFORMED] + by_kind[Kind.GARBLED],
        foreign=by_kind[Kind.FOREIGN],
    )


def _strangers(rows: Iterable[Row]) -> dict[str, Counts]:
    """Count by event type what belongs to no attempt: a malformed message has no type."""
    by_type: dict[str, Counts] = {}
    for row in rows:
        if row.kind in _STRANGERS:
            counts = Counts(**dict.fromkeys(_STRANGERS[row.kind], int(row["count"])))
            by_type[row.event_type] = by_type.get(row.event_type, Counts()) + counts
    return by_type


def _with_samples(
    partitions: Iterable[PartitionRead], arrivals: DataFrame
) -> Iterator[PartitionRead]:
    """Name the first offsets of malformed and foreign messages."""
    is_foreign = (F.col("kind") == Kind.FOREIGN.value).alias("is_foreign")
    order = Window.partitionBy("partition", "is_foreign").orderBy("offset")
    sampled = (
        arrivals.where(F.col("kind").isin(list(_STRANGERS)))
        .select("partition", is_foreign, "offset")
        .select("*", F.row_number().over(order).alias("place"))
        .where(F.col("place") <= SAMPLES)
        .collect()
    )
    for partition in partitions:
        mine = sorted(row.offset for row in sampled if row.partition == partition.partition)
        foreign = {
            row.offset for row in sampled if row.partition == partition.partition and row.is_foreign
        }
        yield replace(
            partition,
            malformed_samples=tuple(offset for offset in mine if offset not in foreign),
            foreign_samples=tuple(offset for offset in mine if offset in foreign),
        )


def merged(*parts: dict[str, Counts]) -> dict[str, Counts]:
    """Add up counts by event type, the types in order and the unknown one last."""
    names = sorted({name for part in parts for name in part}, key=lambda n: (n == UNKNOWN, n))
    return {name: total(part.get(name, Counts()) for part in parts) for name in names}
