"""The trend: earlier runs of the scenario beside this one, and whether it is worse than all."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from headcount_analysis.judge import Limits, judge
from headcount_analysis.report.earlier_run import EarlierDocument, EarlierLatency, EarlierRun
from headcount_analysis.report.html.page import render
from headcount_analysis.report.html.run_trend import MOST_ROWS, run_trend
from headcount_analysis.report.model import Report

from headcount.run.verdict import Area, Check, Result, Verdict
from tests.analysis.judge.test_judge import with_counts
from tests.analysis.report.html.test_first_screen import buckets
from tests.analysis.report.literal import a_report, some_exceptions


def before(
    number: int, p99_ms: float = 4.0, verdict: Verdict = Verdict.PASS, **counts: int
) -> EarlierDocument:
    """Create the verdict of a run with the load of `a_report`; a higher number is a later one."""
    report = a_report()
    return EarlierDocument(
        f"run-{number}",
        verdict,
        "mixed",
        f"2026-11-{number:02}T10:00:00Z",
        counts,
        (EarlierLatency("total", "http", {"0.5": 1.0, "0.99": p99_ms}, 9.0 + number / 10),),
        options=dict(report.manifest.options),
        host=report.manifest.host,
        topic=report.manifest.topic,
    )


def after(documents: Sequence[EarlierDocument], **changes: object) -> Report:
    """Create a report with one lost event, HTTP p99 5 ms and a rate of 9.5/s."""
    earlier = tuple(EarlierRun(document) for document in documents)
    report = replace(a_report(), buckets=tuple(buckets("default", 5.0)), earlier=earlier)
    return replace(report, **changes)  # type: ignore[arg-type]


def changes_of(report: Report) -> list[tuple[str, str]]:
    """Return what the first screen says."""
    trend = run_trend(report)
    assert trend is not None
    return [(change.text, change.assessment) for change in trend.changes]


def test_counts_above_all_earlier_ones_are_worse() -> None:
    """Those below are better; a rate or a duration is only said to be the highest or lowest."""
    report = after([before(3, ghost=2), before(2, 4.5, ghost=1), before(1, ghost=3)])
    assert changes_of(report) == [
        ("ghost 1 to 3 → 0", "better"),
        ("never before: lost", "worse"),
        ("HTTP p99 4.0 to 4.5 → 5.0 ms (the highest)", ""),
        ("rate 9.1 to 9.3 → 9.5/s (the highest)", ""),
    ]


def test_what_no_earlier_run_had_is_named_without_its_range() -> None:
    """The comparison with the previous run has its count."""
    evidence = with_counts(lost=4, ghost=2, phantom=1)
    report = after([before(2, lost=3), before(1)], evidence=evidence)
    assert changes_of(report)[:2] == [
        ("lost 0 to 3 → 4", "worse"),
        ("never before: ghost, phantom", "worse"),
    ]


def test_a_count_among_the_earlier_ones_is_neither() -> None:
    """Losses are always named."""
    assert changes_of(after([before(2, 9.0, lost=3), before(1, lost=0)]))[:2] == [
        ("lost 0 to 3 → 1", ""),
        ("HTTP p99 4.0 to 9.0 → 5.0 ms", ""),
    ]
    assert changes_of(after([before(2, lost=1), before(1, lost=1)]))[0] == (
        "1 lost, as in all of them",
        "",
    )


def test_an_inconclusive_run_is_never_better() -> None:
    """What its evidence does not show may have happened."""
    evidence = replace(with_counts(), problems=("it crashed",))
    report = after(
        [before(2, lost=4), before(1, lost=4)],
        evidence=evidence,
        judgement=judge(evidence, Limits()),
    )
    assert changes_of(report)[0] == ("lost 4 → 0", "")


@pytest.mark.parametrize(
    "other",
    [
        replace(before(1, lost=9), host="http://staging.test"),
        replace(before(1, lost=9), options={"num_users": 7}),
        before(1, verdict=Verdict.INCONCLUSIVE, lost=9),
        replace(before(1), counts=None),
    ],
)
def test_only_comparable_runs_are_compared(other: EarlierDocument) -> None:
    """The table shows them all."""
    trend = run_trend(after([before(3), before(2), other]))
    assert trend is not None
    assert (trend.compared, trend.since) == (2, "2026-11-02 10:00")
    assert trend.changes[0].text == "never before: lost"
    assert [run.run_id for run, _ in trend.rows][1:] == ["run-3", "run-2", "run-1"]


def test_one_earlier_run_has_no_range() -> None:
    """The comparison with the previous run says the same."""
    trend = run_trend(after([before(1)]))
    assert trend is not None
    assert (trend.changes, trend.title) == ((), "This run and the run before it")
    assert run_trend(a_report()) is None
    assert 'id="history"' not in render(a_report(), some_exceptions())


def test_the_table_is_bounded() -> None:
    """The ranges are those of all runs."""
    days = [before(1 + number % 28) for number in range(MOST_ROWS + 5)]
    trend = run_trend(after(days))
    assert trend is not None
    assert (len(trend.rows), trend.compared) == (MOST_ROWS, MOST_ROWS + 5)
    assert trend.title == f"This run and the last {MOST_ROWS - 1} of {MOST_ROWS + 5} earlier runs"


def test_cells() -> None:
    """Figures with their size, losses in red if they count, and other defects in words."""
    broken = tuple(
        Check(name, Result.BROKEN, area=Area.DELIVERY) for name in ("lost", "ghost", "mystery")
    )
    trend = run_trend(after([replace(before(1, 10.0, lost=1200, ghost=2), checks=broken)]))
    assert trend is not None
    assert trend.columns == ("rate", "HTTP p50", "HTTP p99", "end-to-end p99")
    (this, figures), (earlier, earlier_figures) = trend.rows
    assert (figures[2].text, figures[2].percent) == ("5.0 ms", 50.0)
    assert (earlier_figures[3].text, earlier_figures[3].percent) == ("-", 0.0)
    assert (this.lost, this.others) == ("1", "0")
    assert (earlier.lost, earlier.others) == ("1,200", "2 ghost")
    assert earlier.defects == ("lost", "ghost")


def test_the_page_shows_it() -> None:
    """One click from the first screen; texts from outside are escaped; other loads are marked."""
    hostile = replace(before(1), run_id="<b>run", options={})
    report = after([before(3), before(2), hostile])
    page = render(report, some_exceptions())
    assert 'Compared with <a href="#history">2 earlier runs with the same load</a>' in page
    assert '<span class="worse">never before: lost</span>' in page
    assert "<b>run" not in page
    assert page.count("<small>another load</small>") == 1


@pytest.mark.parametrize("has_history_page", [False, True])
def test_the_link_to_the_history_of_all_runs(*, has_history_page: bool) -> None:
    """Without a page beside the runs it is hidden."""
    report = after([before(1)], has_history_page=has_history_page)
    page = render(report, some_exceptions())
    hidden = "" if has_history_page else " hidden"
    assert f'<span id="history-link"{hidden}> <a href="../history.html">' in page
