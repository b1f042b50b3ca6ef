"""Latency: how long requests took, and when they and their events came, in bounded memory.

Spark counts durations in buckets; what comes back does not grow with the run. A bucket is a
thousandth of its values wide, as in an HDR histogram (hdrhistogram.org) with three digits, and
carries its own least and greatest value, so that a percentile is exact where a bucket holds one
value, and at most 0.1 % too high where it holds several. Negative durations, which mean that two
clocks differ, are counted like any other and shown, never dropped.

The measures:

- http: from sending the request to its answer.
- from_intended: from the time at which the request was due to its answer.
- end_to_end: from that time to the event's timestamp in the topic, in whole ms as Kafka has them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

PERCENTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
TOTAL = "total"

_SUB_BUCKET_BITS = 10
_NS_PER_MS = 1_000_000


class Measure(StrEnum):
    """What is measured: durations, or when something happened."""

    HTTP = "http"
    FROM_INTENDED = "from_intended"
    END_TO_END = "end_to_end"
    REQUESTED = "requested"
    ARRIVED = "arrived"


DURATIONS = (Measure.HTTP, Measure.FROM_INTENDED, Measure.END_TO_END)


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many durations of one kind were how long."""

    event_type: str
    measure: Measure
    count: int
    min_ns: int
    max_ns: int
    sum_ns: float


@dataclass(frozen=True, slots=True)
class Second:
    """How many requests were due, or events arrived, in one second of Unix time."""

    event_type: str
    measure: Measure
    unix_s: int
    count: int


@dataclass(frozen=True, slots=True)
class Distributions:
    """All that the report needs of a run's times."""

    buckets: tuple[Bucket, ...] = ()
    seconds: tuple[Second, ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """One measure of one event type, in ms; `percentiles` by quantile, `negative` a count."""

    event_type: str
    measure: Measure
    count: int
    negative: int
    min_ms: float
    mean_ms: float
    max_ms: float
    percentiles: Mapping[float, float]


def distributions(fates: DataFrame, event_types: Sequence[str], other: str) -> Distributions:
    """Count durations by bucket and times by second; one action.

    Args:
        fates: Of the columns `reconcile.FATES`.
        event_types: The types to tell apart; every other one counts as `other`.
        other: The name for the rest.
    """
    facts = fates.select(named_type(event_types, other), F.inline(F.array(*_facts())))
    grouped = (
        facts.where("value is not null")
        .groupBy("event_type", "measure", _bucket().alias("bucket"))
        .agg(
            F.count("*").alias("count"),
            F.min("value").alias("min"),
            F.max("value").alias("max"),
            F.sum(F.col("value").cast("double")).alias("sum"),
        )
    )
    buckets, seconds = [], []
    for row in grouped.collect():
        measure = Measure(row.measure)
        if measure in DURATIONS:
            buckets.append(Bucket(row.event_type, measure, row["count"], row.min, row.max, row.sum))
        else:
            seconds.append(Second(row.event_type, measure, row.bucket, row["count"]))
    return Distributions(tuple(buckets), tuple(seconds))


def named_type(event_types: Sequence[str], other: str) -> Column:
    """Give the column event_type, in which types that no generator asked for are all `other`."""
    known = F.col("event_type").isin(list(event_types))
    return F.when(known, F.col("event_type")).otherwise(other).alias("event_type")


def _facts() -> list[Column]:
    values = {
        Measure.HTTP: "answered_at_ns - sent_at_ns",
        Measure.FROM_INTENDED: "answered_at_ns - intended_at_ns",
        Measure.END_TO_END: "(broker_at_ms - intended_at_ns div 1000000) * 1000000",
        Measure.REQUESTED: "intended_at_ns div 1000000000",
        Measure.ARRIVED: "broker_at_ms div 1000",
    }
    return [
        F.struct(F.lit(measure.value).alias("measure"), F.expr(value).alias("value"))
        for measure, value in values.items()
    ]


def _bucket() -> Column:
    """Number the bucket of a duration; a second is a bucket of its own."""
    size_us = F.expr("abs(value div 1000)")
    # Where log2 rounds up at a power of two, the bucket is half as wide: no harm.
    magnitude = F.floor(F.log2(F.greatest(size_us, F.lit(1)))).cast("int")
    shift = F.greatest(magnitude - _SUB_BUCKET_BITS, F.lit(0))
    number = F.shiftleft(shift.cast("long"), _SUB_BUCKET_BITS + 1) + F.call_function(
        "shiftright", size_us, shift
    )
    signed = F.when(F.col("value") < 0, -number - 1).otherwise(number)
    is_duration = F.col("measure").isin([str(measure) for measure in DURATIONS])
    return F.when(is_duration, signed).otherwise(F.col("value"))


def latencies(buckets: Iterable[Bucket]) -> tuple[Latency, ...]:
    """Work out every measure by event type and in total; what was never measured is left out."""
    grouped: dict[tuple[str, Measure], list[Bucket]] = {}
    for bucket in buckets:
        grouped.setdefault((bucket.event_type, bucket.measure), []).append(bucket)
        grouped.setdefault((TOTAL, bucket.measure), []).append(bucket)
    order = {measure: place for place, measure in enumerate(Measure)}
    keys = sorted(grouped, key=lambda key: (key[0] == TOTAL, key[0], order[key[1]]))
    return tuple(_latency(*key, grouped[key]) for key in keys)


def latency_ms(buckets: Iterable[Bucket], aggregate: str, quantile: float | None) -> float:
    """One figure of at least one bucket: a percentile, or `min`, `mean` or `max`, in ms."""
    ordered = _ordered(buckets)
    if quantile is not None:
        return _percentile_ms(ordered, sum(bucket.count for bucket in ordered), quantile)
    found = _latency(TOTAL, ordered[0].measure, ordered)
    return {"min": found.min_ms, "mean": found.mean_ms, "max": found.max_ms}[aggregate]


def _latency(event_type: str, measure: Measure, buckets: list[Bucket]) -> Latency:
    ordered = _ordered(buckets)
    count = sum(bucket.count for bucket in ordered)
    return Latency(
        event_type=event_type,
        measure=measure,
        count=count,
        # A bucket never holds both signs, so its least value tells.
        negative=sum(bucket.count for bucket in ordered if bucket.min_ns < 0),
        min_ms=ordered[0].min_ns / _NS_PER_MS,
        mean_ms=sum(bucket.sum_ns for bucket in ordered) / count / _NS_PER_MS,
        max_ms=max(bucket.max_ns for bucket in ordered) / _NS_PER_MS,
        percentiles={each: _percentile_ms(ordered, count, each) for each in PERCENTILES},
    )


def _ordered(buckets: Iterable[Bucket]) -> list[Bucket]:
    return sorted(buckets, key=lambda bucket: (bucket.min_ns, bucket.max_ns))


def _percentile_ms(ordered: list[Bucket], count: int, quantile: float) -> float:
    """Give the nearest-rank percentile: the least value that enough others do not exceed."""
    rank = max(1, math.ceil(round(quantile * count, 9)))
    reached = 0
    for bucket in ordered:
        reached += bucket.count
        if reached >= rank:
            return bucket.max_ns / _NS_PER_MS
    return ordered[-1].max_ns / _NS_PER_MS
