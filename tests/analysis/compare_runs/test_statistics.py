"""Statistics: published tables, worked examples, and the rate of false positives."""

import math
from random import Random

import pytest
from headcount_analysis.compare_runs.change import Change, with_family_level
from headcount_analysis.compare_runs.statistics import (
    difference,
    ratio,
    significance_level,
    student_quantile,
)
from hypothesis import given
from hypothesis import strategies as st

from headcount.thresholds.metrics import Metric

# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, at 0.975.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 9: 2.262, 30: 2.042, 100: 1.984}


@pytest.mark.parametrize(("degrees", "quantile"), TABLE.items())
def test_the_table(degrees: int, quantile: float) -> None:
    """Student's quantiles match the published ones."""
    assert student_quantile(degrees) == pytest.approx(quantile, abs=0.0005)


@pytest.mark.parametrize("degrees", [1, 1.3, 2.5, 7.77, 40.5])
def test_fractional_degrees(degrees: float) -> None:
    """The density, integrated up to the quantile by independent code, is 0.95."""
    reach, steps = student_quantile(degrees), 20_000
    scale = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2)
    scale /= math.sqrt(degrees * math.pi)
    width = reach / steps
    inside = sum(
        scale * (1 + (width * (step + 0.5)) ** 2 / degrees) ** (-(degrees + 1) / 2) * width
        for step in range(steps)
    )
    assert 2 * inside == pytest.approx(0.95, abs=1e-6)


def test_many_degrees_are_the_normal_distribution() -> None:
    """The limit is 1.96."""
    assert student_quantile(1e6) == pytest.approx(1.959964, abs=1e-4)


def test_welch_s_interval() -> None:
    """The interval of two samples matches a calculation by hand.

    Variances 2.5 and 10, 5 values each: standard error sqrt(2.5), degrees 2.5² / (0.5²/4 + 2²/4).
    """
    estimate = difference([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])
    assert estimate.change == 3
    assert estimate.interval is not None
    degrees = 2.5**2 / (0.5**2 / 4 + 2**2 / 4)
    margin = student_quantile(degrees) * math.sqrt(2.5)
    assert estimate.interval.low == pytest.approx(3 - margin)
    assert estimate.interval.high == pytest.approx(3 + margin)
    assert estimate.interval.includes_zero


def test_a_single_run_has_the_other_side_s_spread() -> None:
    """As in Crawford and Howell: s · sqrt(1 + 1/n), with n - 1 degrees, in both directions."""
    estimate = difference([10, 12, 14], [20])
    margin = TABLE[2] * 2 * math.sqrt(1 + 1 / 3)
    assert estimate.interval is not None
    assert estimate.interval.high == pytest.approx(8 + margin, rel=1e-3)
    mirrored = difference([20], [10, 12, 14]).reversed
    assert mirrored.change == estimate.change
    assert mirrored.interval is not None
    assert mirrored.interval.low == pytest.approx(estimate.interval.low)


def test_one_run_per_side_has_no_interval() -> None:
    """The noise is unknown."""
    assert difference([1], [2]).interval is None
    assert ratio([1], [2]).change == pytest.approx(1.0)


def test_a_ratio_is_of_geometric_means() -> None:
    """Its interval stays above -100 %, and the reversed ratio has the reciprocal interval."""
    estimate, mirrored = ratio([100, 110], [200, 260]), ratio([200, 260], [100, 110])
    assert estimate.change == pytest.approx(math.sqrt(200 * 260 / (100 * 110)) - 1)
    assert estimate.interval is not None
    assert mirrored.interval is not None
    assert -1 < estimate.interval.low < estimate.change < estimate.interval.high
    assert 1 / (1 + mirrored.interval.high) == pytest.approx(1 + estimate.interval.low)


def test_equal_figures_have_only_the_noise_of_their_resolution() -> None:
    """2 ms and 3 ms may be the same time, rounded; with more runs they are not."""
    assert difference([2, 2], [3, 3]).interval is not None
    exact, rounded = difference([2, 2], [3, 3]), difference([2, 2], [3, 3], resolution=1)
    assert exact.interval is not None
    assert rounded.interval is not None
    assert not exact.interval.includes_zero
    assert rounded.interval.includes_zero
    many = ratio([2] * 6, [3] * 6, resolution=1).interval
    assert many is not None
    assert not many.includes_zero


