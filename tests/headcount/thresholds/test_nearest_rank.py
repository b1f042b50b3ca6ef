"""Nearest-rank percentiles: literal cases, and agreement with NumPy's same definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headcount.thresholds.nearest_rank import bucket_at, nearest_rank, percentile


@pytest.mark.parametrize(
    ("count", "quantile", "rank"),
    [(1, 0, 1), (1, 1, 1), (4, 0.5, 2), (5, 0.5, 3), (100, 0.99, 99), (101, 0.99, 100)],
)
def test_a_rank(count: int, quantile: float, rank: int) -> None:
    """It is ceil(quantile * count), and never less than 1."""
    assert nearest_rank(count, quantile) == rank


def test_binary_fractions_do_not_add_a_rank() -> None:
    """0.07 * 100 is more than 7 in binary, and 0.999 * 1000 may be too."""
    assert nearest_rank(100, 0.07) == 7
    assert nearest_rank(1000, 0.999) == 999


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=200), st.integers(0, 1000))
def test_a_percentile_is_the_inverted_distribution(values: list[int], permille: int) -> None:
    """It is definition 1 of Hyndman and Fan, which NumPy calls `inverted_cdf`."""
    exact = np.quantile(values, permille / 1000, method="inverted_cdf")
    result = percentile(sorted(values), permille / 1000)
    enough = sum(value <= result for value in values) * 1000 >= permille * len(values)
    assert result == exact or (enough and result < exact)  # NumPy does not round q * n


@pytest.mark.parametrize(("rank", "bucket"), [(1, 0), (3, 0), (4, 2), (7, 2), (8, 3)])
def test_the_bucket_of_a_rank(rank: int, bucket: int) -> None:
    """It is the first that reaches the rank, or one beyond the last if none does."""
    assert bucket_at([3, 3, 7], rank) == bucket
