"""The performance page: all measurements, and all missed targets."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from bench.analysis import formats
from bench.cli import main as command_line
from bench.cli import output as output_of_benchmarks
from bench.cli.output import Output
from bench.harness.figures import MedianRange
from bench.harness.result import BenchmarkResult, Machine, save
from bench.harness.target import PerformanceTarget
from bench.pages.performance import page, read
from headcount.errors import UsageError

ROOT = Path(__file__).parents[3]
MACHINE = Machine("Linux 6", "a processor", 2, 16.0, 0.4)
RATIO = PerformanceTarget("ratio", 0.7, MedianRange(0.75, 0.5, 0.9, 3))
LATE = PerformanceTarget(
    "p99", 2.0, MedianRange(3.25, 3.0, 4.0, 3), at_most=True, unit=" ms", held_by="the wait"
)


def test_a_target_is_met_or_missed_by_a_margin() -> None:
    """A figure must be on the wanted side of its limit, or equal to it."""
    assert (RATIO.wanted, RATIO.measured, RATIO.verdict) == (
        "at least 0.70",
        "0.75 (0.50-0.90)",
        "met",
    )
    assert (LATE.wanted, LATE.measured, LATE.verdict) == (
        "at most 2.00 ms",
        "3.25 (3.00-4.00) ms",
        "missed by 1.25 ms",
    )
    assert PerformanceTarget("a", 3072, MedianRange(3072, 1, 9000, 3), at_most=True).is_met
    assert not PerformanceTarget("a", 3072, MedianRange(3073, 1, 9000, 3), at_most=True).is_met
    assert not PerformanceTarget("a", 1.5, MedianRange(1.4, 1.4, 1.4, 1)).is_met


def test_a_narrow_miss_shows_how_narrow() -> None:
    """It has as many decimals as its difference from the limit needs, and never differs by 0."""
    narrow = PerformanceTarget("a", 0.98, MedianRange(0.97984, 0.9656, 0.9981, 5))
    assert (narrow.wanted, narrow.measured, narrow.verdict) == (
        "at least 0.9800",
        "0.9798 (0.9656-0.9981)",
        "missed by 0.0002",
    )
    large = PerformanceTarget("a", 3072, MedianRange(3072.2, 1, 9000, 3), at_most=True)
    assert (large.measured, large.verdict) == ("3,072.2 (1.0-9,000.0)", "missed by 0.2")


def test_the_page_has_tables_targets_and_reasons(tmp_path: Path) -> None:
    """The page has a fixed order, and escapes the text of cells."""
    for name in ("service", "overhead"):
        rows = [("a|b", "1\n2")]
        result = BenchmarkResult(
            name, f"{name}: it", ("x", "y"), rows, {}, [], {}, ("a note",), (RATIO, LATE)
        )
        save(result, MACHINE, tmp_path)
    text = page(read(tmp_path))
    assert text.index("## overhead: it") < text.index("## service: it")
    assert "| a\\|b | 1; 2 |" in text
    assert "| `service` | ratio | at least 0.70 | 0.75 (0.50-0.90) | met |" in text
    assert "| missed by 1.25 ms; the wait |" in text
    assert "2 cores (a processor), 16 GiB, Linux 6" in text
    assert "- a note" in text


def test_missing_figures_are_an_error(tmp_path: Path) -> None:
    """The message has the command that measures them."""
    with pytest.raises(UsageError, match="make bench"):
        read(tmp_path)
    (tmp_path / "rate.json").write_text("{")
    with pytest.raises(UsageError, match=r"cannot read .*rate\.json"):
        read(tmp_path)


def test_the_page_matches_the_measurements() -> None:
    """docs/performance.md has been generated from docs/measured."""
    folder = ROOT / "docs" / "measured"
    assert (ROOT / "docs" / "performance.md").read_text() == page(read(folder))
    document = json.loads((folder / "overhead.json").read_text())
    assert document["targets"]


def test_one_command_runs_all_benchmarks_and_writes_the_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hands over where its figures belong."""
    folders = []

    def take(output: Output, _measure: object) -> None:
        folders.append(output.documents)

    monkeypatch.setattr(command_line, "take", take)
    done = CliRunner().invoke(command_line.cli, ["--write", str(tmp_path), "all"])
    assert done.exit_code == 0, done.output
    assert folders == [tmp_path] * 12


def test_one_command_measures_a_benchmark_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures are saved beside those of the others, and stand in the page with them."""
    documents = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", documents)
    result = BenchmarkResult(
        "formats", "formats: it", ("x",), [("y",)], {}, [], {}, ("a note",), (RATIO,)
    )

    @contextlib.contextmanager
    def stage(*_arguments: object) -> Iterator[Any]:
        yield SimpleNamespace(ready=None)

    monkeypatch.setattr(output_of_benchmarks, "stage", stage)
    monkeypatch.setattr(output_of_benchmarks, "versions", lambda _: {})
    monkeypatch.setattr(formats, "measure", lambda _settings, _stage: result)
    command = ["--output", str(tmp_path / "scratch"), "--write", str(documents), "formats"]
    done = CliRunner().invoke(command_line.cli, command)
    assert done.exit_code == 0, done.output
    assert json.loads((documents / "measured" / "formats.json").read_text())["table"]["rows"]
    text = (documents / "performance.md").read_text()
    assert text.index("## reconcile: ") < text.index("## formats: it") < text.index("## warm: ")
    assert "| `formats` | ratio | at least 0.70 | 0.75 (0.50-0.90) | met |" in text
