"""The percentiles that reports show; a threshold may name any other. Pure.

`nearest_rank.py` defines what a percentile of some values is.
"""

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""Those in a summary of durations (`latency.csv`, the report's tables) and in a comparison."""

FEW_QUANTILES = (0.5, 0.95, 0.99)
"""Those shown for each of many parts: time slices, partitions, generators and responses."""


def percentile_name(quantile: float) -> str:
    """Return the name of a quantile, such as p99.9."""
    return f"p{quantile * 100:g}"


PERCENTILE_NAMES = tuple(map(percentile_name, QUANTILES))
