"""The verdict as JUnit XML, which every CI system shows: a test case for each thing that is judged.

A class that is above its limit and a broken threshold are failures; what could not be proven is an
error, for it is no failure of the service. The format is the one that Jenkins, GitLab and GitHub's
actions read: a suite of cases, each with at most one result.
"""

from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from analysis.report.model import Report
from analysis.report.xml import as_xml
from analysis.state import StateResult
from headcount.verdict import Verdict

JUDGED = ("lost", "duplicated", "ghost", "phantom", "corrupted", "garbled")
JUDGED_WHEN_TOLD = ("reordered", "late", "misplaced", "malformed")


def dump(report: Report) -> str:
    """Write the document."""
    suite = TestSuite(f"headcount.{report.run_id}")
    for case in _cases(report):
        suite.add_testcase(case)
    document = JUnitXml("headcount")
    document.add_testsuite(suite)
    text: str = document.tostring().decode()  # type: ignore[no-untyped-call]
    return as_xml(text) + "\n"


def _cases(report: Report) -> Iterator[TestCase]:
    yield _verdict(report)
    for name in (*JUDGED, *JUDGED_WHEN_TOLD):
        yield from _of_class(report, name)
    yield _state(report)
    for each in report.thresholds:
        case = TestCase(each.threshold.text, "thresholds")
        if not each.holds:
            case.result = [Failure(str(each), "threshold")]
        yield case


def _verdict(report: Report) -> TestCase:
    case = TestCase("verdict", "delivery")
    told = "\n".join(report.reasons)
    if report.verdict is Verdict.FAIL:
        case.result = [_with_text(Failure(report.reasons[0], "fail"), told)]
    elif report.verdict is Verdict.INCONCLUSIVE:
        case.result = [_with_text(Error(report.reasons[0], "inconclusive"), told)]
    return case


def _of_class(report: Report, name: str) -> Iterator[TestCase]:
    limit = report.limits.of(name)
    if limit is None:
        return
    case = TestCase(f"{name} <= {limit}", "delivery")
    found = None if report.counts is None else report.counts.as_dict()[name]
    if found is None:
        case.result = [Error("nothing could be counted", "inconclusive")]
    elif found > limit:
        case.result = [Failure(f"{found} {name}", name)]
    yield case


def _state(report: Report) -> TestCase:
    case = TestCase("state", "delivery")
    if report.state.different > report.limits.different:
        case.result = [Failure(str(report.state), "different")]
    elif report.state.result is StateResult.NOT_CHECKED:
        case.result = [Skipped(report.state.why_not)]
    return case


def _with_text(result: Failure | Error, text: str) -> Failure | Error:
    result.text = text
    return result
