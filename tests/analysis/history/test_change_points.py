"""Change points: steps are found with their place, chance and outliers are not."""

import numpy as np
import pytest
from headcount_analysis.history.change_points import (
    FEWEST_PER_LEVEL,
    SIGNIFICANCE_LEVEL,
    change_points,
)

RANDOM_SERIES = 300


def noise(seed: int, runs: int) -> list[float]:
    """Return p99s of about 100 ms with the noise of real runs, and an outlier now and then."""
    random = np.random.default_rng(seed)
    logs = random.normal(0, 0.1, runs) + (random.random(runs) < 0.05) * random.exponential(1, runs)
    return [float(figure) for figure in 100 * np.exp(logs)]


def test_a_step_is_found_with_its_levels() -> None:
    """The index is that of the first run with the new level; levels are the medians."""
    (change,) = change_points([*noise(1, 30), *(1.5 * figure for figure in noise(2, 12))])
    assert change.index == 30
    assert change.before == pytest.approx(100, rel=0.1)
    assert change.ratio == pytest.approx(0.5, abs=0.15)
    assert change.confidence >= 1 - SIGNIFICANCE_LEVEL


def test_a_step_of_the_last_three_runs_is_found() -> None:
    """Against many runs before it, a large step needs no more."""
    (change,) = change_points([*noise(3, 40), 200.0, 207.0, 195.0])
    assert change.index == 40


def test_each_of_several_steps_is_found() -> None:
    """Up and down again, with the level between them."""
    first, second, third = noise(4, 25), [2 * figure for figure in noise(5, 25)], noise(6, 25)
    changes = change_points([*first, *second, *third])
    assert [change.index for change in changes] == [25, 50]
    assert changes[0].after == changes[1].before == pytest.approx(200, rel=0.1)


def test_noise_is_no_change() -> None:
    """About one in a hundred series without a change may have one, as SIGNIFICANCE_LEVEL says."""
    with_change = sum(bool(change_points(noise(100 + seed, 40))) for seed in range(RANDOM_SERIES))
    assert with_change <= 3 * SIGNIFICANCE_LEVEL * RANDOM_SERIES


@pytest.mark.parametrize("runs", [1, 2])
def test_outliers_are_no_level(runs: int) -> None:
    """Fewer than FEWEST_PER_LEVEL runs, however slow, change nothing, at the end or within."""
    slow = [1000.0] * runs
    assert runs < FEWEST_PER_LEVEL
    assert change_points([*noise(7, 30), *slow]) == ()
    assert change_points([*noise(8, 15), *slow, *noise(9, 15)]) == ()


def test_an_outlier_does_not_hide_a_step() -> None:
    """It would, if its size counted: it spreads the series more than the step does."""
    slower = [1.5 * figure for figure in noise(12, 9)]
    changes = change_points([*noise(10, 12), 20_000.0, *noise(11, 12), *slower])
    assert [change.index for change in changes] == [25]


@pytest.mark.parametrize("values", [(), (5.0,), (1.0, 2.0, 3.0, 4.0, 5.0), (7.0,) * 50])
def test_too_few_or_equal_runs_have_no_change(values: tuple[float, ...]) -> None:
    """Nothing is divided by the spread of equal figures."""
    assert change_points(values) == ()


def test_the_same_series_has_the_same_changes() -> None:
    """The shuffles are the same each time: a page that is made again says the same."""
    values = [*noise(13, 30), *(1.2 * figure for figure in noise(14, 15))]
    assert change_points(values) == change_points(values)
