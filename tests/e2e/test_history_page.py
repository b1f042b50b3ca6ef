"""The history page in a real browser: filter, sort, point at a run, and go to its row."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from headcount_analysis.history import page
from headcount_analysis.history.history import RunFilter, history_of, selected
from headcount_analysis.history.index import PastRuns
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.analysis.history.entries import an_entry, noisy
from tests.e2e.browser import Browser, chromium

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHOWN = """
const rows = [...document.querySelectorAll("#table tbody tr")];
return rows.filter((row) => !row.hidden).map((row) => row.id);
"""
IN_VIEW = """
const box = document.querySelector("tr.chosen").getBoundingClientRect();
return box.top >= 0 && box.bottom <= innerHeight;
"""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that shows the page of 60 runs of one scenario, and 2 of another."""
    runs = [an_entry(number, noisy(number)) for number in range(60)]
    runs[41] = an_entry(41, 300, lost=4)
    runs += [an_entry(60 + number, scenario="orders.py", figures={}) for number in range(2)]
    overview = history_of(PastRuns(tuple(runs)), 10)
    file = tmp_path / "history.html"
    file.write_text(page.render(overview, selected(overview, RunFilter()), "runs"), "utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        yield browser


def test_the_page_answers_what_happened_when(browser: Browser) -> None:
    """Each step by the mouse or the keyboard, as a reader would."""

    def rows() -> list[str]:
        return [str(text) for text in browser.driver.execute_script(SHOWN)]

    assert (len(rows()), browser.see("#count")) == (62, "62 of 62 runs")

    browser.click("thead button", "http p99")
    assert rows()[0] == "run-run-0041"
    assert rows()[-1] == "run-run-0060"
    browser.click("thead button", "http p99")
    assert rows()[0] != "run-run-0041"
    assert rows()[-1] == "run-run-0060"

    browser.driver.find_element(By.ID, "verdict").send_keys("FAIL")
    assert rows() == ["run-run-0041"]
    browser.click("button[type=reset]")
    browser.see("#count", "62 of 62")
    browser.driver.find_element(By.ID, "scenario").send_keys("orders")
    assert (len(rows()), browser.see(".card h3")[:9]) == (2, "orders.py")
    browser.click("button[type=reset]")
    browser.see("#count", "62 of 62")
    browser.driver.find_element(By.ID, "search").send_keys("lost mixed")
    assert rows() == ["run-run-0041"]
    browser.driver.find_element(By.ID, "search").clear()
    browser.driver.find_element(By.ID, "search").send_keys("run-0007")

    card = browser.driver.find_element(By.CSS_SELECTOR, ".card[data-scenario='mixed.py']")
    plots = card.find_elements(By.CSS_SELECTOR, ".plot")
    offset = (41.5 / 60 - 0.5) * plots[2].size["width"]
    ActionChains(browser.driver).move_to_element_with_offset(plots[2], offset, 0).perform()
    tip = browser.see("#tip", "run-0041")
    assert "http p99 300.0 ms" in tip
    assert "defects 4 lost" in tip
    assert len(card.find_elements(By.CSS_SELECTOR, ".cross[d]")) == len(plots)

    ActionChains(browser.driver).click().perform()
    assert "run-0041" in browser.see("tr.chosen")
    assert browser.driver.execute_script(IN_VIEW)

    plots[0].send_keys(Keys.HOME)
    browser.see("#tip", "run-0000")
    plots[0].send_keys(Keys.ARROW_RIGHT)
    browser.see("#tip", "run-0001")
    assert browser.accessibility_faults() == []
    assert browser.console_errors() == []
