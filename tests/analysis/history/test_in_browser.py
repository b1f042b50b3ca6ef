"""The history page in a browser: nothing is wider than a phone or a sheet of paper."""

import shutil
from pathlib import Path

import pytest
from headcount_analysis.history import page
from headcount_analysis.history.history import RunFilter, history_of, selected
from headcount_analysis.history.index import PastRuns

from bench.report.chromium import chromium
from tests.analysis.history.entries import an_entry, noisy

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

PHONE_PX, A4_PX = 390, 718
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
TARGET = "https://orders.staging.example.test/shops/7 → orders-of-the-shop"
CUT = """
[...document.querySelectorAll("table :is(th, td)")].filter((cell) => cell.checkVisibility()
  && cell.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length
"""


def test_the_page_fits_on_a_phone_and_on_paper(tmp_path: Path) -> None:
    """On paper the table is whole, because nobody can scroll there."""
    runs = [an_entry(number, noisy(number), lost=number % 2, target=TARGET) for number in range(9)]
    overview = history_of(PastRuns(tuple(runs)), 10)
    file = tmp_path / "history.html"
    file.write_text(page.render(overview, selected(overview, RunFilter()), "runs"), "utf-8")
    with chromium() as browser:
        for width, medium in ((PHONE_PX, "screen"), (A4_PX, "print")):
            browser.show_as(width, media=medium)
            browser.open(file.as_uri())
            assert browser.evaluate(IS_WIDER) is False, medium
            assert browser.evaluate(CUT) == 0, medium
