"""The chart of changes: each change is on the side where it belongs, and labels have room."""

import itertools
import re
from pathlib import Path

import pytest
from headcount_analysis.compare_runs.change_chart import change_figure
from headcount_analysis.compare_runs.model import compare
from headcount_analysis.compare_runs.runs import read_run, sides_of
from headcount_analysis.report.html.figure import Figure

from tests.analysis.compare_runs.sample import written


def drawn(folder: Path, base_ms: float, run_ms: float) -> Figure:
    """Draw the changes between three runs of each side."""
    groups = [
        [read_run(written(folder, f"{name}-{number}", ms * share)) for number, share in runs]
        for name, ms in (("a", base_ms), ("b", run_ms))
        for runs in [list(enumerate((0.99, 1.0, 1.01)))]
    ]
    figure = change_figure(compare(sides_of(groups)).others[0])
    assert figure is not None
    return figure


@pytest.mark.parametrize(
    ("run_ms", "label", "is_right"), [(130, "slower", True), (70, "faster", False)]
)
def test_a_change_is_on_its_side_of_none(
    tmp_path: Path, run_ms: float, label: str, *, is_right: bool
) -> None:
    """Slower is to the right of the line, with a word and a number beside it."""
    figure = drawn(tmp_path, 100, run_ms)
    (row,) = re.findall(r"<div><span class=\"name\">http p99.*?</div>", figure.svg)
    (none,) = re.findall(r'class="none" style="left:([\d.]+)%', row)
    (change,) = re.findall(r'<b style="left:([\d.]+)%', row)
    (start, width) = re.findall(r'class="span" style="left:([\d.]+)%;width:([\d.]+)%', row)[0]
    assert (float(change) > float(none)) is is_right
    assert float(start) <= float(change) <= float(start) + float(width) <= 100.1
    assert f"{label}</b> {'+30 %' if is_right else '-30 %'}" in row


@pytest.mark.parametrize("run_ms", [50, 99, 104, 130, 400, 50_000])
def test_ticks_have_room(tmp_path: Path, run_ms: float) -> None:
    """On a wide page, and those for a phone on a narrow page; the label `none` is always there."""
    figure = drawn(tmp_path, 100, run_ms)
    (axis,) = re.findall(r'class="ticks">(.*?)</div>', figure.svg)
    ticks = re.findall(r'<span( class="only-wide")? style="left:([\d.]+)%">([^<]*)', axis)
    assert ("", "none") in [(kind, text) for kind, _, text in ticks]
    for is_narrow, least in ((False, 10.9), (True, 23.9)):
        places = [float(at) for kind, at, _ in ticks if not (is_narrow and kind)]
        assert all(later - one >= least for one, later in itertools.pairwise(places))
