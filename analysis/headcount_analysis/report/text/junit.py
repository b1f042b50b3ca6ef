"""The checks as JUnit XML, for CI systems: a test case for the verdict and one for each check.

A broken check is a failure. An unproven check is an error: CI systems show neither as green, and an
error does not say that the tested service failed. A check that was not tried is skipped, with the
reason. The format is what Jenkins, GitLab and GitHub Actions read: a suite of cases, each with at
most one result, so several doubts about one subject form one case.
"""

from collections.abc import Iterable, Iterator, Sequence

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from headcount.run.verdict import Check, Label, Result
from headcount_analysis.report.model import Report
from headcount_analysis.report.xml_text import as_xml

_DETAILED = "corrupted"
_WORST_FIRST = (Result.BROKEN, Result.UNPROVEN, Result.KEPT, Result.NOT_TRIED)


def dump(report: Report) -> str:
    """Return the document as XML text."""
    suite = TestSuite(f"headcount.{report.run_id}")
    for case in (_verdict(report), *_cases(report.checks, report.differences.sentences)):
        suite.add_testcase(case)
    document = JUnitXml("headcount")
    document.add_testsuite(suite)
    text: str = document.tostring().decode()  # type: ignore[no-untyped-call]
    return as_xml(text) + "\n"


def _verdict(report: Report) -> TestCase:
    case, label = TestCase("verdict", "delivery"), report.label
    if label is not Label.PASS:
        kind = Error if label is Label.INCONCLUSIVE else Failure
        message = ": ".join((label.value, *report.reasons[:1]))
        case.result = [_with_text(kind(message, label.words), "\n".join(report.reasons))]
    return case


def _cases(checks: Iterable[Check], details: Sequence[str]) -> Iterator[TestCase]:
    """Make a case for each subject; `details` say which fields of corrupted events differ."""
    subjects: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        subjects.setdefault((check.name, check.area.value), []).append(check)
    for (name, area), of_subject in subjects.items():
        more = details if name == _DETAILED else ()
        yield _case(name, area, sorted(of_subject, key=_rank), more)


def _case(name: str, area: str, checks: Sequence[Check], details: Sequence[str]) -> TestCase:
    case, worst = TestCase(name, area), checks[0]
    text = "\n".join([*map(str, checks), *details])
    match worst.result:
        case Result.BROKEN:
            case.result = [_with_text(Failure(str(worst), worst.result.value), text)]
        case Result.UNPROVEN:
            case.result = [_with_text(Error(str(worst), worst.result.value), text)]
        case Result.NOT_TRIED:
            case.result = [Skipped(str(worst))]
    return case


def _rank(check: Check) -> int:
    return _WORST_FIRST.index(check.result)


def _with_text(result: Failure | Error, text: str) -> Failure | Error:
    result.text = text
    return result
