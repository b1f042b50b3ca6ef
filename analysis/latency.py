"""Latency: how long requests took, and how long their events, in bounded memory.

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

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

PERCENTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
TOTAL = "total"
TICKS = 8
"""How many points a percentile curve has for each halving of the distance to 1."""

_SUB_BUCKET_BITS = 10
_NS_PER_MS = 1_000_000


class Measure(StrEnum):
    """What is measured."""

    HTTP = "http"
    FROM_INTENDED = "from_intended"
    END_TO_END = "end_to_end"

    @property
    def words(self) -> str:
        """Its name, for people."""
        return "HTTP" if self is Measure.HTTP else self.value.replace("_", " ")


DURATIONS_NS: Mapping[Measure, str] = {
    Measure.HTTP: "answered_at_ns - sent_at_ns",
    Measure.FROM_INTENDED: "answered_at_ns - intended_at_ns",
    Measure.END_TO_END: "(broker_at_ms - intended_at_ns div 1000000) * 1000000",
}
"""Each measure as an expression over the columns `reconcile.FATES`."""


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
class Quantile:
    """A point of a percentile curve: `count` of the durations are `ms` or less.

    `quantile` is from 0 to 1; `ms` is the nearest-rank percentile.
    """

    event_type: str
    measure: Measure
    quantile: float
    ms: float
    count: int


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


def distributions(fates: DataFrame, event_types: Sequence[str], other: str) -> tuple[Bucket, ...]:
    """Count durations by bucket; one action.

    Args:
        fates: Of the columns `reconcile.FATES`.
        event_types: The types to tell apart; every other one counts as `other`.
        other: The name for the rest.
    """
    grouped = (
        durations(fates, named_type(event_types, other))
        .groupBy("event_type", "measure", bucket_number().alias("bucket"))
        .agg(
            F.count("*").alias("count"),
            F.min("value").alias("min"),
            F.max("value").alias("max"),
            F.sum(F.col("value").cast("double")).alias("sum"),
        )
    )
    return tuple(
        Bucket(row.event_type, Measure(row.measure), row["count"], row.min, row.max, row.sum)
        for row in grouped.collect()
    )


def durations(fates: DataFrame, *keys: Column) -> DataFrame:
    """Give a row for each duration that there is: the keys, measure string, value long, in ns."""
    facts = [
        F.struct(F.lit(measure.value).alias("measure"), F.expr(value).alias("value"))
        for measure, value in DURATIONS_NS.items()
    ]
    return fates.select(*keys, F.inline(F.array(*facts))).where("value is not null")


def named_type(event_types: Sequence[str], other: str) -> Column:
    """Give the column event_type, in which types that no generator asked for are all `other`."""
    known = F.col("event_type").isin(list(event_types))
    return F.when(known, F.col("event_type")).otherwise(other).alias("event_type")


def bucket_number() -> Column:
    """Number the bucket of the duration `value`; numbers are in the order of the durations."""
    size_us = F.expr("abs(value div 1000)")
    # Where log2 rounds up at a power of two, the bucket is half as wide: no harm.
    magnitude = F.floor(F.log2(F.greatest(size_us, F.lit(1)))).cast("int")
    shift = F.greatest(magnitude - _SUB_BUCKET_BITS, F.lit(0))
    number = F.shiftleft(shift.cast("long"), _SUB_BUCKET_BITS + 1) + F.call_function(
        "shiftright", size_us, shift
    )
    return F.when(F.col("value") < 0, -number - 1).otherwise(number)


def latencies(buckets: Iterable[Bucket]) -> tuple[Latency, ...]:
    """Work out every measure by event type and in total; what was never measured is left out."""
    return tuple(_latency(key, mine) for key, mine in _grouped(buckets))


def percentile_curve(buckets: Iterable[Bucket]) -> tuple[Quantile, ...]:
    """Give the whole curve of every measure, by event type and in total."""
    return tuple(itertools.chain.from_iterable(_curve(*each) for each in _grouped(buckets)))


def _curve(key: tuple[str, Measure], buckets: list[Bucket]) -> Iterator[Quantile]:
    ordered = _ordered(buckets)
    reached = list(itertools.accumulate(bucket.count for bucket in ordered))
    for quantile in quantiles(reached[-1]):
        place = bisect_left(reached, _rank(reached[-1], quantile))
        yield Quantile(*key, quantile, ordered[place].max_ns / _NS_PER_MS, reached[place])


def quantiles(count: int) -> Iterator[float]:
    """Give the quantiles of so many values that a percentile curve has, from 0 to 1.

    As in an HDR histogram, the steps halve with each halving of the distance to 1, as far as there
    are values to tell them apart.
    """
    for halving in itertools.count():
        for tick in range(TICKS):
            rest = (1 - tick / (2 * TICKS)) / 2**halving
            if rest * count < 1:
                yield 1.0
                return
            yield 1 - rest


def _grouped(
    buckets: Iterable[Bucket],
) -> Iterator[tuple[tuple[str, Measure], list[Bucket]]]:
    """Give the buckets by event type and measure, those of all types last."""
    grouped: dict[tuple[str, Measure], list[Bucket]] = {}
    for bucket in buckets:
        grouped.setdefault((bucket.event_type, bucket.measure), []).append(bucket)
        grouped.setdefault((TOTAL, bucket.measure), []).append(bucket)
    order = {measure: place for place, measure in enumerate(Measure)}
    for key in sorted(grouped, key=lambda key: (key[0] == TOTAL, key[0], order[key[1]])):
        yield key, grouped[key]


def latency_ms(buckets: Iterable[Bucket], aggregate: str, quantile: float | None) -> float:
    """One figure of at least one bucket: a percentile, or `min`, `mean` or `max`, in ms."""
    ordered = _ordered(buckets)
    if quantile is not None:
        return _percentile_ms(ordered, sum(bucket.count for bucket in ordered), quantile)
    found = _latency((TOTAL, ordered[0].measure), ordered)
    return {"min": found.min_ms, "mean": found.mean_ms, "max": found.max_ms}[aggregate]


def _latency(key: tuple[str, Measure], buckets: list[Bucket]) -> Latency:
    ordered = _ordered(buckets)
    count = sum(bucket.count for bucket in ordered)
    return Latency(
        event_type=key[0],
        measure=key[1],
        count=count,
        # A bucket never holds both signs, so its least value tells.
        negative=sum(bucket.count for bucket in ordered if bucket.min_ns < 0),
        min_ms=ordered[0].min_ns / _NS_PER_MS,
        mean_ms=sum(bucket.sum_ns for bucket in ordered) / count / _NS_PER_MS,
        max_ms=max(bucket.max_ns for bucket in ordered) / _NS_PER_MS,
        percentiles={each: _percentile_ms(ordered, count, each) for each in PERCENTILES},
    )


def _ordered(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Put buckets in order; those of several event types that overlap are one and the same."""
    ordered: list[Bucket] = []
    for bucket in sorted(buckets, key=lambda bucket: (bucket.min_ns, bucket.max_ns)):
        if ordered and bucket.min_ns <= ordered[-1].max_ns:
            bucket = _merged(ordered.pop(), bucket)  # noqa: PLW2901 - it takes both places
        ordered.append(bucket)
    return ordered


def _merged(one: Bucket, other: Bucket) -> Bucket:
    return replace(
        one,
        count=one.count + other.count,
        max_ns=max(one.max_ns, other.max_ns),
        sum_ns=one.sum_ns + other.sum_ns,
    )


def _percentile_ms(ordered: list[Bucket], count: int, quantile: float) -> float:
    """Give the nearest-rank percentile: the least value that enough others do not exceed."""
    rank, reached = _rank(count, quantile), 0
    for bucket in ordered:
        reached += bucket.count
        if reached >= rank:
            return bucket.max_ns / _NS_PER_MS
    return ordered[-1].max_ns / _NS_PER_MS


def _rank(count: int, quantile: float) -> int:
    return max(1, math.ceil(round(quantile * count, 9)))
