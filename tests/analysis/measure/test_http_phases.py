"""HTTP phases: the generators' counts become durations like any other."""

import itertools
import random

import pytest
from headcount_analysis.measure.histogram import Measure
from headcount_analysis.measure.http_phases import phase_buckets
from headcount_analysis.measure.latency import Latency, latencies

from headcount.ledger.event_types import TOTAL, UNKNOWN
from headcount.ledger.http_phases import HttpPhases, Phase, durations_of
from headcount.thresholds.nearest_rank import percentile


def phases(**durations_s: list[float]) -> HttpPhases:
    """Create a generator's first bytes by event type."""
    by_type = {
        name: {Phase.FIRST_BYTE: durations_of(values)} for name, values in durations_s.items()
    }
    return HttpPhases(by_type)


def by_type(*of_generators: HttpPhases) -> dict[str, Latency]:
    """Add up generators, which know the event types sword and guild."""
    buckets = phase_buckets(of_generators, ("sword", "guild"))
    return {latency.event_type: latency for latency in latencies(buckets)}


def test_percentiles_are_close_to_those_of_the_durations() -> None:
    """At most 2 % above, never below; the mean, the least and the greatest are exact."""
    draw = random.Random(7)
    values_s = [draw.lognormvariate(-5, 1) for _ in range(5000)]
    latency = by_type(phases(sword=values_s[:2000]), phases(sword=values_s[2000:]))["sword"]
    ordered_ms = sorted(1000 * value for value in values_s)
    assert latency.count == 5000
    for quantile, ms in latency.percentiles.items():
        exact = percentile(ordered_ms, quantile)
        assert exact - 1e-5 <= ms <= exact * 1.0203
    assert latency.mean_ms == pytest.approx(sum(ordered_ms) / 5000)
    assert (latency.min_ms, latency.max_ms) == pytest.approx((ordered_ms[0], ordered_ms[-1]))


def test_the_total_is_of_all_types() -> None:
    """Event types that no ledger has count as unknown."""
    latency = by_type(phases(sword=[0.001] * 3, guild=[0.010], other=[0.5]), phases(sword=[0.002]))
    assert {name: of_type.count for name, of_type in latency.items()} == {
        "sword": 4,
        "guild": 1,
        UNKNOWN: 1,
        TOTAL: 6,
    }
    assert latency[TOTAL].max_ms == pytest.approx(500)
    assert latency[TOTAL].percentiles[0.5] == pytest.approx(1, rel=0.021)


def test_each_phase_is_its_own_measure() -> None:
    """Connections are counted, and so are those with TLS."""
    opened = {Phase.CONNECT: durations_of([0.001, 0.003]), Phase.TLS: durations_of([0.02])}
    buckets = phase_buckets([HttpPhases({"sword": opened})], ("sword",))
    counts = {latency.measure: latency.count for latency in latencies(buckets)}
    assert counts == {Measure.CONNECT: 2, Measure.TLS: 1}


def test_neighbouring_buckets_stay_apart() -> None:
    """Otherwise all durations would be one bucket, and every percentile its greatest."""
    values_s = [0.001 * 1.01**step for step in range(400)]
    buckets = sorted(
        phase_buckets([phases(sword=values_s)], ("sword",)), key=lambda one: one.min_ns
    )
    assert len(buckets) > 190
    assert all(one.max_ns < other.min_ns for one, other in itertools.pairwise(buckets))
    assert all(bucket.min_ns <= bucket.max_ns for bucket in buckets)
