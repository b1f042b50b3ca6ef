"""The duration histogram: where a duration is counted, and that counts add up."""

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts, counts_of


def test_a_bound_belongs_to_its_bucket() -> None:
    """As Prometheus' `le` says, a bucket includes its upper bound; the last one has none."""
    counts = counts_of([31_000_000, 1_001, 1_000])
    assert (counts.buckets[0], counts.buckets[1], counts.buckets[-1]) == (1, 1, 1)
    assert counts.count == 3
    assert counts.sum_s == 31.002001


def test_counts_add_up() -> None:
    """Bucket by bucket, also after packing, and with none."""
    counts = counts_of([10_000])
    twice = counts + DurationCounts.unpacked(counts.packed()) + counts_of([])
    assert (twice.count, twice.sum_us) == (2, 20_000)
    assert twice.buckets[BOUNDS_S.index(0.01)] == 2
