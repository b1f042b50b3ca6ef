"""The page of a comparison in a browser: nothing is wider than a phone."""

import shutil
from pathlib import Path

import pytest
from headcount_analysis.compare_runs.page import render

from bench.report.chromium import chromium
from tests.analysis.compare_runs.test_writers import compared

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CUT = """
[...document.querySelectorAll("table :is(th, td)")].filter((cell) => cell.checkVisibility()
  && cell.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length
"""


def test_the_page_fits_on_a_phone(tmp_path: Path) -> None:
    """Also the last label of a chart of changes, which is at its edge here."""
    page = tmp_path / "compare.html"
    page.write_text(render(compared(tmp_path, [100.0], [500.0])), encoding="utf-8")
    with chromium() as browser:
        browser.show_as(390)
        browser.open(page.as_uri())
        assert browser.evaluate(IS_WIDER) is False
        assert browser.evaluate(CUT) == 0
