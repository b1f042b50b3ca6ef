"""The page of a comparison in a real browser."""

from pathlib import Path

import pytest
from headcount_analysis.compare_runs import page

from tests.analysis.compare_runs.test_writers import hostile
from tests.e2e.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_axe_finds_no_fault(tmp_path: Path) -> None:
    """Neither in what is shown at first, nor in what is unfolded."""
    file = tmp_path / "comparison.html"
    file.write_text(page.render(hostile(tmp_path / "runs")), "utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(file.as_uri())
        assert browser.accessibility_faults() == []
        browser.driver.execute_script(
            "for (const each of document.querySelectorAll('details')) each.open = true"
        )
        assert browser.accessibility_faults() == []
        assert browser.console_errors() == []
