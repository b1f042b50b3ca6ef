"""The percentiles of the report: one list, and its names."""

from headcount.thresholds.percentiles import FEW_QUANTILES, PERCENTILE_NAMES, QUANTILES


def test_names() -> None:
    """They are those of the columns of latency.csv, and what a threshold calls them."""
    assert PERCENTILE_NAMES == ("p50", "p75", "p90", "p95", "p99", "p99.9")


def test_the_few_are_among_all() -> None:
    """A slice or a group shows no percentile that the summary lacks."""
    assert set(FEW_QUANTILES) < set(QUANTILES)
