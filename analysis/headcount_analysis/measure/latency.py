"""Latency: percentiles of requests and events, computed from buckets."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.nearest_rank import bucket_at, nearest_rank
from headcount.thresholds.percentiles import QUANTILES
from headcount_analysis.measure.histogram import NS_PER_MS, Bucket, Measure

TICKS = 8
"""The number of steps in which a percentile curve halves its distance to the quantile 1."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
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

    `negative` and `unanswered` count durations among the `count`.
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


def latencies(buckets: Iterable[Bucket]) -> tuple[Latency, ...]:
    """Compute every measure by event type and in total; measures without values are left out."""
    return tuple(_latency(key, group) for key, group in _grouped(buckets))


def percentile_curve(buckets: Iterable[Bucket]) -> tuple[CurvePoint, ...]:
    """Compute the curve of every measure, by event type and in total."""
    return tuple(
        itertools.chain.from_iterable(_curve(*key_and_group) for key_and_group in _grouped(buckets))
    )


def _curve(key: tuple[str, Measure], buckets: list[Bucket]) -> Iterator[CurvePoint]:
    ordered = ordered_buckets(buckets)
    reached = list(itertools.accumulate(bucket.count for bucket in ordered))
    for quantile in quantiles(reached[-1]):
        place = bucket_at(reached, nearest_rank(reached[-1], quantile))
        yield CurvePoint(*key, quantile, ordered[place].max_ns / NS_PER_MS, reached[place])


def quantiles(count: int) -> Iterator[float]:
    """Yield the quantiles of a percentile curve over `count` values, from 0 to 1.

    As in an HDR histogram, the step halves whenever the distance to 1 halves, until a step is
    smaller than the share of one value.
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
    """Yield the buckets of each event type and measure; those of all types come last."""
    grouped: dict[tuple[str, Measure], list[Bucket]] = {}
    for bucket in buckets:
        grouped.setdefault((bucket.event_type, bucket.measure), []).append(bucket)
        grouped.setdefault((TOTAL, bucket.measure), []).append(bucket)
    order = {measure: index for index, measure in enumerate(Measure)}
    for key in sorted(grouped, key=lambda key: (key[0] == TOTAL, key[0], order[key[1]])):
        yield key, grouped[key]


def latency_ms(buckets: Iterable[Bucket], aggregate: str, quantile: float | None) -> float:
    """Compute an aggregate in ms: a percentile, min, mean or max. Needs at least one bucket."""
    ordered = ordered_buckets(buckets)
    if quantile is not None:
        return _percentiles_ms(ordered, (quantile,))[quantile]
    latency = _latency((TOTAL, ordered[0].measure), ordered)
    return {"min": latency.min_ms, "mean": latency.mean_ms, "max": latency.max_ms}[aggregate]


def percentile_bounds_ms(buckets: Iterable[Bucket], quantile: float) -> tuple[float, float]:
    """Return the least and the greatest value that a percentile may have, in ms.

    The values of a bucket are not known, except for its first and its last.
    """
    ordered = ordered_buckets(buckets)
    cumulative = list(itertools.accumulate(bucket.count for bucket in ordered))
    rank = nearest_rank(cumulative[-1], quantile)
    place = bucket_at(cumulative, rank)
    bucket = ordered[place]
    least_ns = bucket.max_ns if rank == cumulative[place] else bucket.min_ns
    return least_ns / NS_PER_MS, bucket.max_ns / NS_PER_MS


def _latency(key: tuple[str, Measure], buckets: list[Bucket]) -> Latency:
    ordered = ordered_buckets(buckets)
    count = sum(bucket.count for bucket in ordered)
    return Latency(
        event_type=key[0],
        measure=key[1],
        count=count,
        # A bucket never holds both signs, so its minimum decides.
        negative=sum(bucket.count for bucket in ordered if bucket.min_ns < 0),
        unanswered=sum(bucket.unanswered for bucket in ordered),
        min_ms=ordered[0].min_ns / NS_PER_MS,
        mean_ms=sum(bucket.sum_ns for bucket in ordered) / count / NS_PER_MS,
        max_ms=max(bucket.max_ns for bucket in ordered) / NS_PER_MS,
        percentiles=_percentiles_ms(ordered, QUANTILES),
    )


def ordered_buckets(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Sort buckets, and merge overlapping ones of different event types."""
    ordered: list[Bucket] = []
    for bucket in sorted(buckets, key=lambda bucket: (bucket.min_ns, bucket.max_ns)):
        if ordered and bucket.min_ns <= ordered[-1].max_ns:
            bucket = _merged(ordered.pop(), bucket)  # noqa: PLW2901 - the merged bucket replaces both
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


def _percentiles_ms(ordered: Sequence[Bucket], wanted: Iterable[float]) -> dict[float, float]:
    """Return, by quantile, the longest duration in the bucket that contains its rank."""
    cumulative = list(itertools.accumulate(bucket.count for bucket in ordered))
    return {
        quantile: ordered[bucket_at(cumulative, nearest_rank(cumulative[-1], quantile))].max_ns
        / NS_PER_MS
        for quantile in wanted
    }
