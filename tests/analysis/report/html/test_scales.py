"""Scales: ticks are few, round and true."""

import pytest
from headcount_analysis.report.html.scales import (
    from_start,
    rarity_ticks,
    short,
    spaced,
    time_ticks,
    value_scale,
)

START_NS = 1_700_000_000_400_000_000
"""22:13:20.4 UTC"""
DAY_S = 86_400


@pytest.mark.parametrize("days", [0.0001, 0.001, 0.1, 2, 20_000])
@pytest.mark.parametrize("first_ns", [None, START_NS])
@pytest.mark.parametrize("most", [4, 9])
def test_time_has_few_ticks(days: float, first_ns: int | None, most: int) -> None:
    """However long the run, or however far apart the generators' clocks are."""
    ticks = time_ticks(0.0, days * DAY_S, most, first_ns)
    assert 1 <= len(ticks) <= most
    assert all(0 <= tick.value <= days * DAY_S for tick in ticks)


def test_ticks_are_at_whole_times_of_the_clock() -> None:
    """Each has the time from the start beside it."""
    ticks = time_ticks(0.0, 60.0, 5, START_NS)
    assert [(tick.label, tick.second) for tick in ticks] == [
        ("22:13:30", "+10 s"),
        ("22:13:45", "+25 s"),
        ("22:14:00", "+40 s"),
        ("22:14:15", "+55 s"),
    ]
    long = time_ticks(0.0, 6 * 3600.0, 7, START_NS)
    assert [tick.label for tick in long] == ["23:00", "Nov 15", "01:00", "02:00", "03:00", "04:00"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "+0 s"),
        (-2, "-2 s"),
        (119, "+119 s"),
        (150, "+2:30 min"),
        (180, "+3 min"),
        (3900, "+1:05 h"),
        (200_000, "+2 d"),
    ],
)
def test_times_from_the_start(seconds: float, text: str) -> None:
    """In the unit that people would say."""
    assert from_start(seconds) == text


@pytest.mark.parametrize(
    ("top", "labels"),
    [
        (0, ["0", "1"]),
        (1, ["0", "0.5", "1"]),
        (3, ["0", "1", "2", "3"]),
        (87, ["0", "25", "50", "75", "100"]),
        (12_000, ["0", "5,000", "10k", "15k"]),
    ],
)
def test_a_linear_scale_begins_at_zero(top: float, labels: list[str]) -> None:
    """And its ticks are round."""
    scale = value_scale([0.0, top], "count")
    assert [tick.label for tick in scale.ticks] == labels
    assert scale.share(0) == 0
    assert scale.share(top) <= 1


def test_negative_durations_are_in_the_scale() -> None:
    """A clock that is behind makes them."""
    scale = value_scale([-1500.0, 20.0], "ms")
    assert scale.low <= -1500
    assert scale.share(-1500) >= 0


def test_outliers_do_not_hide_typical_durations() -> None:
    """The scale is then logarithmic; counts never are."""
    durations = [8.0] * 50 + [900.0]
    scale = value_scale(durations, "ms")
    assert scale.is_log
    assert (scale.low, scale.high) == (5, 1000)
    assert [tick.label for tick in scale.ticks] == ["5", "10", "100", "1,000"]
    assert 0 < scale.share(8) < scale.share(900) < 1
    assert not value_scale(durations, "count").is_log
    assert not value_scale([8.0, 100.0], "ms").is_log


def test_the_ends_of_a_logarithmic_scale_are_labelled_unless_a_label_is_near() -> None:
    """A line beyond the last power of ten is read against the end of the scale."""
    ends = value_scale([*[12.0] * 50, 2510.0], "ms")
    assert [tick.label for tick in ends.ticks] == ["10", "100", "1,000", "5,000"]
    near = value_scale([*[12.0] * 50, 1_900.0], "ms")
    assert [tick.label for tick in near.ticks] == ["10", "100", "1,000", "2,000"]


def test_the_top_of_a_scale_can_be_given() -> None:
    """A limit is in the chart even if no value is near it."""
    assert value_scale([1.0], "%", 90.0).high >= 90


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.25"), (999, "999"), (9_500, "9,500"), (25_000, "25k"), (3e6, "3M"), (4e9, "4G")],
)
def test_numbers_of_an_axis_are_short(value: float, text: str) -> None:
    """So that every axis has the same width."""
    assert short(value) == text


def test_percentiles_have_the_ticks_that_there_are_values_for() -> None:
    """The p99 of a hundred values is the last."""
    assert [tick.label for tick in rarity_ticks(2.0)] == ["p50", "p90", "p95", "p99"]


def test_labels_do_not_overlap() -> None:
    """Those that have no room are left out."""
    assert list(spaced([0.0, 30.0, 55.0, 61.0], 50.0)) == [0.0, 55.0]
