"""Recent latency: a percentile of the latest response times, counted in narrow buckets. Pure."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from headcount.ledger.logarithmic_buckets import middle_us
from headcount.thresholds.nearest_rank import nearest_rank

WINDOW_S = 10.0
FEWEST_SAMPLES = 100
"""With fewer values, the p99 would always be the greatest of them."""


@dataclass(slots=True)
class RecentLatency:
    """Keeps the response times of the last WINDOW_S; older ones, too, if a percentile needs them.

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
        return middle_us(buckets[bisect_left(cumulative, nearest_rank(count, quantile))]) / 1000
