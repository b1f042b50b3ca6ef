"""Over time: how much was asked for, sent, answered and published, and how long it took.

The run is cut into slices of equal width, at most about 600 of them, from the time at which its
first request was due. Each thing counts in the slice in which it happened, so that a service that
falls behind shows as lines that come apart; what took how long stands in the slice in which the
request was due.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from analysis.latency import Measure, bucket_number, durations
from headcount.outcome import Outcome

MOST_SLICES = 600
SHOWN_QUANTILES = (0.5, 0.95, 0.99)

_WIDTHS_S = (1, 2, 3, 5, 10, 15, 20, 30, 60)
_SHORT_RUN_S, _SHORT_WIDTH_S = 10, 0.1
_MARGIN_NS = 60_000_000_000
_TIMES_NS = {
    "due": "intended_at_ns",
    "started": "sent_at_ns",
    "answered": "answered_at_ns",
    "acked": f"if(outcome = '{Outcome.ACKED.value}', answered_at_ns, null)",
    "arrived": "broker_at_ms * 1000000",
}

RateAt = Callable[[int], float]
"""Tells how many arrivals a second were asked for at a Unix time in ns."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations in ms, each the nearest-rank percentile."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Slice:
    """What happened from `elapsed_s` on, counted; `target` is a rate, None where none was set.

    `arrived` are the events that were seen, by the time of their first copy.
    """

    elapsed_s: float
    target: float | None = None
    due: int = 0
    started: int = 0
    answered: int = 0
    acked: int = 0
    arrived: int = 0
    latency: Mapping[Measure, Percentiles] = field(default_factory=dict)


COUNTED = tuple(_TIMES_NS)
"""The names of what is counted, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Slices without gaps, each `width_s` wide; `first_ns` is when the first request was due."""

    width_s: float = 1.0
    first_ns: int = 0
    slices: tuple[Slice, ...] = ()


def over_time(fates: DataFrame, rate_at: RateAt | None = None) -> OverTime:
    """Make a run's course; three actions.

    Args:
        fates: Of the columns `reconcile.FATES`.
        rate_at: How many requests a second were asked for at a Unix time in ns, if a rate was.
    """
    span = _span(fates)
    if span is None:
        return OverTime()
    first, start, end = span
    width_s = width_for((end - start) / 1e9)
    width_ns = round(width_s * 1e9)
    from_place, to_place = (start - first) // width_ns, (end - first) // width_ns
    counts = _counts(fates, first, width_ns, from_place, to_place)
    latency = _latency(fates, first, width_ns)
    slices = (
        Slice(
            elapsed_s=round(place * width_s, 3),
            target=None if rate_at is None else rate_at(first + round((place + 0.5) * width_ns)),
            latency=latency.get(place, {}),
            **counts.get(place, {}),
        )
        for place in range(from_place, to_place + 1)
    )
    return OverTime(width_s, first, tuple(slices))


def width_for(length_s: float) -> float:
    """Choose how wide the slices of so long a run are, in seconds."""
    if length_s <= _SHORT_RUN_S:
        return _SHORT_WIDTH_S
    for width_s in _WIDTHS_S:
        if length_s <= width_s * MOST_SLICES:
            return width_s
    return 60 * -(-length_s // (60 * MOST_SLICES))


def _span(fates: DataFrame) -> tuple[int, int, int] | None:
    """Tell when the first request was due, and between which times there is something to show."""
    attempts = fates.where(F.col("intended_at_ns").isNotNull())
    (found,) = attempts.agg(
        F.min("intended_at_ns").alias("first"),
        F.max("intended_at_ns").alias("last"),
        F.min("broker_at_ms").alias("first_ms"),
        F.max(F.greatest("sent_at_ns", "answered_at_ns", F.expr(_TIMES_NS["arrived"]))).alias(
            "end"
        ),
    ).collect()
    if found.first is None:
        return None
    # Kafka has whole ms: what arrives within that of the first request is not before it.
    first = found.first // 1_000_000 * 1_000_000
    # A clock that is wrong must not stretch the axis.
    margin = found.last - first + _MARGIN_NS
    earliest = first if found.first_ms is None else found.first_ms * 1_000_000
    start = max(first - margin, min(first, earliest))
    return first, start, min(found.last + margin, max(found.last, found.end or 0))


def _place(time_ns: str, first: int, width_ns: int) -> Column:
    return F.floor((F.expr(time_ns) - F.lit(first)) / F.lit(width_ns)).cast("int")


def _counts(
    fates: DataFrame, first: int, width_ns: int, from_place: int, to_place: int
) -> dict[int, dict[str, int]]:
    """Count by slice what is to be counted; what lies beyond them is left out."""
    places = [_place(at, first, width_ns).alias(name) for name, at in _TIMES_NS.items()]
    # Most of a request happens in one slice, so there are few rows to go on with.
    together = fates.groupBy(*places).count()
    facts = [F.struct(F.lit(name).alias("name"), F.col(name).alias("place")) for name in COUNTED]
    sums = (
        together.select("count", F.inline(F.array(*facts)))
        .where(F.col("place").between(from_place, to_place))
        .groupBy("place", "name")
        .agg(F.sum("count").alias("count"))
    )
    found: dict[int, dict[str, int]] = {}
    for row in sums.collect():
        found.setdefault(row.place, {})[row.name] = row["count"]
    return found


def _latency(fates: DataFrame, first: int, width_ns: int) -> dict[int, dict[Measure, Percentiles]]:
    """Work out the percentiles of each slice from buckets, in Spark: there are many of them."""
    keys = ("place", "measure")
    buckets = (
        durations(fates, _place(_TIMES_NS["due"], first, width_ns).alias("place"))
        .groupBy(*keys, bucket_number().alias("bucket"))
        .agg(F.count("*").alias("count"), F.max("value").alias("value"))
    )
    ordered = Window.partitionBy(*keys).orderBy("bucket")
    reached = buckets.select(
        *keys,
        "value",
        F.sum("count").over(ordered).alias("reached"),
        F.sum("count").over(Window.partitionBy(*keys)).alias("all"),
    )
    columns = [
        F.min(F.when(F.expr(f"reached >= ceil(round(all * {quantile}D, 9))"), F.col("value")))
        for quantile in SHOWN_QUANTILES
    ]
    found: dict[int, dict[Measure, Percentiles]] = {}
    for row in reached.groupBy(*keys).agg(*columns, F.max("value")).collect():
        found.setdefault(row.place, {})[Measure(row.measure)] = _percentiles(row)
    return found


def _percentiles(row: Row) -> Percentiles:
    return Percentiles(*(nanoseconds / 1e6 for nanoseconds in row[2:]))
