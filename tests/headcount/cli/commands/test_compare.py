"""`headcount compare`: what it prints and writes, and the exit code of each mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headcount.cli.commands.compare import compare_runs
from headcount.errors import HeadcountError
from tests.analysis.compare_runs.sample import counts, written


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three runs before a change, three that take twice as long, and one that loses events."""
    written(tmp_path, "lossy", counts=counts(lost=23), verdict="fail")
    for place in range(3):
        written(tmp_path, f"a{place}", 100 + place)
        written(tmp_path, f"b{place}", 200 + place)
    return tmp_path


def compare(reports: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(compare_runs, [*arguments, "--reports-dir", str(reports)])


def test_the_table(reports: Path) -> None:
    """It has both sides, each figure with its interval and its label, and the limits."""
    done = compare(reports, "a0,a1,a2", "b0,b1,b2", "--limit", "http.p99 +10%")
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines[:2] == ["base: a0, a1, a2", "run: b0, b1, b2"]
    assert "http.p99 101.0 ms 201.0 ms +99 % +95 % to +103 % slower" in lines
    assert "lost 0 0 same" in lines
    assert "http{event_type=default}.p99 101.0 ms 201.0 ms +99 % +95 % to +103 % slower" in lines
    assert not any("intended" in line for line in lines)
    assert "Limit broken: http.p99 +10%: +99 % (95 % CI +95 % to +103 %)" in lines


def code(reports: Path, *arguments: str) -> int:
    """Run it as a program, for its exit code."""
    command = [sys.executable, "-m", "headcount", "compare", *arguments]
    done = subprocess.run(
        [*command, "--reports-dir", str(reports)], capture_output=True, timeout=300, check=False
    )
    return done.returncode


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a0,a1,a2", "b0,b1,b2"], 0),
        (["b0,b1,b2", "a0,a1,a2", "--limit", "http.p99 +10%"], 0),
        (["a0,a1,a2", "b0,b1,b2", "--limit", "http.p99 +10%"], 4),
        (["a0,b0", "a1,b1", "--limit", "http.p99 +10%"], 3),
        (["a0", "b0", "--limit", "http.p99 +10%"], 3),
        (["a0", "b0", "--limit", "http.p99 +10%", "--allow-single-run"], 4),
        (["a0", "lossy", "--limit", "lost +0"], 4),
        (["a0", "b0", "--limit", "htp.p99 +10%"], 2),
        (["a0", "a0"], 2),
        (["a0"], 2),
    ],
)
def test_exit_codes(reports: Path, arguments: list[str], expected: int) -> None:
    """Nothing passes the gate by mistake."""
    assert code(reports, *arguments) == expected


def test_the_first_line_names_what_became_worse(reports: Path) -> None:
    """Also with one run per side; the table labels the count, too."""
    lines = compare(reports, "a0", "lossy").output.splitlines()
    assert lines[0] == "WORSE: lost rose from 0 to 23; the label changed from PASS to FAIL"
    assert "lost 0 23 +23 worse" in [" ".join(line.split()) for line in lines]


def test_what_it_needs(reports: Path) -> None:
    """Neither Spark nor the charts are loaded to print a table."""
    script = (
        "import sys; from headcount.cli.main import cli;"
        f"cli(['compare', 'a0', 'b0', '--reports-dir', {str(reports)!r}], standalone_mode=False);"
        "sys.exit(bool({'pyspark', 'pandas', 'locust', 'kafka'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_files(reports: Path) -> None:
    """A page and a summary are written, and named."""
    page, summary = reports / "c.html", reports / "c.md"
    done = compare(reports, "a0", "b0", "--html", str(page), "--markdown", str(summary))
    assert f"Written: {page}" in done.output
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert '<a href="./a0/report.html">a0</a>' in page.read_text()
    assert summary.read_text().startswith("## Comparison: One run per side")


def test_stdout(reports: Path) -> None:
    """Only one of the outputs may go there, and then nothing else does."""
    assert json.loads(compare(reports, "a0", "b0", "--json").output)["exit_code"] == 0
    assert compare(reports, "a0", "b0", "--markdown", "-").output.startswith(
        "## Comparison: One run per side"
    )
    page = compare(reports, "a0", "b0", "--html", "-").output
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    both = compare(reports, "a0", "b0", "--json", "--html", "-")
    assert "only one of --json, --html - and --markdown -" in str(both.exception)


@pytest.mark.parametrize(
    ("arguments", "message", "expected"),
    [
        (["a0", "nowhere"], "nowhere is not a run folder", 2),
        (["a0", "b0,"], "is not a run folder", 2),
        (["a0", "b0", "--html", "/no/such/folder/c.html"], "cannot write /no/such", 2),
    ],
)
def test_a_mistake(reports: Path, arguments: list[str], message: str, expected: int) -> None:
    """It is reported on one line."""
    error = compare(reports, *arguments).exception
    assert isinstance(error, HeadcountError)
    assert message in str(error)
    assert error.exit_code == expected


def test_a_mistake_in_a_limit_comes_first(reports: Path) -> None:
    """The error points at it, whatever else is wrong."""
    done = compare(reports, "nowhere", "nor here", "--limit", "rps 5%")
    assert done.exit_code == 2
    assert "expected + or -, and by how much\n  rps 5%\n      ^" in done.output


def test_what_is_not_comparable(reports: Path) -> None:
    """It is refused; with --anyway, it is listed above the result."""
    written(reports, "other", scenario="rush.py")
    refused = compare(reports, "a0", "other")
    assert "scenario: mixed.py in a0; rush.py in other" in str(refused.exception)
    done = compare(reports, "a0", "other", "--anyway")
    head, _, _ = done.output.partition("metric")
    assert "Not comparable, but compared anyway:\n  - scenario: mixed.py" in head
