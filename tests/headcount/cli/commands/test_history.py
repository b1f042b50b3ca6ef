"""`headcount history`: what it prints and writes, and what it needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from headcount.cli.commands.history import history
from headcount.errors import UsageError
from tests.analysis.compare_runs.sample import counts, written


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Four passing runs of one series, then one that loses events; one of another scenario."""
    folder = tmp_path / "reports"
    for hour in range(4):
        written(folder, f"a{hour}", 100 + hour, created_at=f"2026-11-25T0{hour}:00:00+00:00")
    lossy = {"counts": counts(lost=23), "verdict": "fail"}
    written(folder, "lossy", 300, created_at="2026-11-25T09:30:00+00:00", **lossy)
    written(folder, "rush", scenario="rush.py", topic="orders")
    (written(folder, "new").path / "verdict.json").unlink()
    (written(folder, "bad").path / "verdict.json").write_text("{}")
    return folder


def run(reports: Path, *arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(history, [*arguments, "--reports-dir", str(reports)])


def lines_of(done: Result) -> list[str]:
    """Return what was printed, without the spaces between columns."""
    assert done.exit_code == 0, done.output
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_the_table(reports: Path) -> None:
    """By series: what changed, then a row for each run, the latest first."""
    lines = lines_of(run(reports))
    at = lines.index("mixed.py · http://127.0.0.1:8000 · 20 users for 30 s")
    assert lines[at + 1] == ("WORSE: lost 0 → 23 in the latest run, lossy (2026-11-25)")
    assert lines[at + 2].startswith("began (UTC) run verdict rate http p50 http p99")
    assert lines[at + 3] == (
        "2026-11-25 09:30 lossy FAIL 100.0/s 60.0 ms 300.0 ms 300.0 ms 23 0 "
        "WORSE: lost 0 → 23; http p50 +196 %; http p99 +196 %; end-to-end p99 +196 %"
    )
    assert lines[at + 4].startswith("2026-11-25 03:00 a3 PASS 100.0/s 20.6 ms 103.0 ms")
    assert "rush.py · http://127.0.0.1:8000 → orders · 20 users for 30 s" in lines


def test_runs_that_have_no_row_are_named(reports: Path) -> None:
    """On stderr: one that is not judged, and one whose verdict is damaged."""
    said = run(reports).stderr
    assert "1 not judged yet: new\n" in said
    assert "Skipped bad: bad/verdict.json has format None" in said


def test_filters_and_order(reports: Path) -> None:
    """They select rows; a line below the table says how many there are."""
    lines = lines_of(run(reports, "--scenario", "mixed", "--sort", "p99", "--last", "3"))
    rows = [line.split()[2] for line in lines if line.startswith("2026")]
    assert rows == ["lossy", "a3", "a2"]
    assert lines[-1] == "3 of 6 runs; --last 5 shows all 5 matching runs"
    lines = lines_of(run(reports, "--verdict", "fail", "--search", "mixed 23"))
    assert [line.split()[2] for line in lines if line.startswith("2026")] == []
    lines = lines_of(run(reports, "--verdict", "fail", "--search", "mixed lost"))
    assert [line.split()[2] for line in lines if line.startswith("2026")] == ["lossy"]
    assert lines[-1] == "1 of 6 runs"


def test_the_document(reports: Path) -> None:
    """Nothing else is on stdout, and the baseline has the given number of runs."""
    document = json.loads(run(reports, "--json", "--baseline", "2").stdout)
    runs = {row["run_id"]: row for series in document["series"] for row in series["runs"]}
    assert runs["lossy"]["baseline"] == ["a2", "a3"]
    assert runs["lossy"]["changes"]["lost"]["label"] == "worse"
    assert (document["not_judged"], list(document["unreadable"])) == (["new"], ["bad"])


@pytest.mark.parametrize(
    ("place", "options", "link"),
    [
        ("history.html", [], "reports/a3/report.html"),
        ("reports/history.html", [], "./a3/report.html"),
        (
            "history.html",
            ["--links", "https://ci.test/runs/"],
            "https://ci.test/runs/a3/report.html",
        ),
    ],
)
def test_the_page_links_to_the_reports(
    reports: Path, place: str, options: list[str], link: str
) -> None:
    """From wherever it is written, or below a given address."""
    page = reports.parent / place
    done = run(reports, "--html", str(page), *options)
    assert done.stdout == f"Written: {page}\n"
    assert f'href="{link}"' in page.read_text("utf-8")


def test_a_reports_folder_that_is_not_there(reports: Path) -> None:
    """An error that names it, not an empty history."""
    done = run(reports / "nowhere")
    assert isinstance(done.exception, UsageError)
    assert "nowhere: make a run first" in str(done.exception)


def test_an_empty_folder(tmp_path: Path) -> None:
    """It says what to do next."""
    assert lines_of(run(tmp_path)) == ["No verified runs yet; start one with headcount run"]


def test_what_it_needs(reports: Path) -> None:
    """Neither Spark, nor charts, nor pyarrow are loaded, for a table or a page."""
    heavy = ("pyspark", "pandas", "altair", "pyarrow", "confluent_kafka", "locust")
    program = (
        "import sys\n"
        "from headcount.cli.commands.history import history\n"
        f"history(['--reports-dir', {str(reports)!r}, '--html', '-'], standalone_mode=False)\n"
        f"sys.stderr.write(str([name for name in {heavy!r} if name in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stderr.endswith("[]")
