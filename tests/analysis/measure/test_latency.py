"""Latency: percentiles from buckets, compared with sorted durations."""

import math
import random

import pyarrow as pa
from headcount_analysis.measure.histogram import Bucket, Measure, counted, distributions
from headcount_analysis.measure.latency import (
    TICKS,
    latencies,
    percentile_curve,
    quantiles,
)

from headcount.ledger.event_types import TOTAL
from headcount.thresholds.percentiles import QUANTILES

MS = 1_000_000
TIMES = ("intended_at_ns", "sent_at_ns", "answered_at_ns", "entered_at_ns", "ended_at_ns")
FATES = pa.schema([("event_type", pa.string()), *((name, pa.int64()) for name in TIMES)])


def single(event_type: str, *durations_ns: int) -> list[Bucket]:
    """Return a bucket for each duration."""
    return [
        Bucket(event_type, Measure.HTTP, 1, duration_ns, duration_ns, duration_ns)
        for duration_ns in durations_ns
    ]


def nearest_rank(durations: list[int], quantile: float) -> int:
    """Return the percentile by its definition."""
    return sorted(durations)[max(0, math.ceil(round(quantile * len(durations), 9)) - 1)]


def test_percentiles_of_single_values_are_exact() -> None:
    """1 to 100 ms: the median is 50, p99 is 99."""
    (by_type, total) = latencies(single("a", *(n * MS for n in range(1, 101))))

    assert by_type.event_type == "a"
    assert total.event_type == TOTAL
    assert by_type.percentiles == {0.5: 50, 0.75: 75, 0.9: 90, 0.95: 95, 0.99: 99, 0.999: 100}
    assert (by_type.count, by_type.min_ms, by_type.mean_ms, by_type.max_ms) == (100, 1, 50.5, 100)


def test_negative_durations_are_counted() -> None:
    """Durations that are negative because clocks differ are counted, not dropped."""
    (latency, _) = latencies(single("a", -5 * MS, 0, 5 * MS))

    assert (latency.count, latency.negative) == (3, 1)
    assert (latency.min_ms, latency.percentiles[0.5], latency.mean_ms) == (-5, 0, 0)


def test_total_spans_the_types() -> None:
    """The total covers all durations, and comes last."""
    (a, b, total) = latencies([*single("a", MS), *single("b", 3 * MS)])

    assert [latency.event_type for latency in (a, b, total)] == ["a", "b", TOTAL]
    assert (total.count, total.mean_ms) == (2, 2)


def test_a_curve_goes_as_far_as_there_are_values() -> None:
    """Steps halve with the distance to 1, down to the share of one value; then comes 1."""
    steps = list(quantiles(1000))
    halves = steps[::TICKS]

    assert steps == sorted(set(steps))
    assert halves[:5] == [0, 0.5, 0.75, 0.875, 0.9375]
    assert (steps[0], steps[-1]) == (0, 1)
    assert 1 - steps[-2] >= 1 / 1000 > (1 - steps[-2]) / 2


def test_a_curve_ends_at_the_maximum() -> None:
    """All values are at or below it; a single value is the whole curve."""
    curve = percentile_curve(single("a", *(n * MS for n in range(1, 101))))
    of_a = [point for point in curve if point.event_type == "a"]

    assert (of_a[0].quantile, of_a[0].ms, of_a[0].count) == (0, 1, 1)
    assert (of_a[-1].quantile, of_a[-1].ms, of_a[-1].count) == (1, 100, 100)
    assert all(point.ms == point.count for point in of_a)
    (alone, *rest) = percentile_curve(single("a", MS))
    assert {(point.ms, point.count) for point in (alone, *rest)} == {(1, 1)}
    assert percentile_curve([]) == ()


def test_nothing_measured() -> None:
    """Without durations there are no rows, and no division by zero."""
    assert latencies([]) == ()


def test_buckets_hold_every_duration() -> None:
    """From ns to hours, both signs: counts are exact, percentiles at most 0.1 % too high."""
    chance = random.Random(7)
    start = 1_700_000_000 * 1000 * MS
    durations = [
        int(10 ** chance.uniform(0, 13)) * chance.choice([1, 1, 1, -1]) for _ in range(3000)
    ]
    durations += [0, 1, -1, 999, 1000, 2**20 * 1000, 2**20 * 1000 - 1, 2**30 * 1000]
    rows: list[tuple[object, ...]] = [
        (chance.choice(["a", "b"]), start, start, start + duration, None, None)
        for duration in durations
    ]
    rows += [
        ("hostile", None, None, None, 1_700_000_005_999 * MS, None),
        ("a", start, start, None, None, None),
    ]

    chance.shuffle(rows)
    parts = [
        pa.Table.from_pylist([dict(zip(FATES.names, row, strict=True)) for row in some], FATES)
        for some in (rows[:1000], rows[1000:])
    ]

    buckets = distributions([counted(part, ["a", "b"]) for part in parts])

    (http,) = (
        latency
        for latency in latencies(buckets)
        if (latency.event_type, latency.measure) == (TOTAL, Measure.HTTP)
    )
    assert http.count == len(durations)
    assert http.negative == sum(duration < 0 for duration in durations)
    assert http.min_ms == min(durations) / MS
    assert http.max_ms == max(durations) / MS
    for quantile in QUANTILES:
        exact = nearest_rank(durations, quantile) / MS
        assert exact <= http.percentiles[quantile] <= exact + abs(exact) / 1000 + 1e-3
    curve = [
        curve_point for curve_point in percentile_curve(buckets) if curve_point.event_type == TOTAL
    ]
    for point in (curve_point for curve_point in curve if curve_point.measure is Measure.HTTP):
        exact = nearest_rank(durations, point.quantile) / MS
        assert exact <= point.ms <= exact + abs(exact) / 1000 + 1e-3
        assert point.count == sum(duration / MS <= point.ms for duration in durations)


def test_a_request_without_an_answer_counts_with_the_time_waited() -> None:
    """It does so in both measures, and is counted as unanswered."""
    start = 1_700_000_000 * 1000 * MS
    answered = ("a", start, start + MS, start + 5 * MS, start + 3 * MS, None)
    waited = ("a", start, start + MS, None, None, start + 501 * MS)
    never_known = ("(unknown)", None, None, None, None, None)
    rows = [answered, waited, waited, never_known]
    table = pa.Table.from_pylist([dict(zip(FATES.names, row, strict=True)) for row in rows], FATES)

    by_measure = {
        latency.measure: latency for latency in latencies(distributions([counted(table, ["a"])]))
    }

    assert {
        measure.value: (latency.count, latency.unanswered, latency.min_ms, latency.max_ms)
        for measure, latency in by_measure.items()
    } == {
        "http": (3, 2, 4, 500),
        "from_intended": (3, 2, 5, 501),
        "end_to_end": (1, 0, 3, 3),
    }
