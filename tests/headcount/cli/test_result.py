"""The result: the part of a report that is printed."""

import io
from dataclasses import replace
from pathlib import Path

import rich.console
from headcount_analysis.judge import Limits, judge
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report.model import Report

from headcount.cli.result import show
from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.run.locust_exit import Cause, LocustExit
from headcount.thresholds.grammar import parse
from tests.analysis.judge.test_judge import SANE
from tests.analysis.report.literal import a_report


def printed(report: Report) -> list[str]:
    """Return the lines on stdout."""
    out = io.StringIO()
    console = Console(out=rich.console.Console(file=out, highlight=False))
    show(report, RunFolder(Path("reports/run-1")), console)
    return out.getvalue().splitlines()


def test_every_check_against_the_run_is_listed() -> None:
    """Also Locust's own exit code, which is not a threshold but can break the run's pass."""
    evidence = replace(SANE, locust_exit=LocustExit(7, Cause.OTHER, "a listener set it"))
    report = replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))
    lines = printed(report)
    assert "Verdict: threshold broken" in lines
    assert "  - Locust ended with exit code 7: a listener set it" in lines


def test_both_rates_are_printed_with_thresholds() -> None:
    """A percentile means nothing without the rates; without thresholds, no rates are printed."""
    kept = ThresholdResult(parse("http.p99 < 300ms"), 12.0)
    report = replace(a_report(), rates=Rates(500, 498.25))
    with_it, without = (
        printed(replace(report, thresholds=thresholds)) for thresholds in ((kept,), ())
    )
    place = with_it.index("Rate: target 500.0/s, achieved 498.2/s")
    assert with_it[place + 1] == "Threshold kept: http.p99 < 300ms: 12.0ms"
    assert not any(line.startswith("Rate:") for line in without)
