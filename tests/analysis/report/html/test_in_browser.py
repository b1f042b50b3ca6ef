"""The page in a browser."""

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

IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_the_page_fits_on_a_phone(tmp_path: Path) -> None:
    """Nothing is wider than the page."""
    page = tmp_path / "report.html"
    some = some_exceptions(lost=30, ghost=2)
    page.write_text(render(a_report(scenario=HOSTILE), some), encoding="utf-8")
    with chromium() as browser:
        browser.show_as(390)
        browser.open(page.as_uri())
        assert browser.evaluate(IS_WIDER) is False
