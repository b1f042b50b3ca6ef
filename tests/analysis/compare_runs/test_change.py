"""Changes: the figures of a run, and the label of each change."""

from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.compare_runs.change import (
    ChangeLabel,
    change_of,
    changes,
    measured,
    resolution_of,
)
from headcount_analysis.compare_runs.limits import parse
from headcount_analysis.compare_runs.runs import Side

from headcount.thresholds.metrics import Metric
from tests.analysis.compare_runs.sample import a_run, a_side, counts


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("attempted", 1000),
        ("failed", 10),
        ("lost{event_type=default}", 0),
        ("rps", 100),
        ("fail_ratio", 0.015),
        ("http.p99", 100),
        ("http.p99.9", 200),
        ("http{event_type=default}.min", 10),
        ("end_to_end.mean", 25),
        ("from_intended.max", 300),
        ("http{event_type=none}.p99", None),
        ("lost{event_type=none}", None),
    ],
)
def test_measured_figures(tmp_path: Path, metric: str, value: float | None) -> None:
    """Figures are measured as for thresholds."""
    run = a_run(tmp_path, "a", counts=counts(failed=10, indeterminate=5))
    figure = measured(parse(f"{metric} +1%").metric, run.document)
    assert figure == (None if value is None else pytest.approx(value))


KILLED: dict[str, Any] = {
    "counts": counts(4300, indeterminate=4000, failed=3, absent=4000),
    "ledger": {"generators": [{"without_row": 0}, {"without_row": 4000}]},
}


@pytest.mark.parametrize(
    ("metric", "value"),
    [("rps", 30), ("fail_ratio", 0.01), ("attempted", 300), ("indeterminate", 0), ("failed", 3)],
)
def test_figures_come_from_rows(tmp_path: Path, metric: str, value: float) -> None:
    """Whether a killed generator used the other ids that it reserved is unknown."""
    run = a_run(tmp_path, "a", **KILLED)
    assert measured(Metric(metric), run.document) == pytest.approx(value)


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"counts": None, "by_event_type": {}}, "lost"),
        ({"counts": counts(0), "by_event_type": {}}, "lost"),
        ({"counts": counts(0), "by_event_type": {}}, "fail_ratio"),
        ({"span_s": 0}, "rps"),
        ({"span_s": None}, "rps"),
        ({"latency_ms": []}, "http.p99"),
    ],
)
def test_missing_figures(tmp_path: Path, changes: dict[str, Any], lacks: str) -> None:
    """A run that did nothing is not equal, fast or faultless: it is not measured."""
    run = a_run(tmp_path, "a", **changes)
    assert measured(parse(f"{lacks} +1%").metric, run.document) is None


@pytest.mark.parametrize(
    ("metric", "base", "run", "label"),
    [
        ("http", [100, 101, 102], [150, 151, 152], ChangeLabel.SLOWER),
        ("http", [150, 151, 152], [100, 101, 102], ChangeLabel.FASTER),
        ("http", [100, 101, 102], [101, 102, 100], ChangeLabel.NOISE),
        ("http", [100, 200, 300], [150, 300, 500], ChangeLabel.UNKNOWN),
        ("http", [100], [150], ChangeLabel.UNKNOWN),
        ("http", [100], [100], ChangeLabel.SAME),
        ("http", [100, 100], [100, 100], ChangeLabel.SAME),
    ],
)
def test_a_label(
    tmp_path: Path, metric: str, base: list[float], run: list[float], label: ChangeLabel
) -> None:
    """A narrow interval that includes zero is noise; a wide or missing one decides nothing."""
    sides = a_side(tmp_path, "base", *base), a_side(tmp_path, "run", *run)
    assert change_of(Metric(metric, None, "p99"), *sides).label is label


def test_more_and_fewer(tmp_path: Path) -> None:
    """These labels are for metrics other than durations."""
    base = a_side(tmp_path, "base", 100, 101, 102)
    runs = (a_run(tmp_path, f"run-{n}", span_s=20.0 + 0.1 * n) for n in range(3))
    fewer = change_of(Metric("rps"), base, Side("run", tuple(runs)))
    assert fewer.label is ChangeLabel.FEWER
    assert (
        change_of(Metric("rps"), Side("run", (a_run(tmp_path, "one"),)), base).label
        is ChangeLabel.SAME
    )


def test_compared_metrics(tmp_path: Path) -> None:
    """Counts other than 0, rates and durations: in total first, then by event type."""
    base = a_side(tmp_path, "base", 100)
    run = Side("run", (a_run(tmp_path, "b", counts=counts(lost=1)),))
    names = [str(change.metric) for change in changes(base, run)]
    assert names[:5] == ["attempted", "acked", "delivered", "lost", "rps"]
    assert names[5] == "http.mean"
    assert "http{event_type=default}.p99.9" in names
    assert "lost{event_type=default}" in names
    assert "duplicated" not in names


def test_first_bytes_are_rounded_to_a_share() -> None:
    """Each is counted in a bucket of 2 %; their mean is exact."""
    for ms in (1.0, 500.0):
        rounded = resolution_of(Metric("first_byte", aggregate="p99"), (ms / 2, ms))
        assert rounded == pytest.approx(0.02 * ms, rel=0.02)
    assert resolution_of(Metric("first_byte", aggregate="mean"), (500.0,)) == 0
    assert resolution_of(Metric("http", aggregate="p99"), (500.0,)) == 0
