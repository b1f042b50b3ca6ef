"""The comparison with the previous run: counts are better or worse, speed is only shown."""

from dataclasses import replace

from headcount_analysis.judge import Limits, judge
from headcount_analysis.report.earlier_run import EarlierDocument, EarlierLatency, EarlierRun
from headcount_analysis.report.html.earlier import earlier_line
from headcount_analysis.report.html.page import render

from headcount.run.verdict import Label, Verdict
from tests.analysis.judge.test_judge import with_counts
from tests.analysis.report.html.test_first_screen import buckets
from tests.analysis.report.literal import a_report, some_exceptions


def a_document(**counts: int) -> EarlierDocument:
    """Create the verdict of the previous run."""
    return EarlierDocument(
        "run-0",
        Verdict.PASS,
        "mixed",
        "2026-11-22T10:00:00Z",
        counts,
        (EarlierLatency("total", "http", {"0.99": 4.0}, 10.0),),
    )


def test_counts_are_worse_or_better() -> None:
    """Classes that neither run has are left out; losses are always compared."""
    report = replace(a_report(), buckets=tuple(buckets("default", 5.0)))
    line = earlier_line(replace(report, earlier=(EarlierRun(a_document(lost=0, ghost=2)),)))
    assert line is not None
    assert [(change.text, change.assessment) for change in line.changes] == [
        ("worse: lost 0 → 1", "worse"),
        ("better: ghost 2 → 0", "better"),
        ("HTTP p99 4.0 → 5.0 ms (+25 %)", ""),
        ("rate 10.0 → 9.5/s", ""),
    ]
    same = earlier_line(replace(report, earlier=(EarlierRun(a_document(lost=1)),)))
    assert same is not None
    assert same.changes[0].text == "1 lost, as before"


def test_an_inconclusive_run_is_never_better() -> None:
    """What its evidence does not show may have happened; what it shows has."""
    evidence = replace(with_counts(late=3), problems=("it crashed",))
    report = replace(a_report(), evidence=evidence, judgement=judge(evidence, Limits()))
    assert report.label is Label.INCONCLUSIVE
    line = earlier_line(replace(report, earlier=(EarlierRun(a_document(ghost=2)),)))
    assert line is not None
    assert {change.assessment for change in line.changes} == {"worse", ""}


def test_another_load_is_named() -> None:
    """With the same load, a remark says that two single runs show no small change."""
    report = a_report()
    same = replace(a_document(), options=dict(report.manifest.options))
    line = earlier_line(replace(report, earlier=(EarlierRun(same),)))
    assert line is not None
    assert line.caveat.startswith("One run per side can't separate")
    other = replace(same, options={**same.options, "num_users": 7})
    line = earlier_line(replace(report, earlier=(EarlierRun(other),)))
    assert line is not None
    assert line.caveat == "Its options differ: num users."


def test_without_a_run_before_there_is_no_comparison() -> None:
    """Nor is there one with a run in which nothing was counted."""
    assert earlier_line(a_report()) is None
    uncounted = replace(a_document(), counts=None)
    assert earlier_line(replace(a_report(), earlier=(EarlierRun(uncounted),))) is None
    assert "Compared with" not in render(a_report(), some_exceptions())


def test_the_page_links_the_run_before() -> None:
    """Its id is escaped, like any other text from outside."""
    document = replace(a_document(lost=1), run_id="<b>run-0")
    page = render(
        replace(a_report(), earlier=(EarlierRun(document, "../run-0/report.html"),)),
        some_exceptions(),
    )
    assert '<a href="../run-0/report.html">&lt;b&gt;run-0</a>' in page
