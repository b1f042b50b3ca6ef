"""The `history` benchmark: its runs are a history with changes, and its figures count reads."""

from pathlib import Path

import pytest
from headcount_analysis.history.index import read_runs
from headcount_analysis.history.run_store import store_at
from headcount_analysis.history.series import series_of

from bench.runs.many_runs import SERIES, generate
from headcount.run.verdict import Label
from tests.bench.command import bench


def test_the_generated_runs_have_what_a_history_shows(tmp_path: Path) -> None:
    """Every series, every label, and the change points that were put in."""
    generate(tmp_path, 300)
    past = read_runs(store_at(str(tmp_path)))
    assert (len(past.entries), past.unreadable) == (300, {})
    assert {entry.label for entry in past.entries} == set(Label)
    all_series = series_of(past.entries, 10)
    assert len(all_series) == len(SERIES)
    changes = {
        (series.first.scenario, str(c.metric)) for series in all_series for c in series.changes
    }
    assert {("mixed.py", "http.p99"), ("orders.py", "rps")} <= changes


@pytest.mark.e2e
@pytest.mark.heavy
def test_history(tmp_path: Path) -> None:
    """Without an index every verdict is read, with one none."""
    _, document = bench(tmp_path, "history", "--rounds", "1", "--runs", "20")
    read = document["figures"]["verdicts_read"]
    assert read == {"without an index": 20, "with an index": 0}
    assert {one_round["variant"] for one_round in document["rounds"]} == {
        *read,
        "headcount --version",
    }
