"""The figures: medians, spreads and ratios of pairs."""

import pytest

from bench.harness.figures import MedianRange, in_turn, ratio, spread


def test_a_spread_has_median_and_range() -> None:
    """The order of the rounds does not matter."""
    assert spread([3.0, 1.0, 2.0]) == MedianRange(2.0, 1.0, 3.0, 3)
    assert spread([3.0, 1.0, 2.0]).show(".1f") == "2.0 (1.0-3.0)"
    assert spread([1234.4]).show() == "1,234"


def test_a_ratio_is_taken_within_each_round() -> None:
    """The result is the median of the pairs' ratios, not the ratio of the medians."""
    assert ratio([1.0, 4.0, 9.0], [2.0, 2.0, 3.0]) == MedianRange(2.0, 0.5, 3.0, 3)


def test_a_ratio_needs_complete_pairs() -> None:
    """A missing round is an error."""
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_the_order_alternates() -> None:
    """Every other round is reversed."""
    assert [in_turn("ab", number) for number in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]
