"""What other programs read of a verdict: JUnit XML and Markdown, on literal reports."""

import html
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
import rich.console
import xmlschema
from headcount_analysis.classes_and_flags import Counts
from headcount_analysis.evidence import Evidence
from headcount_analysis.judge import Limits, crashed, judge
from headcount_analysis.measure.histogram import Bucket, Measure
from headcount_analysis.measure.rates import Rates
from headcount_analysis.measure.threshold_results import ThresholdResult
from headcount_analysis.report import verdict_document
from headcount_analysis.report.html.page import render as page_of
from headcount_analysis.report.model import Report
from headcount_analysis.report.shown_exceptions import Exceptions
from headcount_analysis.report.text import junit, markdown
from headcount_analysis.state.differences import StateCheck
from junitparser import JUnitXml

from headcount.cli.result import show
from headcount.console import Console
from headcount.run.folder import RunFolder
from headcount.run.verdict import Label, against, read_verdict
from headcount.thresholds.grammar import parse
from tests.analysis.judge.test_judge import DAMAGED, DIFFERENT, SANE, with_counts
from tests.manifests import MANIFEST

KEPT = ThresholdResult(parse("http.p99 < 300ms"), 12.0)
BROKEN = ThresholdResult(parse("rps > 400"), 12.0)


def report_of(
    evidence: Evidence | None, *thresholds: ThresholdResult, limits: Limits | None = None
) -> Report:
    """Judge evidence, and make a report of it."""
    limits = limits or Limits()
    if evidence is None:
        judgement = crashed("it crashed", limits, thresholds)
    else:
        judgement = judge(evidence, limits, thresholds)
    return Report(MANIFEST, SANE.end, limits, judgement, evidence, thresholds=thresholds)


def results(report: Report) -> dict[str, str]:
    """Each case of the document that is no plain success, with what it is."""
    document = JUnitXml.fromstring(junit.dump(report))
    (suite,) = document
    return {case.name: type(result).__name__ for case in suite for result in case.result}


SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
HOSTILE = 'a \x00 \x1b ]]> <b> & \ufffe "'


@pytest.mark.parametrize(
    "report",
    [
        report_of(SANE, KEPT, BROKEN),
        report_of(with_counts(attempted=1, acked=1, lost=1), KEPT),
        report_of(DIFFERENT),
        report_of(None, ThresholdResult(parse("lost == 0"), None)),
        report_of(None, ThresholdResult(replace(KEPT.threshold, text=HOSTILE), None)),
    ],
)
def test_it_fits_the_schema(report: Report) -> None:
    """Passed, failed, not proven or skipped, and whatever texts come from outside."""
    SCHEMA.validate(junit.dump(report))


def test_the_schema_can_refuse() -> None:
    """It refuses a case without a class, and two results for one case."""
    text = junit.dump(report_of(DIFFERENT))
    for wrong in (
        text.replace(' classname="delivery"', "", 1),
        text.replace("</testcase>", '<skipped message="twice"/></testcase>', 1),
    ):
        assert not SCHEMA.is_valid(wrong)


UNTRIED = dict.fromkeys(("reordered", "late", "misplaced", "malformed", "state"), "Skipped")


def test_a_pass() -> None:
    """Every check is a case, and what nobody asked for is skipped."""
    report = report_of(SANE, KEPT)
    assert results(report) == UNTRIED
    suite = ET.fromstring(junit.dump(report))[0]  # noqa: S314 - it is ours
    assert [case.get("name") for case in suite] == [
        "verdict",
        *(check.name for check in report.checks),
    ]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    cases = str(1 + len(report.checks))
    assert counts == {"tests": cases, "failures": "0", "errors": "0", "skipped": "5"}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            report_of(with_counts(attempted=1, acked=1, lost=1)),
            UNTRIED | {"verdict": "Failure", "lost": "Failure"},
        ),
        (
            report_of(
                with_counts(attempted=1, acked=1, lost=1, late=1), limits=Limits(lost=1, late=0)
            ),
            UNTRIED | {"verdict": "Failure", "late": "Failure"},
        ),
        (report_of(DIFFERENT), UNTRIED | {"verdict": "Failure", "state": "Failure"}),
        (
            report_of(replace(DIFFERENT, state=StateCheck(1, 1, why_not=""))),
            {name: result for name, result in UNTRIED.items() if name != "state"},
        ),
        (
            report_of(SANE, KEPT, BROKEN),
            UNTRIED | {"verdict": "Failure", "rps > 400": "Failure"},
        ),
        (
            report_of(replace(with_counts(attempted=1, acked=1, lost=1), ledger=DAMAGED)),
            UNTRIED
            | dict.fromkeys(("duplicated", "ghost", "phantom", "corrupted", "garbled"), "Skipped")
            | {"verdict": "Error", "lost": "Error", "ledger": "Error"},
        ),
        (
            report_of(SANE, ThresholdResult(KEPT.threshold, None)),
            UNTRIED | {"verdict": "Error", "http.p99 < 300ms": "Error"},
        ),
    ],
)
def test_each_failure_is_a_case(report: Report, expected: dict[str, str]) -> None:
    """What is proven is a failure, what is not is an error, and the verdict is one of them."""
    assert results(report) == expected


def test_several_doubts_of_a_subject_are_one_case() -> None:
    """A CI system tells cases apart by their names; the case has all of their texts."""
    twice = replace(SANE, ledger=replace(DAMAGED, damage=("one is gone", "another is cut off")))
    suite = ET.fromstring(junit.dump(report_of(twice)))[0]  # noqa: S314 - it is ours
    (case,) = (case for case in suite if case.get("name") == "ledger")
    (error,) = case
    assert error.text == "one is gone\nanother is cut off"


