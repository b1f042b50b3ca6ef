"""The duration histogram: where a duration is counted, and that counts add up."""

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts, RequestDurations


def test_a_bound_belongs_to_its_bucket() -> None:
    """As Prometheus' `le` says, a bucket includes its upper bound; the last one has none."""
    durations = RequestDurations()
    for duration_us in (1_000, 1_001, 31_000_000):
        durations.add(duration_us, duration_us)
    buckets = durations.http.buckets
    assert (buckets[0], buckets[1], buckets[-1]) == (1, 1, 1)
    assert durations.http.count == 3
    assert durations.http.sum_s == 31.002001


def test_the_wait_before_sending_counts() -> None:
    """In the durations from the intended time, and only there."""
    durations = RequestDurations()
    durations.add(900, 2_000_000)
    assert durations.http.buckets[0] == 1
    assert durations.from_intended.buckets[BOUNDS_S.index(2.5)] == 1
    assert durations.from_intended.sum_us == 2_000_000


def test_counts_add_up() -> None:
    """Bucket by bucket, also after packing."""
    durations = RequestDurations()
    durations.add(10_000, 10_000)
    counts = durations.http
    twice = counts + DurationCounts.unpacked(counts.packed())
    assert (twice.count, twice.sum_us) == (2, 20_000)
    assert twice.buckets[BOUNDS_S.index(0.01)] == 2
