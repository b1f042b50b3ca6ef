"""The figures: medians, spreads and ratios of pairs."""

import pytest

from bench.harness.figures import MedianRange, in_turn, ratio, spread


def test_a_spread_has_the_median_and_what_it_lies_between() -> None:
    """The order of the rounds does not matter."""
    assert spread([3.0, 1.0, 2.0]) == MedianRange(2.0, 1.0, 3.0, 3)
    assert spread([3.0, 1.0, 2.0]).show(".1f") == "2.0 (1.0-3.0)"
    assert spread([1234.4]).show() == "1,234"


def test_a_ratio_is_of_each_round_s_pair() -> None:
    """The median of the pairs' ratios, not the ratio of the medians."""
    assert ratio([1.0, 4.0, 9.0], [2.0, 2.0, 3.0]) == MedianRange(2.0, 0.5, 3.0, 3)


def test_a_ratio_needs_whole_pairs() -> None:
    """A round that is missing is an error, not left out."""
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_nobody_is_always_first() -> None:
    """Every other round goes backwards."""
    assert [in_turn("ab", number) for number in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]
