"""Recent latency: a percentile of the latest response times, counted in narrow buckets. Pure."""

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from headcount.thresholds.nearest_rank import nearest_rank

WINDOW_S = 10.0
FEWEST_SAMPLES = 100
"""With fewer values, the p99 would always be the greatest of them."""

_BUCKETS_PER_E = 50
"""Each bucket is 2 % wide, so that its middle is at most 1 % off."""


def counts_by_bucket(durations_us: pa.ChunkedArray) -> dict[int, int]:
    """Count response times by bucket."""
    logarithms = pc.ln(pc.max_element_wise(durations_us, 1))
    buckets = pc.cast(pc.floor(pc.multiply(logarithms, _BUCKETS_PER_E)), pa.int32())
    return {row["values"]: row["counts"] for row in pc.value_counts(buckets).to_pylist()}


def _middle_ms(bucket: int) -> float:
    return math.exp((bucket + 0.5) / _BUCKETS_PER_E) / 1000


@dataclass(slots=True)
class RecentLatency:
    """Keeps the response times of the last WINDOW_S, or as many older ones as a percentile needs.

    Times are monotonic, in s.
    """

    _reports: deque[tuple[float, Mapping[int, int]]] = field(default_factory=deque)
    _counts: Counter[int] = field(default_factory=Counter)

    def add(self, buckets: Mapping[int, int], now_s: float) -> None:
        """Add how many response times fell into each bucket since the last report."""
        if buckets:
            self._reports.append((now_s, buckets))
            self._counts.update(buckets)
        while self._reports and self._reports[0][0] < now_s - WINDOW_S:
            oldest = self._reports[0][1]
            if self._counts.total() - sum(oldest.values()) < FEWEST_SAMPLES:
                break
            self._reports.popleft()
            self._counts.subtract(oldest)

    def percentile_ms(self, quantile: float) -> float | None:
        """Return a percentile; None if there are fewer than FEWEST_SAMPLES."""
        count = self._counts.total()
        if count < FEWEST_SAMPLES:
            return None
        buckets = sorted(bucket for bucket, n in self._counts.items() if n > 0)
        cumulative = list(accumulate(self._counts[bucket] for bucket in buckets))
        return _middle_ms(buckets[bisect_left(cumulative, nearest_rank(count, quantile))])