@pytest.mark.parametrize("runs", [(2, 2), (3, 3), (5, 3), (3, 1)])
def test_equal_sides_seem_changed_once_in_twenty_times(runs: tuple[int, int]) -> None:
    """Of 2,000 pairs of equal sides with a noise of 20 %, at most about 5 % seem changed.

    With few runs, Welch's interval errs on the safe side.
    """
    random, wrong = Random(7), 0
    for _ in range(2000):
        base, run = ([random.lognormvariate(3, 0.2) for _ in range(n)] for n in runs)
        interval = ratio(base, run).interval
        assert interval is not None
        wrong += not interval.includes_zero
    assert wrong / 2000 < 0.06


def test_a_large_change_is_detected() -> None:
    """A doubling with a noise of 5 % is nearly always detected by three runs per side."""
    random, detected = Random(7), 0
    for _ in range(500):
        base, run = ([m * random.lognormvariate(0, 0.05) for _ in range(3)] for m in (10, 20))
        interval = ratio(base, run).interval
        assert interval is not None
        detected += interval.low > 0
    assert detected > 495


FIGURES = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=6)


@given(FIGURES, FIGURES, st.sampled_from([0.0, 1.0]))
def test_any_figures(base: list[float], run: list[float], resolution: float) -> None:
    """The estimate lies within its interval, and nothing overflows."""
    for estimate in (difference(base, run, resolution), ratio(base, run, resolution)):
        assert math.isfinite(estimate.change)
        if estimate.interval is not None:
            assert estimate.interval.low <= estimate.change <= estimate.interval.high


def figures(random: Random, count: int, runs: int, shared: float, scale: float = 1) -> list[Change]:
    """Create figures of two sides with a noise of 10 %; a run's figures share a part of it."""

    def side(factor: float) -> list[list[float]]:
        of_run = [random.gauss(0, 1) for _ in range(runs)]
        own, common = math.sqrt(1 - shared), math.sqrt(shared)
        return [
            [
                factor * math.exp(0.1 * (common * whole + own * random.gauss(0, 1)))
                for whole in of_run
            ]
            for _ in range(count)
        ]

    return [
        Change(Metric("http", None, "p99"), tuple(b), tuple(r), ratio=ratio(b, r))
        for b, r in zip(side(100), side(100 * scale), strict=True)
    ]


@pytest.mark.parametrize(("runs", "shared"), [(3, 0.0), (3, 0.9), (5, 0.5)])
def test_of_a_hundred_equal_figures_none_is_significant(runs: int, shared: float) -> None:
    """This holds in at least 19 of 20 comparisons; without a correction, most would have some.

    A run's figures share their noise: its percentiles are of the same requests.
    """
    random, some, without = Random(7), 0, 0
    for _ in range(60):
        among = figures(random, 100, runs, shared)
        some += any(figure.is_significant for figure in with_family_level(among))
        without += sum(figure.is_significant for figure in among)
    assert some <= 3
    assert without > 100


def test_most_of_a_hundred_changed_figures_are_detected() -> None:
    """All rise by 60 %, three runs per side: the correction costs little if much changed."""
    random, detected = Random(7), 0
    for _ in range(20):
        detected += sum(
            figure.is_significant
            for figure in with_family_level(figures(random, 100, 3, 0.5, scale=1.6))
        )
    assert detected > 0.85 * 20 * 100


def test_at_most_one_in_twenty_significant_changes_is_chance() -> None:
    """Half of the figures changed, and half did not."""
    random, wrong, right = Random(7), 0, 0
    for _ in range(20):
        equal, changed = figures(random, 50, 4, 0.5), figures(random, 50, 4, 0.5, scale=1.6)
        detected = [figure.is_significant for figure in with_family_level([*equal, *changed])]
        wrong, right = wrong + sum(detected[:50]), right + sum(detected[50:])
    assert wrong <= 0.05 * (wrong + right)
    assert right > 0.8 * 20 * 50


@given(st.lists(st.floats(0, 1), max_size=30))
def test_the_level(p_values: list[float]) -> None:
    """It lies between Bonferroni's and that of a single figure, and matches what it accepts."""
    level, count = significance_level(p_values), len(p_values)
    assert 0.05 / max(count, 1) <= level * 1.0001
    assert level <= 0.05 * 1.0001
    accepted = sum(p_value <= level for p_value in p_values)
    assert accepted == 0 or level >= accepted * 0.05 / count * 0.9999


@given(FIGURES, FIGURES, st.floats(0.001, 0.2))
def test_p_value_and_interval_agree(base: list[float], run: list[float], level: float) -> None:
    """The interval excludes zero exactly if the p-value is below the level."""
    estimate = ratio(base, run, 0.0, 1 - level)
    if estimate.interval is not None and estimate.p_value is not None:
        if estimate.p_value < 0.99 * level:
            assert not estimate.interval.includes_zero
        if estimate.p_value > 1.01 * level:
            assert estimate.interval.includes_zero
