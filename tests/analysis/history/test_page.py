"""The page and the document: what they say of a history, and that no text of a run is executed."""

import json
import re
from typing import Any

import pytest
from headcount_analysis.history import json_document, page, words
from headcount_analysis.history.history import RunFilter, history_of, selected
from headcount_analysis.history.index import PastRuns
from headcount_analysis.history.series import series_of
from headcount_analysis.report.html.page_files import hashes_of

from headcount.run.verdict import Label
from tests.analysis.history.entries import an_entry, noisy

HOSTILE = "</script><script>alert(1)</script>\"'<b>"
STEP = [an_entry(number, noisy(number) * (1.0 if number < 20 else 1.5)) for number in range(32)]


def rendered(runs: list[Any], **past: Any) -> str:
    """Return the page of some runs."""
    overview = history_of(PastRuns(tuple(runs), **past), 10)
    return page.render(overview, selected(overview, RunFilter()), "runs")


def documented(runs: list[Any]) -> dict[str, Any]:
    """Return the document of some runs, read back."""
    overview = history_of(PastRuns(tuple(runs)), 10)
    content: dict[str, Any] = json.loads(
        json_document.dump(overview, selected(overview, RunFilter()))
    )
    return content


def sentences(runs: list[Any]) -> list[str]:
    """Return what is said of a single series."""
    (series,) = series_of(runs, 10)
    return [sentence.text for sentence in words.sentences(series)]


def test_a_change_point_is_marked() -> None:
    """As a sentence with its confidence and its run, and in the chart of its metric."""
    content = rendered(STEP)
    (change,) = re.findall(r"<li>(http p99 rose .*)</li>", content)
    assert re.fullmatch(
        r"http p99 rose from 10\d\.\d ms to 1[45]\d\.\d ms \(\+\d\d %\) at "
        r'<a href="#run-run-0020">run-0020</a> \(2026-11-01\), confidence 99\.9 %',
        change,
    )
    assert len(re.findall(r'<path class="mark"', content)) == 2
    assert 'id="run-run-0020"' in content


def test_the_latest_run_with_a_loss_is_worse() -> None:
    """It comes first; of an earlier one, the page says how many runs were well since."""
    lossy = [an_entry(0), an_entry(1), an_entry(2, lost=4)]
    assert sentences(lossy) == ["WORSE: lost 0 → 4 in the latest run, run-0002 (2026-11-01)"]
    assert sentences([*lossy, an_entry(3), an_entry(4)]) == [
        "1 run was worse, run-0002 (2026-11-01): lost 0 → 4; no later run was worse (2 so far)"
    ]
    assert '<li class="red">WORSE: lost 0 → 4' in rendered(lossy)


def test_without_a_baseline_no_run_is_called_good() -> None:
    """A single run that lost events has nothing to be compared with."""
    assert "no run has more defects than its baseline" in rendered([an_entry(0), an_entry(1)])
    for runs in ([an_entry(0, lost=4)], [an_entry(0, lost=4), an_entry(1, lost=4)]):
        content = rendered(runs)
        assert "No baseline yet: no run has an earlier passing run" in content
        assert "no run has more defects" not in content


def test_each_run_is_a_row_with_its_verdict_and_its_report() -> None:
    """The label, what broke, the figures, and the link below the given place."""
    row = re.findall(r"<tr id=.*?</tr>", rendered([an_entry(0), an_entry(1, lost=4)]), re.DOTALL)[0]
    assert '<span class="label red">✗ FAIL</span><small>4 lost, 0 allowed</small>' in row
    assert 'href="runs/run-0001/report.html"' in row
    for text in ("50.0/s", "20.0 ms", "100.0 ms", "WORSE: lost 0 → 4"):
        assert text in row


def test_only_the_script_of_the_page_runs() -> None:
    """Its hash is in the policy, and a text of a run is text wherever it stands."""
    hostile = an_entry(
        1, scenario=HOSTILE, target=HOSTILE, load=HOSTILE, broken=(HOSTILE,), label=Label.FAIL
    )
    content = rendered([an_entry(0), hostile], unreadable={"bad-run": HOSTILE})
    scripts = re.findall(r"<script>(.*?)</script>", content, re.DOTALL)
    assert len(scripts) == 1
    assert f"script-src {hashes_of(scripts)};" in content
    assert "<b>" not in content
    assert content.count("</script>") == 2
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\';' in content


def test_a_history_without_runs() -> None:
    """The page says what to do, and what could not be read."""
    content = rendered([], unreadable={"bad-run": "is damaged"}, not_judged=("new-run",))
    assert "No runs. Start a test" in content
    assert "1 not judged yet. 1 could not be read: bad-run." in content


@pytest.mark.parametrize("figures", [{}, {"rps": 0.0}, {"rps": 3.0}])
def test_a_run_without_figures_has_a_row(figures: dict[str, float]) -> None:
    """A run that sent nothing has no durations, and a chart of what is there."""
    content = rendered([an_entry(0, figures=figures, counts={}, label=Label.INCONCLUSIVE)])
    assert "not compared: inconclusive" in content


def test_the_document_has_all_figures() -> None:
    """Changes with their confidence, and each run with its baseline and what changed."""
    (series,) = documented([*STEP, an_entry(32, lost=2)])["series"]
    change = next(
        level_change for level_change in series["changes"] if level_change["metric"] == "http.p99"
    )
    assert (change["run_id"], change["confidence"]) == ("run-0020", pytest.approx(0.999))
    run = series["runs"][0]
    assert (run["run_id"], run["label"], len(run["baseline"])) == ("run-0032", "FAIL", 10)
    assert run["changes"]["lost"] == {
        "label": "worse",
        "difference": 2.0,
        "ratio": None,
        "interval": None,
    }
    assert run["changes"]["http.p99"]["label"] == "faster"
