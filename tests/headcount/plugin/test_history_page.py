"""The history in the web UI: made by POST from its own pages, and shown in a sandbox."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.analysis.compare_runs.sample import written

UPDATE = {"method": "POST", "path": "/headcount/history/update"}
SAME_ORIGIN = {"headers": {"Sec-Fetch-Site": "same-origin"}}
PAGE = {"method": "GET", "path": "/headcount/history.html"}
WAVES: list[dict[str, Any]] = [
    {
        "before": PAGE,
        "frame": {"method": "GET", "path": "/headcount/history"},
        "list": {"method": "GET", "path": "/headcount/runs"},
        "by GET": {**UPDATE, "method": "GET"},
        "of another site": {**UPDATE, "headers": {"Sec-Fetch-Site": "cross-site"}},
    },
    {"first": {**UPDATE, **SAME_ORIGIN}, "at once": {**UPDATE, **SAME_ORIGIN}},
    {"after": PAGE},
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The responses to all requests, from a separate process."""
    reports = tmp_path_factory.mktemp("history") / "reports"
    written(reports, "first")
    command = [sys.executable, "-m", "tests.headcount.plugin.asking_pages", str(reports)]
    done = subprocess.run(
        command, input=json.dumps(WAVES), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_only_a_page_of_this_site_makes_the_history(answers: dict[str, dict[str, Any]]) -> None:
    """It starts a process, so a link from elsewhere must not; without it there is no page."""
    assert answers["by GET"]["status"] == 405
    assert answers["of another site"]["status"] == 403
    assert answers["before"]["status"] == 404


def test_the_history_is_made_once_at_a_time(answers: dict[str, dict[str, Any]]) -> None:
    """A second request is told to try again."""
    statuses = sorted(answers[name]["status"] for name in ("first", "at once"))
    assert statuses == [200, 429]


def test_the_page_is_sandboxed_and_links_to_the_reports(answers: dict[str, dict[str, Any]]) -> None:
    """Its links lead to the routes of past runs."""
    page = answers["after"]
    assert (page["status"], page["policy"].split()[0]) == (200, "sandbox")
    assert 'href="./runs/first/report.html"' in page["text"]


def test_past_runs_lead_to_the_history(answers: dict[str, dict[str, Any]]) -> None:
    """And the frame back to them."""
    assert 'href="./history"' in answers["list"]["text"]
    assert 'href="./runs"' in answers["frame"]["text"]
