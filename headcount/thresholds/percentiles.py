"""The percentiles that reports show; a threshold may name any other. Pure.

What a percentile of some values is: `nearest_rank.py`.
"""

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""In a summary of durations (`latency.csv`, the report's tables), and when runs are compared."""

FEW_QUANTILES = (0.5, 0.95, 0.99)
"""Where there are many summaries: for each time slice, partition, generator and response."""


def percentile_name(quantile: float) -> str:
    """Return the name of a quantile, such as p99.9."""
    return f"p{quantile * 100:g}"


PERCENTILE_NAMES = tuple(map(percentile_name, QUANTILES))
