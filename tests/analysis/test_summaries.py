"""What other programs read of a verdict: JUnit XML and Markdown, on literal reports."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
import xmlschema
from junitparser import JUnitXml

from analysis.classes import Counts
from analysis.evidence import Evidence
from analysis.judge import Limits, judge
from analysis.latency import Bucket, Measure
from analysis.rates import Rates
from analysis.report import junit, markdown
from analysis.report.exceptions import Exceptions
from analysis.report.model import Report
from analysis.state import StateCheck
from analysis.thresholds import Judged
from headcount.thresholds import parse
from tests.analysis.test_judge import DIFFERENT, MANIFEST, SANE, with_counts

KEPT = Judged(parse("http.p99 < 300ms"), 12.0)
BROKEN = Judged(parse("rps > 400"), 12.0)


def report_of(
    evidence: Evidence | None, *thresholds: Judged, limits: Limits | None = None
) -> Report:
    """Judge evidence, and make a report of it."""
    limits = limits or Limits()
    judgement = judge(evidence or replace(SANE, problems=("it crashed",)), limits)
    return Report(MANIFEST, SANE.end, limits, judgement, evidence, thresholds=thresholds)


def results(report: Report) -> dict[str, str]:
    """Each case of the document that is no plain success, with what it is."""
    document = JUnitXml.fromstring(junit.dump(report))
    (suite,) = document
    return {case.name: type(each).__name__ for case in suite for each in case.result}


SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
HOSTILE = 'a \x00 \x1b ]]> <b> & \ufffe "'


@pytest.mark.parametrize(
    "report",
    [
        report_of(SANE, KEPT, BROKEN),
        report_of(with_counts(attempted=1, acked=1, lost=1), KEPT),
        report_of(DIFFERENT),
        report_of(None, Judged(parse("lost == 0"), None)),
        report_of(None, Judged(replace(KEPT.threshold, text=HOSTILE), None)),
    ],
)
def test_it_fits_the_schema(report: Report) -> None:
    """Passed, failed, not proven or skipped, and whatever texts come from outside."""
    SCHEMA.validate(junit.dump(report))


def test_the_schema_can_refuse() -> None:
    """A case without a class, and two results for one case, are none."""
    text = junit.dump(report_of(DIFFERENT))
    for wrong in (
        text.replace(' classname="delivery"', "", 1),
        text.replace("</testcase>", '<skipped message="twice"/></testcase>', 1),
    ):
        assert not SCHEMA.is_valid(wrong)


def test_a_pass() -> None:
    """Everything that is judged is a case, and what was not compared is skipped."""
    report = report_of(SANE, KEPT)
    assert results(report) == {"state": "Skipped"}
    suite = ET.fromstring(junit.dump(report))[0]  # noqa: S314 - it is ours
    names = [case.get("name") for case in suite]
    assert names == [
        *("verdict", "lost <= 0", "duplicated <= 0", "ghost <= 0", "phantom <= 0"),
        *("corrupted <= 0", "garbled <= 0", "state", "http.p99 < 300ms"),
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("9", "0", "0")
    assert suite.get("skipped") == "1"


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            report_of(with_counts(attempted=1, acked=1, lost=1)),
            {"verdict": "Failure", "lost <= 0": "Failure", "state": "Skipped"},
        ),
        (
            report_of(
                with_counts(attempted=1, acked=1, lost=1, late=1), limits=Limits(lost=1, late=0)
            ),
            {"verdict": "Failure", "late <= 0": "Failure", "state": "Skipped"},
        ),
        (report_of(DIFFERENT), {"verdict": "Failure", "state": "Failure"}),
        (report_of(replace(DIFFERENT, state=StateCheck(1, 1, why_not=""))), {}),
        (report_of(SANE, KEPT, BROKEN), {"rps > 400": "Failure", "state": "Skipped"}),
    ],
)
def test_each_failure_is_a_case(report: Report, expected: dict[str, str]) -> None:
    """What is above its limit, and what is broken."""
    assert results(report) == expected


def test_without_evidence() -> None:
    """What could not be judged is an error, and no success."""
    found = results(report_of(None, Judged(KEPT.threshold, None)))
    assert {found[name] for name in ("verdict", "lost <= 0", "garbled <= 0")} == {"Error"}
    assert found["http.p99 < 300ms"] == "Failure"


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
    assert lines[0] == "## ❌ fail: run run-1"
    assert lines[2] == "**11 attempted = 10 delivered + 1 lost**"
    assert lines[4] == "Delivery promise: not stated"
    assert lines[6].startswith("- 1 lost: acknowledged, and not in the topic")
    assert "| ✅ | `http.p99 < 300ms` | 12.0ms |" in lines
    assert "| ❌ | `rps > 400` | 12.0/s |" in lines
    assert "| default | 10 | 10 | 10 | 0 | 0 |" in lines
    assert "| total | 11 | 11 | 10 | 1 | 0 |" in lines
    escaped = r"\<img src=x\>\|\`\*\[a\](b)"
    assert f"| {escaped} | 0 | 0 | 0 | 0 | 0 |" in lines
    assert lines[-1] == "seed not stated;"
    assert lines[-3].startswith(f"{escaped} on http://localhost")


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        (Rates(500, 498.25), "Rate of the run: target 500.0/s, achieved 498.2/s"),
        (Rates(None, 62.0), "Rate of the run: target none, achieved 62.0/s"),
    ],
)
def test_both_rates_stand_beside_the_percentiles_in_markdown(rates: Rates, told: str) -> None:
    """Right above their table, and nowhere where there is none."""
    bucket = Bucket("default", Measure.HTTP, 10, 5_000_000, 5_000_000, 5e7)
    report = replace(report_of(SANE), rates=rates)
    lines = markdown.render(replace(report, buckets=(bucket,)), Exceptions()).splitlines()
    header = "| latency, ms | p50 | p75 | p90 | p95 | p99 | p99.9 |"
    assert lines[lines.index(told) + 1 :][:2] == ["", header]
    assert told not in markdown.render(report, Exceptions())