def test_without_evidence() -> None:
    """What could not be judged is no success, and no failure of the service either."""
    cases = results(report_of(None, ThresholdResult(KEPT.threshold, None)))
    assert (cases["verdict"], cases["verification"]) == ("Error", "Error")
    assert (cases["lost"], cases["garbled"]) == ("Skipped", "Skipped")
    assert cases["http.p99 < 300ms"] == "Error"


LOST = with_counts(attempted=1, acked=1, lost=1)
OF_EACH_LABEL = {
    Label.PASS: report_of(SANE, KEPT),
    Label.THRESHOLD_BROKEN: report_of(SANE, KEPT, BROKEN),
    Label.FAIL: report_of(LOST, BROKEN),
    Label.INCONCLUSIVE: report_of(replace(LOST, ledger=DAMAGED), BROKEN),
}


def printed(report: Report) -> str:
    """Give what a terminal shows."""
    out = io.StringIO()
    terminal = rich.console.Console(file=out, highlight=False, force_terminal=True, width=400)
    show(report, RunFolder(Path("reports/run-1")), Console(out=terminal))
    return out.getvalue()


@pytest.mark.parametrize("label", Label)
def test_every_surface_says_the_same(label: Label, tmp_path: Path) -> None:
    """Label, colour and checks; green is a pass alone, and what is not a pass says why."""
    report = OF_EACH_LABEL[label]
    assert (report.label, report.exit_code) == (label, label.exit_code)
    page, summary = page_of(report, Exceptions()), markdown.render(report, Exceptions())
    assert f"<title>{label.value}: run run-1" in page
    assert f'<section class="verdict {label.colour}"' in page
    assert f"<p><strong>{label.mark} {label.value}<" in page
    mark = {"green": "✅", "red": "❌", "yellow": "⚠️"}[label.colour]
    assert summary.startswith(f"## {mark} {label.value}: run run-1\n")
    code = {"green": 32, "red": 31, "yellow": 33}[label.colour]
    terminal = printed(report)
    assert f"\x1b[1;{code}mVerdict: {label.value}. {label.meaning}\x1b[0m" in terminal
    (tmp_path / "verdict.json").write_text(verdict_document.dump(report))
    stored = read_verdict(tmp_path)
    assert stored is not None
    assert (stored.label, stored.checks) == (label, report.checks)
    assert json.loads(verdict_document.dump(report))["label"] == label.value
    verdict_case = results(report).get("verdict")
    assert verdict_case == {"green": None, "red": "Failure", "yellow": "Error"}[label.colour]
    for check in report.checks:
        result = f">{check.name}</th><td>{check.result.value}</td><td>{check.evidence}</td>"
        assert result in html.unescape(page)
    for check in against(report.checks):
        assert check.evidence.removeprefix("threshold broken: ") in terminal
        assert check.evidence.removeprefix("threshold broken: ") in html.unescape(page)


def test_markdown() -> None:
    """Verdict, reasons, thresholds and counts; what comes from outside is no markup."""
    hostile = "<img src=x>|`*[a](b)"
    evidence = with_counts(attempted=1, acked=1, lost=1)
    evidence = replace(
        evidence,
        by_event_type={**evidence.by_event_type, hostile: Counts()},
        manifest=replace(MANIFEST, scenario=hostile),
    )
    report = replace(report_of(evidence, KEPT, BROKEN), manifest=evidence.manifest)
    lines = markdown.render(report, Exceptions()).splitlines()
    assert lines[0] == "## ❌ FAIL: run run-1"
    assert lines[2] == "**11 attempted = 10 delivered + 1 lost**"
    assert lines[4] == "Delivery promise: not stated"
    assert lines[6].startswith("- 1 lost: acknowledged, but not in the topic")
    assert "| ✅ | `http.p99 < 300ms` | 12.0 ms |" in lines
    assert "| ❌ | `rps > 400` | 12.0/s |" in lines
    assert "| default | 11 | 11 | 10 | 1 | 0 |" in lines
    assert "| total | 11 | 11 | 10 | 1 | 0 |" in lines
    escaped = r"\<img src=x\>\|\`\*\[a\](b)"
    assert f"| {escaped} | 0 | 0 | 0 | 0 | 0 |" in lines
    assert lines[-1] == "seed not stated;"
    assert lines[-3].startswith(f"{escaped} on http://localhost")


@pytest.mark.parametrize(
    ("rates", "line"),
    [
        (Rates(500, 498.25), "Rate of the run: target 500.0/s, achieved 498.2/s"),
        (Rates(None, 62.0), "Rate of the run: achieved 62.0/s"),
    ],
)
def test_both_rates_stand_beside_the_percentiles_in_markdown(rates: Rates, line: str) -> None:
    """Right above their table, and nowhere where there is none."""
    bucket = Bucket("default", Measure.HTTP, 10, 5_000_000, 5_000_000, 5e7)
    report = replace(report_of(SANE), rates=rates)
    lines = markdown.render(replace(report, buckets=(bucket,)), Exceptions()).splitlines()
    header = "| latency, ms | p50 | p75 | p90 | p95 | p99 | p99.9 |"
    assert lines[lines.index(line) + 1 :][:2] == ["", header]
    assert line not in markdown.render(report, Exceptions())
