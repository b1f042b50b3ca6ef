"""Counts with their nouns, as sentences for readers have them."""

import pytest

from headcount.noun_counts import number, times


@pytest.mark.parametrize(
    ("count", "noun", "often"),
    [(0, "0 users", "0 times"), (1, "1 user", "once"), (1200, "1,200 users", "1,200 times")],
)
def test_only_one_is_singular(count: int, noun: str, often: str) -> None:
    """The noun has its plural for every count but 1."""
    assert (number(count, "user"), times(count)) == (noun, often)
