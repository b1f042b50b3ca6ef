"""The pages of past runs: labels, protected comparisons, and symbolic links out of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.compare_runs.sample import written

HERE = "http://localhost"
SAME_ORIGIN = {"Origin": HERE}
FETCHED = {"Sec-Fetch-Site": "same-origin"}
BROKEN = [{"text": "http.p99 < 1ms", "holds": False, "shown": "4.0ms"}]
SECRET = "what stands elsewhere"  # noqa: S105 - not a real secret


FILES = ("report.html", "verdict.json", "summary.md", "junit.xml", "summary.csv")
OF_ANOTHER_SITE: tuple[dict[str, str], ...] = (
    {"Origin": "http://elsewhere.test"},
    {"Origin": "null"},
    {},
    {**SAME_ORIGIN, "Sec-Fetch-Site": "cross-site"},
    {**SAME_ORIGIN, "Sec-Fetch-Site": "same-site"},
)
Answers = dict[str, dict[str, Any]]


def a_page(path: str) -> dict[str, Any]:
    """A request for a page."""
    return {"method": "GET", "path": f"/headcount/{path}"}


def a_comparison(*runs: str, method: str = "POST", **more: Any) -> dict[str, Any]:
    """A request for a comparison."""
    data = {"run": list(runs), **more.pop("data", {})}
    asking = {"method": method, "path": "/headcount/comparison", "data": data}
    return {**asking, "headers": SAME_ORIGIN, **more}


def a_form(**values: str) -> dict[str, Any]:
    """A request to check a filled-in form."""
    path = "/headcount/start-form"
    return {"method": "POST", "path": path, "data": values, "headers": SAME_ORIGIN}


def a_start(**values: str) -> dict[str, Any]:
    """A request to start a test."""
    data = {"user_count": "1", "spawn_rate": "1", **values}
    return {"method": "POST", "path": "/swarm", "data": data}


MISTAKES: dict[str, tuple[dict[str, str], str]] = {
    "rate": ({"rate": "500"}, "Rate"),
    "most": ({"max_in_flight": "7"}, "Max in flight"),
    "most of a rate": ({"rate": "5/s", "max_in_flight": "no"}, "Max in flight"),
    "mix": ({"mix": "nosuch=1"}, "Mix"),
    "seed": ({"seed": "x"}, "Seed"),
    "thresholds": ({"thresholds": "lots"}, "Thresholds"),
    "outcome": ({"outcome": "perhaps"}, "Outcome rules"),
    "settle": ({"settle": "soon"}, "Settle"),
    "watch": ({"watch_for": "long"}, "Watch for"),
    "no time": ({"settle": ""}, "Settle"),
    "id": ({"id_at": "somewhere"}, "ID at"),
    "header": ({"id_header": "a b"}, "ID header"),
}
"""Forms with one mistake each, and the label of the field that has it."""

PAIR = a_comparison("first", "second")
WAVES: list[dict[str, Any]] = [
    {
        "runs": a_page("runs"),
        "side by side": a_page("side-by-side?run=first&run=second"),
        "by GET": a_comparison("first", "second", method="GET"),
        "of one": a_comparison("first"),
        "of three": a_comparison("first", "second", "first"),
        "of none": a_comparison(),
        **{f"site {at}": {**PAIR, "headers": sent} for at, sent in enumerate(OF_ANOTHER_SITE)},
        **{f"link {name}": a_page(f"runs/links/{name}") for name in FILES},
        "linked folder": a_page("runs/linked/report.html"),
        "linked manifest": a_page("runs/third/verdict.json"),
        "a file": a_page("runs/second/verdict.json"),
        "linked beside": a_page("side-by-side?run=linked&run=second"),
        "one beside": a_page("side-by-side?run=second"),
        "no such run": a_page("runs/nosuch/report.html"),
        "no such page": a_page("nosuch"),
        "history of a report": a_page("runs/history.html"),
        "fields": a_page("start-form.html"),
        "metrics": {"method": "GET", "path": "/metrics", "headers": {"Origin": "http://x.test"}},
        **{f"form {name}": a_form(**values) for name, (values, _) in MISTAKES.items()},
        **{f"start {name}": a_start(**values) for name, (values, _) in MISTAKES.items()},
    },
    {"one": PAIR, "at once": PAIR},
    {"too long": PAIR, "timeout_s": 0.01},
    {"refused": a_comparison("first", "other")},
    {"anyway": a_comparison("first", "other", data={"anyway": "1"}, headers=FETCHED)},
    {"of links": a_comparison("links", "second")},
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """The responses to all requests, from a separate process."""
    place = tmp_path_factory.mktemp("pages")
    reports = place / "reports"
    written(reports, "first")
    written(reports, "second", 200, thresholds=BROKEN)
    written(reports, "other", scenario="rush.py")
    with_links(place, reports)
    command = [sys.executable, "-m", "tests.headcount.plugin.asking_pages", str(reports)]
    done = subprocess.run(
        command, input=json.dumps(WAVES), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def with_links(place: Path, reports: Path) -> None:
    """Create runs with links: of their files, of the manifest, and of the folder itself."""
    elsewhere, outside = place / "elsewhere", written(place / "outside", "linked", scenario=SECRET)
    elsewhere.write_text(json.dumps({"run_id": "links", "verdict": "pass", "scenario": SECRET}))
    (outside.path / "report.html").write_text(SECRET)
    (reports / "linked").symlink_to(outside.path, target_is_directory=True)
    within = written(reports, "links").path
    (within / "verdict.json").unlink()
    (within / "verdict.json").symlink_to(elsewhere)
    (within / "report.html").symlink_to(elsewhere)
    (within / "summary.md").symlink_to(place / "nowhere")
    os.mkfifo(within / "junit.xml")
    (within / "summary.csv").symlink_to(outside.path, target_is_directory=True)
    manifest = written(reports, "third").manifest_path
    manifest.rename(place / "run.json")
    manifest.symlink_to(place / "run.json")


def test_a_broken_threshold_is_not_a_pass(answers: Answers) -> None:
    """Neither in the list nor side by side, even in a verdict without checks."""
    runs, pair = answers["runs"]["text"], answers["side by side"]["text"]
    assert '<td class="text label red"><strong>✗ THRESHOLD BROKEN</strong>' in runs
    assert '<td class="text" data-name="thresholds">1 of 1 broken</td>' in runs
    assert '<td class="text label green"><strong>✓ PASS</strong>' in runs
    assert '<span class="red">✗ THRESHOLD BROKEN</span>' in pair
    assert '<span class="green">✓ PASS</span>' in pair


def test_only_this_site_may_compare_runs(answers: Answers) -> None:
    """A comparison needs POST, a page of this site, and exactly two runs."""
    of_sites = [answers[f"site {at}"]["status"] for at in range(len(OF_ANOTHER_SITE))]
    assert of_sites == [403] * len(OF_ANOTHER_SITE)
    assert [answers[name]["status"] for name in ("of one", "of three", "of none")] == [400] * 3
    assert answers["by GET"]["status"] == 405
    assert answers["anyway"]["status"] == 200


def test_comparisons_run_one_at_a_time(answers: Answers) -> None:
    """The result is a page sandboxed from this site."""
    at_once = sorted((answers["one"], answers["at once"]), key=lambda answer: int(answer["status"]))
    assert [answer["status"] for answer in at_once] == [200, 429]
    assert "A comparison of runs" in at_once[0]["text"]
    assert at_once[0]["policy"].startswith("sandbox")
    assert "another comparison is running" in at_once[1]["text"]


def test_a_comparison_that_takes_too_long_is_ended(answers: Answers) -> None:
    """The page says so and names the command without a limit; the next one can start."""
    assert answers["too long"]["status"] == 504
    assert "it took longer than 0.01 s: run headcount compare " in answers["too long"]["text"]
    assert answers["anyway"]["status"] == 200


def test_incomparable_runs_may_be_compared_anyway(answers: Answers) -> None:
    """With a button that also sends a POST."""
    assert answers["refused"]["status"] == 409
    assert '<input type="hidden" name="run" value="other">' in answers["refused"]["text"]
    assert "compared anyway" in answers["anyway"]["text"]


def test_links_in_a_run_are_not_followed(answers: Answers) -> None:
    """Neither of a file, nor of the manifest or folder; a pipe is refused without blocking."""
    refused = (*(f"link {name}" for name in FILES), "linked folder", "linked manifest")
    assert [answers[name]["status"] for name in (*refused, "linked beside")] == [404] * 8
    assert answers["a file"]["status"] == 200
    assert answers["of links"]["status"] == 409
    assert "is a symbolic link" in answers["of links"]["text"]
    assert not any(SECRET in answer["text"] for answer in answers.values())
    runs = answers["runs"]["text"]
    assert not any(f'value="{name}"' in runs for name in ("linked", "links", "third"))


def test_an_error_is_a_page(answers: Answers) -> None:
    """It says what is wrong in a sentence, and leads back."""
    expected = {
        "no such run": "There is no run &#39;nosuch&#39; in ",
        "one beside": "Select exactly two runs: 1 selected",
        "of none": "Select exactly two runs: none was selected",
        "site 0": "This request did not come from a page of this site",
        "link report.html": "The run links has no report.html yet",
    }
    for name, text in expected.items():
        assert text in answers[name]["text"]
        assert '<a class="button first" href="/headcount/runs">' in answers[name]["text"]
        assert "/static/page.css" in answers[name]["text"]


def test_a_reports_link_to_the_history_leads_to_the_page_of_the_ui(answers: Answers) -> None:
    """In a folder of runs, the page is a file at that place."""
    assert answers["history of a report"]["status"] == 302
    assert '<a href="../history">' in answers["history of a report"]["text"]


def test_metrics_before_the_first_test(answers: Answers) -> None:
    """Prometheus gets an empty page, not an error; other sites cannot read it."""
    assert (answers["metrics"]["status"], answers["metrics"]["text"]) == (200, "")
    assert answers["metrics"]["policy"] == answers["runs"]["policy"] != ""
    assert answers["metrics"]["shared"] == answers["runs"]["shared"] == ""


def test_the_start_form_has_a_group_of_its_own(answers: Answers) -> None:
    """It has labels and says what an empty field stands for, unlike Locust's own form."""
    page = answers["fields"]["text"]
    for label, name in (("Rate", "rate"), ("Thresholds", "thresholds"), ("ID at", "id_at")):
        assert f'<label for="headcount-{name}">{label}</label>' in page
    assert 'value="10s"' in page
    assert 'placeholder="as many as users"' in page
    assert 'placeholder="10s"' not in page  # it must not be empty
    assert "<option selected>plain</option>" in page
    assert "--rate" not in page


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_at_its_field(answers: Answers, name: str) -> None:
    """Before the start and when it is refused, under the field's name and its label."""
    values, label = MISTAKES[name]
    checked = json.loads(answers[f"form {name}"]["text"])
    refused = json.loads(answers[f"start {name}"]["text"])
    field = label.lower().replace(" ", "_").replace("outcome_rules", "outcome")
    assert list(checked) == [field]
    assert field in values
    assert refused["success"] is False
    assert refused["message"] == f"{label}: {checked[field]}"
