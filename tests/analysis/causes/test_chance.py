"""Chance: the bounds are never below the exact probabilities, and not far above them."""

import math

import numpy as np
import pytest
from headcount_analysis.causes import chance


def exact_sharing(sharing: int, drawn: int, whole: int, total: int) -> float:
    """Return the hypergeometric probability that `sharing` or more of `drawn` are of `whole`."""
    ways = (
        math.comb(whole, count) * math.comb(total - whole, drawn - count)
        for count in range(sharing, min(drawn, whole) + 1)
    )
    return sum(ways) / math.comb(total, drawn)


@pytest.mark.parametrize("whole", [5, 50, 95])
@pytest.mark.parametrize("drawn", [1, 3, 20, 60])
def test_sharing_is_bounded(whole: int, drawn: int) -> None:
    """For every number of exceptions that share a value."""
    for sharing in range(drawn + 1):
        exact = exact_sharing(sharing, drawn, whole, 100)
        assert math.exp(chance.of_sharing(sharing, drawn, whole / 100)) >= exact - 1e-12


def test_sharing_all_is_a_power() -> None:
    """If a fifth of the run has a value, ten of ten have it with probability 0.2 to the tenth."""
    assert math.exp(chance.of_sharing(10, 10, 0.2)) == pytest.approx(0.2**10)
    assert chance.of_sharing(2, 10, 0.2) == chance.CERTAIN
    assert chance.of_sharing(3, 10, 0.0) == -math.inf


def test_closeness_is_bounded() -> None:
    """The closest five of eight random times are within a tenth in fewer draws than the bound."""
    random = np.random.default_rng(25)
    times = np.sort(random.random((20_000, 8)), axis=1)
    share = np.mean(np.min(times[:, 4:] - times[:, :-4], axis=1) <= 0.1)
    bound = math.exp(chance.of_closeness(5, 8, 0.1))
    assert share <= bound < 100 * share
    assert chance.of_closeness(1, 8, 0.1) == chance.CERTAIN


def test_succession_is_bounded() -> None:
    """Three consecutive ones of ten in a hundred places come in fewer draws than the bound."""
    random = np.random.default_rng(25)
    draws = np.sort([random.choice(100, 10, replace=False) for _ in range(20_000)], axis=1)
    share = np.mean(np.any(draws[:, 2:] - draws[:, :-2] == 2, axis=1))
    bound = math.exp(chance.of_succession(3, 10, 100))
    assert share <= bound < 3 * share


@pytest.mark.parametrize("places", [0, 3, 10])
def test_as_many_as_there_are_places_prove_nothing(places: int) -> None:
    """Nor do exceptions in a part of the run where no attempt has an offset."""
    assert chance.of_succession(3, 10, places) == chance.CERTAIN
