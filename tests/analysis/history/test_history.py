"""The history: which runs a reader selects, and in which order they stand."""

from collections.abc import Iterable

import pytest
from headcount_analysis.history.history import (
    HistoryOverview,
    RunFilter,
    SelectedSeries,
    SortKey,
    history_of,
    selected,
)
from headcount_analysis.history.index import PastRuns

from headcount.run.verdict import Label
from tests.analysis.history.entries import an_entry

RUNS = (
    an_entry(0, 120, rps=40),
    an_entry(1, 110, rps=60, lost=3),
    an_entry(2, 130, rps=50, label=Label.THRESHOLD_BROKEN, broken=("http.p99 130 ms",)),
    an_entry(3, 100, rps=55, figures={}, label=Label.INCONCLUSIVE),
    an_entry(4, 90, scenario="orders.py", target="https://orders.test → orders"),
)


@pytest.fixture
def overview() -> HistoryOverview:
    """Four runs of one series, and one of another."""
    return history_of(PastRuns(RUNS), 10)


def numbers(chosen: Iterable[SelectedSeries]) -> list[list[int]]:
    """Return the numbers of the runs that are shown, series by series."""
    return [[int(run.entry.run_id[-4:]) for run in series.shown] for series in chosen]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (RunFilter(), [[4], [3, 2, 1, 0]]),
        (RunFilter(scenario="MIXED"), [[3, 2, 1, 0]]),
        (RunFilter(target="orders.test"), [[4]]),
        (RunFilter(labels=frozenset({Label.FAIL, Label.INCONCLUSIVE})), [[3, 1]]),
        (RunFilter(search="lost mixed"), [[1]]),
        (RunFilter(search="run-0002"), [[2]]),
        (RunFilter(search="130 MS"), [[2]]),
        (RunFilter(scenario="mixed", search="orders"), []),
    ],
)
def test_filters(overview: HistoryOverview, chosen: RunFilter, expected: list[list[int]]) -> None:
    """Texts match in part, in any case; a search matches every word; all conditions must hold."""
    assert numbers(selected(overview, chosen)) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (SortKey.BEGAN, [3, 2, 1, 0]),
        (SortKey.VERDICT, [1, 3, 2, 0]),
        (SortKey.RATE, [0, 2, 1, 3]),
        (SortKey.P99, [2, 0, 1, 3]),
        (SortKey.LOST, [1, 3, 2, 0]),
        (SortKey.END_TO_END, [3, 2, 1, 0]),
    ],
)
def test_order(overview: HistoryOverview, by: SortKey, expected: list[int]) -> None:
    """The worst first, equal ones the latest first, and those without the figure last."""
    mixed = RunFilter(scenario="mixed")
    assert numbers(selected(overview, mixed, by=by)) == [expected]


def test_a_reversed_order_keeps_missing_figures_last(overview: HistoryOverview) -> None:
    """A run that measured nothing is neither the fastest nor the slowest."""
    chosen = selected(overview, RunFilter(scenario="mixed"), by=SortKey.P99, is_reversed=True)
    assert numbers(chosen) == [[1, 0, 2, 3]]


def test_the_last_runs_are_those_of_the_filter(overview: HistoryOverview) -> None:
    """Of all series together, before they are sorted."""
    assert numbers(selected(overview, RunFilter(), last=2)) == [[4], [3]]
    chosen = selected(overview, RunFilter(scenario="mixed"), last=3, by=SortKey.RATE)
    assert numbers(chosen) == [[2, 1, 3]]


def test_a_filter_leaves_baselines_as_they_are(overview: HistoryOverview) -> None:
    """The passing run is not shown, but the failed one is still worse than it."""
    (series,) = selected(overview, RunFilter(labels=frozenset({Label.FAIL})))
    assert series.shown[0].baseline == ("run-0000",)
    assert [str(change.metric) for change in series.shown[0].worse] == ["lost"]
