"""The page in a browser: its policy lets its script run, and the exceptions can be searched."""

import shutil
from pathlib import Path

import pytest
from headcount_analysis.report.html.page import render

from bench.report.chromium import chromium
from tests.analysis.report.literal import HOSTILE, a_report, some_exceptions

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

SHOWN = "[...document.querySelectorAll('#exception-table tbody tr')].filter(r => !r.hidden).length"
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LOOK = """
(() => {{ const box = document.getElementById("{box}"); box.value = {value!r};
  box.dispatchEvent(new Event("input")); box.dispatchEvent(new Event("change"));
  return document.getElementById("exception-count").textContent; }})()
"""


def test_exceptions_are_searched_and_the_page_fits(tmp_path: Path) -> None:
    """By words in any column and by class; on a phone nothing is wider than the page."""
    page = tmp_path / "report.html"
    some = some_exceptions(lost=30, ghost=2)
    page.write_text(render(a_report(scenario=HOSTILE), some), encoding="utf-8")
    with chromium() as browser:
        browser.show_as(390)
        browser.open(page.as_uri())
        assert browser.evaluate(IS_WIDER) is False
        assert browser.evaluate(SHOWN) == 32
        assert browser.evaluate("document.getElementById('exception-tools').hidden") is False
        status = browser.evaluate(LOOK.format(box="exception-kind", value="ghost"))
        assert (status, browser.evaluate(SHOWN)) == ("2 of 32 rows", 2)
        browser.evaluate(LOOK.format(box="exception-text", value="RUN-1  ghost-1"))
        assert browser.evaluate(SHOWN) == 1
        browser.evaluate(LOOK.format(box="exception-text", value="lost"))
        assert browser.evaluate(SHOWN) == 0
