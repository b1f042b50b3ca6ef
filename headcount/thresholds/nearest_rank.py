"""Nearest-rank percentiles, the one definition behind every percentile that Headcount reports.

The only exceptions are the estimates that stop a test early (`headcount/monitor/abort_rules.py`).

The percentile at a quantile q of n ordered values is the value of rank ceil(q * n), counted from 1:
the smallest value v such that at least the share q of all values are v or less. It is always a
value that was measured, never one interpolated between two. This is definition 1, the inverse of
the empirical distribution function, of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical
Packages", The American Statistician 50 (1996), pages 361-365. Pure.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

_DIGITS = 9
"""q * n is first rounded to this many decimals: 0.07 * 100 is 7.000000000000001 in binary."""


def nearest_rank(count: int, quantile: float) -> int:
    """Return the rank, from 1, of a quantile from 0 to 1 among `count` values."""
    return max(1, math.ceil(round(quantile * count, _DIGITS)))


def percentile(ordered: Sequence[float], quantile: float) -> float:
    """Return the percentile of values, of which there is at least one, in ascending order."""
    return ordered[nearest_rank(len(ordered), quantile) - 1]


def bucket_at(cumulative: Sequence[int], rank: int) -> int:
    """Return the index of the bucket that holds a rank.

    `cumulative[i]` is the number of values in buckets 0 to i. The index is `len(cumulative)` if all
    of them hold fewer values than `rank`.
    """
    return bisect_left(cumulative, rank)
