"""Series: which runs are compared with each other, and the changes of their figures."""

from typing import Any

import pytest
from headcount_analysis.history.series import series_of

from headcount.run.verdict import Label
from tests.analysis.history.entries import an_entry, noisy


@pytest.mark.parametrize("field", ["scenario", "target", "load", "conditions"])
def test_runs_that_differ_in_a_condition_are_not_compared(field: str) -> None:
    """The run of another load has no baseline among those of the first."""
    changes: dict[str, Any] = {field: "other"}
    series = series_of([an_entry(0), an_entry(1, **changes), an_entry(2)], 10)
    assert [[run.entry.run_id for run in one_series.runs] for one_series in series] == [
        ["run-0000", "run-0002"],
        ["run-0001"],
    ]
    assert series[1].latest.baseline == ()


def test_runs_are_in_the_order_in_which_they_began() -> None:
    """However they are read: the index and a folder have no order."""
    (series,) = series_of([an_entry(2), an_entry(0), an_entry(1)], 10)
    assert [run.entry.run_id for run in series.runs] == ["run-0000", "run-0001", "run-0002"]


def test_a_change_names_the_run_that_it_came_with() -> None:
    """Also if an inconclusive run, or one that measured nothing, is before it."""
    runs = [an_entry(number, noisy(number)) for number in range(15)]
    runs += [an_entry(15, 900, label=Label.INCONCLUSIVE), an_entry(16, figures={})]
    runs += [an_entry(number, 1.6 * noisy(number)) for number in range(17, 27)]
    (series,) = series_of(runs, 10)
    of_p99 = [change for change in series.changes if str(change.metric) == "http.p99"]
    assert [series.runs[change.index].entry.run_id for change in of_p99] == ["run-0017"]
    assert of_p99[0].ratio == pytest.approx(0.6, abs=0.1)


def test_a_metric_without_a_change_has_none() -> None:
    """A rate that is the same in all runs."""
    runs = [an_entry(number, noisy(number) * (1 + number // 15)) for number in range(30)]
    (series,) = series_of(runs, 10)
    assert {str(change.metric) for change in series.changes} == {"http.p50", "http.p99"}
