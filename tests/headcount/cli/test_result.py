"""The result: the part of a report that is printed."""

import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import rich.console
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.model import Report

from headcount.cli.next_command import next_command
from headcount.cli.result import show
from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.run.locust_exit import Cause, LocustExit
from headcount.thresholds.grammar import parse
from tests.analysis.judge.test_judge import SANE, with_counts
from tests.analysis.report.literal import a_report

FOLDER = RunFolder(Path("reports/run-1").absolute())


def printed(report: Report, *, width: int | None = None) -> list[str]:
    """Return the lines on stdout: a pipe, or a terminal of a width, without its colours."""
    out = io.StringIO()
    terminal = rich.console.Console(
        file=out, highlight=False, force_terminal=width is not None, width=width, color_system=None
    )
    show(report, FOLDER, Console(out=terminal))
    return out.getvalue().splitlines()


def report_of(**counts: int) -> Report:
    """Return a report of counts, judged."""
    evidence = with_counts(**counts)
    return replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))


def test_every_check_against_the_run_is_listed() -> None:
    """Also Locust's own exit code, which is not a threshold but can break the run's pass."""
    evidence = replace(SANE, locust_exit=LocustExit(7, Cause.OTHER, "a listener set it"))
    report = replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))
    lines = printed(report)
    assert "Verdict: THRESHOLD BROKEN. Delivery passed, but a threshold is broken." in lines
    assert "  - Locust ended with exit code 7: a listener set it" in lines


def test_both_rates_are_printed_with_thresholds() -> None:
    """A percentile means nothing without the rates; without thresholds, no rates are printed."""
    kept = ThresholdResult(parse("http.p99 < 300ms"), 12.0)
    report = replace(a_report(), rates=Rates(500, 498.25))
    with_it, without = (
        printed(replace(report, thresholds=thresholds)) for thresholds in ((kept,), ())
    )
    place = with_it.index("Rate: target 500.0/s, achieved 498.2/s")
    assert with_it[place + 1] == "Threshold kept: http.p99 < 300ms: 12.0 ms"
    assert not any(line.startswith("Rate:") for line in without)


def test_columns_of_zeros_are_left_out() -> None:
    """Thousands are separated."""
    lines = printed(report_of(attempted=12_345, acked=12_345, delivered=12_340, lost=5))
    assert lines[0].split() == ["event", "type", "attempted", "acked", "delivered", "lost"]
    assert lines[1].split() == ["default", "12,355", "12,355", "12,350", "5"]


def test_the_verdict_is_last_with_the_next_command() -> None:
    """After a loss, what arrived since can be counted; the path is typed from where one is."""
    lines = printed(report_of(attempted=9, acked=9, delivered=8, lost=1))
    assert lines[-3:] == [
        f"Report: {FOLDER.path / 'report.html'}",
        "Verdict: FAIL. The topic or the state contradicts the requests or their responses.",
        "Next: headcount verify reports/run-1 --until latest",
    ]


def test_what_has_been_read_is_not_read_again_at_once() -> None:
    """After a loss that `verify --until latest` confirmed, the report is next."""
    report = report_of(attempted=9, acked=9, delivered=8, lost=1)
    assert "--until latest" in next_command(report, FOLDER)
    assert "--until latest" not in next_command(report, FOLDER, has_read_on=True)


def test_the_next_command_opens_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If nothing is lost and there is a program for it; otherwise it shows the history."""
    report = report_of(attempted=9, acked=9, delivered=9)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/xdg-open")
    assert printed(report)[-1] == "Next: xdg-open reports/run-1/report.html"
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert printed(report)[-1] == "Next: headcount history"
    monkeypatch.setattr(sys, "platform", "win32")
    elsewhere = RunFolder(tmp_path / "run-1")
    assert next_command(report, elsewhere) == f"headcount history --reports-dir {tmp_path}"


def test_lines_are_wrapped_at_words() -> None:
    """On a terminal; in a pipe each is one line, for programs that read it."""
    report = report_of(attempted=9, acked=9, delivered=8, lost=1)
    (check,) = (line for line in printed(report) if line.startswith("  - 1 lost"))
    narrow = printed(report, width=40)
    start = narrow.index("  - 1 lost: acknowledged, but not in the")
    assert len(check) > 80
    assert all(line.startswith("    ") for line in narrow[start + 1 : start + 3])
    assert check in " ".join(line.strip() for line in narrow).replace("- 1 lost", "  - 1 lost")
