"""Latency: how long requests took, and how long their events, in bounded memory.

Durations are counted in buckets, block by block; what is kept does not grow with the run. A bucket
is a thousandth of its values wide, as in an HDR histogram (hdrhistogram.org) with three digits, and
carries its own least and greatest value, so that a percentile is exact where a bucket holds one
value, and at most 0.1 % too high where it holds several. Negative durations, which mean that two
clocks differ, are counted like any other and shown, never dropped.

The measures:

- http: from sending the request to its answer.
- from_intended: from the time at which the request was due to its answer.
- end_to_end: from that time to the event's timestamp in the topic, in whole ms as Kafka has them,
  by the clock of the request's generator (see `clocks.py`).

A request that got no answer took at least as long as it was waited for, and counts with that time.
"""

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount_analysis.arrow_types import Integers
from headcount_analysis.compare_run.counting import known_types

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


COUNTED = pa.schema(
    [
        ("event_type", pa.string()),
        ("measure", pa.string()),
        ("place", pa.int32()),
        ("bucket", pa.int64()),
        ("count", pa.int64()),
        ("min", pa.int64()),
        ("max", pa.int64()),
        ("sum", pa.float64()),
        ("unanswered", pa.int64()),
    ]
)
"""Durations in ns, counted by what they are of, by the slice of the run (see `over_time.py`) in
which their request was due, and by bucket; `unanswered` of them are of requests without an answer.
"""

