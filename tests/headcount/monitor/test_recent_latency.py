"""Recent latency: a percentile of the latest response times."""

import pyarrow as pa
import pytest

from headcount.ledger.bucketed_durations import counts_by_bucket
from headcount.monitor.recent_latency import FEWEST_SAMPLES, WINDOW_S, RecentLatency


def bucket_of(duration_us: int) -> int:
    """Return the bucket of one response time."""
    (bucket,) = counts_by_bucket(pa.chunked_array([[duration_us]]))
    return bucket


@pytest.mark.parametrize("ms", [0.05, 1, 41, 999, 60_000])
def test_a_percentile_is_accurate(ms: float) -> None:
    """Within the half of a bucket's width, from microseconds to minutes."""
    latency = RecentLatency()
    latency.add({bucket_of(int(ms * 1000)): FEWEST_SAMPLES}, 1)
    assert latency.percentile_ms(0.99) == pytest.approx(ms, rel=0.011)


def test_a_percentile_has_its_share_below_it() -> None:
    """One slow response in a hundred is above the p99, and two are not."""
    latency = RecentLatency()
    latency.add({bucket_of(10_000): 99, bucket_of(500_000): 1}, 1)
    assert latency.percentile_ms(0.99) == pytest.approx(10, rel=0.011)
    latency.add({bucket_of(500_000): 1}, 1)
    assert latency.percentile_ms(0.99) == pytest.approx(500, rel=0.011)


def test_few_samples_have_no_percentile() -> None:
    """A p99 of fewer than a hundred would be their greatest."""
    latency = RecentLatency()
    latency.add({bucket_of(10_000): FEWEST_SAMPLES - 1}, 1)
    assert latency.percentile_ms(0.99) is None


def test_old_samples_are_forgotten() -> None:
    """Unless there would be too few: then as many reports as needed are kept."""
    latency = RecentLatency()
    latency.add({bucket_of(500_000): FEWEST_SAMPLES}, 0)
    latency.add({bucket_of(10_000): FEWEST_SAMPLES - 1}, WINDOW_S + 1)
    assert latency.percentile_ms(0.99) == pytest.approx(500, rel=0.011)
    latency.add({bucket_of(10_000): 1}, WINDOW_S + 2)
    assert latency.percentile_ms(0.99) == pytest.approx(10, rel=0.011)
