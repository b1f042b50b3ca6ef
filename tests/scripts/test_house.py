"""The figures match the source tree."""

from pathlib import Path

import pytest

from scripts import house
from scripts.source import ROOT, Function, functions, module_name, read_modules
from tests.scripts.tree import modules

DURATIONS = """\
============================= slowest durations ==============================
1.50s call     tests/e2e/test_run.py::test_a[x::y]
0.25s setup    tests/e2e/test_state.py::test_b
2.00s call     tests/analysis/spark/test_session.py::test_c
(3 durations < 0.005s hidden.)
"""
JUNIT = """\
<?xml version="1.0"?>
<testsuites><testsuite name="pytest">
<testcase classname="tests.e2e.test_run" name="test_a" time="1.5" />
<testcase classname="tests.e2e.test_state.TestState" name="test_b" time="0.25" />
<testcase classname="tests.analysis.spark.test_session" name="test_c" time="2.0" />
</testsuite></testsuites>
"""


def test_files_per_folder(tmp_path: Path) -> None:
    """`__init__.py` does not count."""
    tree = modules(tmp_path, {"headcount/run/__init__": "", "headcount/run/ids": "", "bench/a": ""})
    assert house.files_per_folder(tree) == {"bench": 1, "headcount/run": 1}


def test_function_sizes(tmp_path: Path) -> None:
    """Methods and nested functions count; decorators do not."""
    text = "@cache\ndef f():\n    def g():\n        pass\n\nclass A:\n    async def h(self): ...\n"
    (tree,) = modules(tmp_path, {"headcount/a": text})
    path = Path("headcount/a.py")
    assert set(functions(tree)) == {
        Function(path, "f", 2, 3),
        Function(path, "g", 3, 2),
        Function(path, "h", 7, 1),
    }


@pytest.mark.parametrize(("percent", "value"), [(50, 3), (90, 5), (100, 5), (1, 1)])
def test_percentile(percent: float, value: int) -> None:
    """The nearest rank decides."""
    assert house.percentile([5, 1, 4, 2, 3], percent) == value


def test_long_modules(tmp_path: Path) -> None:
    """Modules over the limit are listed, the longest first."""
    tree = modules(
        tmp_path, {"headcount/a": "\n" * 301, "headcount/b": "\n" * 400, "headcount/c": "\n" * 300}
    )
    assert house.long_modules(tree) == {"headcount/b.py": 400, "headcount/a.py": 301}


def test_no_module_of_the_product_is_too_long() -> None:
    """A longer one has more than one subject."""
    assert house.long_modules(read_modules(ROOT)) == {}


@pytest.mark.parametrize("report", [DURATIONS, JUNIT], ids=["durations", "junit"])
def test_suite_seconds(tmp_path: Path, report: str) -> None:
    """Seconds in either report are summed by folder, the longest first."""
    path = tmp_path / "report"
    path.write_text(report)
    seconds = house.suite_seconds(path)
    assert list(seconds.items()) == [("tests/analysis/spark", 2.0), ("tests/e2e", 1.75)]


def test_module_name() -> None:
    """A name starts below the folder that is on `sys.path`."""
    assert module_name(Path("analysis/headcount_analysis/judge/__init__.py")) == (
        "headcount_analysis.judge"
    )
    assert module_name(Path("headcount/run/ids.py")) == "headcount.run.ids"


def test_figures_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All figures are printed, for this tree and a report."""
    (tmp_path / "report").write_text(JUNIT)
    assert house.main([str(tmp_path / "report")]) == 0
    out = capsys.readouterr().out
    for title in ("Files per folder", "Functions", "Class names", "Modules over", "4 in total"):
        assert title in out