BY_TYPE = ("event_type", "measure", "bucket")
BY_PLACE = ("place", "measure", "bucket")


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many durations of one kind were how long; `unanswered` of them are longer than known."""

    event_type: str
    measure: Measure
    count: int
    min_ns: int
    max_ns: int
    sum_ns: float
    unanswered: int = 0


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
    """One measure of one event type, in ms; `percentiles` by quantile.

    Of the `count` durations, so many are `negative`, and so many `unanswered`.
    """

    event_type: str
    measure: Measure
    count: int
    negative: int
    unanswered: int
    min_ms: float
    mean_ms: float
    max_ms: float
    percentiles: Mapping[float, float]


def counted(fates: pa.Table, event_types: Sequence[str], place: Integers | None = None) -> pa.Table:
    """Count durations by bucket.

    Args:
        fates: Of the columns `reconcile.FATES`.
        event_types: The types to tell apart; every other one counts as `(unknown)`.
        place: The slice of each; by default all are of one.

    Returns:
        Rows of COUNTED.
    """
    types = known_types(fates["event_type"], event_types)
    keys = {
        "event_type": types.indices,
        "place": pa.array(np.zeros(len(fates)) if place is None else place, pa.int32()),
    }
    if fates["ended_at_ns"].null_count < len(fates):
        keys["unanswered"] = fates["answered_at_ns"].is_null().cast(pa.int64())
    durations = durations_ns(fates).items()
    parts = [_of_measure(measure, values, keys, types.dictionary) for measure, values in durations]
    return by_keys(parts, COUNTED.names[:4])


def _of_measure(
    measure: Measure, values_ns: pa.ChunkedArray, keys: Mapping[str, pa.Array], types: pa.Array
) -> pa.Table:
    """Count one measure of the attempts that have it; event types are places in `types`."""
    known = pa.table({**keys, "value": values_ns}).filter(values_ns.is_valid())
    value = known["value"].to_numpy()
    columns = {
        **{name: known[name] for name in known.column_names},
        "bucket": pa.array(bucket_number(value)),
        "value_ns": pa.array(value.astype(np.float64)),
    }
    sums = [([], "count_all"), ("value", "min"), ("value", "max"), ("value_ns", "sum")]
    by_bucket = (
        pa.table(columns)
        .group_by(["event_type", "place", "bucket"], use_threads=False)
        .aggregate([*sums, *([("unanswered", "sum")] if "unanswered" in keys else [])])
    )
    names = ("place", "bucket", "count_all", "value_min", "value_max", "value_ns_sum")
    counted = [
        types.take(by_bucket["event_type"]),
        pa.repeat(pa.scalar(measure.value), len(by_bucket)),
        *(by_bucket[name] for name in names),
        by_bucket["unanswered_sum"] if "unanswered" in keys else _zeros(len(by_bucket)),
    ]
    return pa.Table.from_arrays(counted, schema=COUNTED)


def _zeros(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(0, pa.int64()), count)


def durations_ns(fates: pa.Table) -> dict[Measure, pa.ChunkedArray]:
    """Give each measure of each attempt in ns, null where an attempt lacks it."""
    intended, sent = fates["intended_at_ns"], fates["sent_at_ns"]
    ended = over_ns(fates)
    waited_ms = pc.subtract(
        pc.divide(fates["entered_at_ns"], _NS_PER_MS), pc.divide(intended, _NS_PER_MS)
    )
    return {
        Measure.HTTP: pc.subtract(ended, sent),
        Measure.FROM_INTENDED: pc.subtract(ended, intended),
        Measure.END_TO_END: pc.multiply(waited_ms, _NS_PER_MS),
    }


def over_ns(fates: pa.Table) -> pa.ChunkedArray:
    """Give when each request was answered, or was waited for no longer."""
    answered, ended = fates["answered_at_ns"], fates["ended_at_ns"]
    return answered if ended.null_count == len(ended) else pc.coalesce(answered, ended)


def by_keys(parts: Sequence[pa.Table], keys: Sequence[str]) -> pa.Table:
    """Add up rows of COUNTED by some of their keys; the others are gone."""
    names = [*keys, *COUNTED.names[4:]]
    together = pa.concat_tables([part.select(names) for part in (COUNTED.empty_table(), *parts)])
    has_unanswered = bool(pc.max(together["unanswered"]).as_py())
    sums = [("count", "sum"), ("min", "min"), ("max", "max"), ("sum", "sum")]
    if has_unanswered:  # there seldom are any, and a sum of nothing takes as long
        sums.append(("unanswered", "sum"))
    found = together.group_by(list(keys), use_threads=False).aggregate(sums)
    columns = [found[name] for name in (*keys, *("_".join(each) for each in sums))]
    if not has_unanswered:
        columns.append(_zeros(len(found)))
    return pa.Table.from_arrays(columns, names)


def distributions(parts: Sequence[pa.Table]) -> tuple[Bucket, ...]:
    """Put together what was counted, rows of COUNTED."""
    rows = by_keys(parts, BY_TYPE)
    names = ("event_type", "measure", "count", "min", "max", "sum", "unanswered")
    columns = (rows[name].to_pylist() for name in names)
    return tuple(
        Bucket(event_type, Measure(measure), *numbers)
        for event_type, measure, *numbers in zip(*columns, strict=True)
    )


def bucket_number(values_ns: Integers) -> Integers:
    """Number the buckets of durations; numbers are in the order of the durations."""
    size_us = np.abs(values_ns) // 1000
    # Where log2 rounds up at a power of two, the bucket is half as wide: no harm.
    magnitude = np.floor(np.log2(np.maximum(size_us, 1))).astype(np.int64)
    shift = np.maximum(magnitude - _SUB_BUCKET_BITS, 0)
    number = (shift << (_SUB_BUCKET_BITS + 1)) + (size_us >> shift)
    signed: Integers = np.where(values_ns < 0, -number - 1, number)
    return signed


def latencies(buckets: Iterable[Bucket]) -> tuple[Latency, ...]:
    """Work out every measure by event type and in total; what was never measured is left out."""
    return tuple(_latency(key, mine) for key, mine in _grouped(buckets))


def percentile_curve(buckets: Iterable[Bucket]) -> tuple[Quantile, ...]:
    """Give the whole curve of every measure, by event type and in total."""
    return tuple(itertools.chain.from_iterable(_curve(*each) for each in _grouped(buckets)))


def _curve(key: tuple[str, Measure], buckets: list[Bucket]) -> Iterator[Quantile]:
    ordered = ordered_buckets(buckets)
    reached = list(itertools.accumulate(bucket.count for bucket in ordered))
    for quantile in quantiles(reached[-1]):
        place = bisect_left(reached, rank(reached[-1], quantile))
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
    ordered = ordered_buckets(buckets)
    if quantile is not None:
        return _percentile_ms(ordered, sum(bucket.count for bucket in ordered), quantile)
    found = _latency((TOTAL, ordered[0].measure), ordered)
    return {"min": found.min_ms, "mean": found.mean_ms, "max": found.max_ms}[aggregate]


def _latency(key: tuple[str, Measure], buckets: list[Bucket]) -> Latency:
    ordered = ordered_buckets(buckets)
    count = sum(bucket.count for bucket in ordered)
    return Latency(
        event_type=key[0],
        measure=key[1],
        count=count,
        # A bucket never holds both signs, so its least value tells.
        negative=sum(bucket.count for bucket in ordered if bucket.min_ns < 0),
        unanswered=sum(bucket.unanswered for bucket in ordered),
        min_ms=ordered[0].min_ns / _NS_PER_MS,
        mean_ms=sum(bucket.sum_ns for bucket in ordered) / count / _NS_PER_MS,
        max_ms=max(bucket.max_ns for bucket in ordered) / _NS_PER_MS,
        percentiles={each: _percentile_ms(ordered, count, each) for each in PERCENTILES},
    )


def ordered_buckets(buckets: Iterable[Bucket]) -> list[Bucket]:
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
        unanswered=one.unanswered + other.unanswered,
    )


def _percentile_ms(ordered: list[Bucket], count: int, quantile: float) -> float:
    """Give the nearest-rank percentile: the least value that enough others do not exceed."""
    wanted, reached = rank(count, quantile), 0
    for bucket in ordered:
        reached += bucket.count
        if reached >= wanted:
            return bucket.max_ns / _NS_PER_MS
    return ordered[-1].max_ns / _NS_PER_MS


def rank(count: int, quantile: float) -> int:
    """Give the nearest rank of a quantile among so many values, from 1."""
    return max(1, math.ceil(round(quantile * count, 9)))
