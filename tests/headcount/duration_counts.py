"""The counts of a few durations, for tests of metrics."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from headcount.monitor.duration_histogram import BOUNDS_S, DurationCounts


def counts_of(durations_us: Sequence[int]) -> DurationCounts:
    """Count durations by bucket, one by one."""
    counts = Counter(bisect_left(BOUNDS_S, duration_us / 1e6) for duration_us in durations_us)
    return DurationCounts(
        tuple(counts[place] for place in range(len(BOUNDS_S) + 1)), sum(durations_us)
    )
