"""The first screen and the table by event type in a browser: order, clock, keyboard, axe, print."""

import functools
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from headcount_analysis.measure.http_phases import phase_buckets
from headcount_analysis.report.earlier_run import EarlierRun
from headcount_analysis.report.html.page import render

from bench.report.chromium import Chromium, chromium
from headcount.ledger.http_phases import HttpPhases, Phase, PhaseDurations, durations_of
from headcount.stack.browser import find_browser, print_page
from tests.analysis.report.html.test_earlier import a_document
from tests.analysis.report.html.test_type_rows import a_table_report
from tests.analysis.report.literal import a_report, some_exceptions

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

TYPES = "JSON.stringify([...document.querySelectorAll('#type-table tbody th')].map(h => "
TYPES += "h.firstChild.textContent.trim()))"
HEAD = "[...document.querySelectorAll('#type-table thead th')].find(h => h.textContent === '{}')"
CLICK = f"{HEAD}.querySelector('button').click()"
SORT = f"{HEAD}.ariaSort"
AXE = "axe.run().then(done => JSON.stringify(done.violations.map(each => each.id)))"
IS_WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CUT = """
JSON.stringify([...document.querySelectorAll("table :is(th, td)")].filter((cell) => {
  const box = cell.getBoundingClientRect();
  return cell.checkVisibility() && box.right > document.documentElement.clientWidth + 1;
}).map((cell) => cell.closest("table").caption?.textContent + ": " + cell.textContent))
"""
LOST = "#type-table tbody [data-name=lost].counted"
TOPS = f"""
(() => {{ const lost = document.querySelector("{LOST}");
  const p99 = lost.parentElement.querySelector("[data-name=p99]");
  const top = (cell) => cell.getBoundingClientRect().top;
  return JSON.stringify({{lost: top(lost), p99: top(p99)}}); }})()
"""
TARGET_SIZES = """JSON.stringify([
  ...document.querySelectorAll("#type-table :is(button, .counted a)"),
].map((target) => target.getBoundingClientRect()).map((box) => [box.width, box.height]))"""
LOST_NAME = f"getComputedStyle(document.querySelector('{LOST}'), '::before').content"
IN_VIEW = """
(() => {{ const box = document.querySelector({}).getBoundingClientRect();
  return box.height > 0 && box.top >= 0 && box.top < innerHeight; }})()
"""
IS_LINK_SHOWN = "document.querySelector('#history-link a').checkVisibility()"
ROWS_SHOWN = """
[...document.querySelectorAll("details tbody tr")].filter((row) => row.checkVisibility()).length
"""
NAV_TOP = "document.querySelector('nav').getBoundingClientRect().top"
HEADING_TOP = "document.getElementById('latency').getBoundingClientRect().top"
NAV_BOTTOM = "document.querySelector('nav').getBoundingClientRect().bottom"


def opened(connections: int, duration_s: float) -> dict[Phase, PhaseDurations]:
    """Create phases of an event type whose requests opened some connections."""
    return {phase: durations_of([duration_s] * connections) for phase in Phase}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything that the first screen can have."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    earlier = (EarlierRun(a_document(lost=1), "../run-0/report.html"),)
    report = a_table_report(sword=10.0, guild=40.0)
    phases = HttpPhases({"sword": opened(2, 0.001), "guild": opened(5, 0.0005)})
    buckets = (*report.buckets, *phase_buckets([phases], ("sword", "guild")))
    report = replace(report, earlier=earlier, buckets=buckets)
    path.write_text(render(report, some_exceptions(lost=2, ghost=1)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """A browser for all tests of this file."""
    with chromium() as browser:
        yield browser


def test_rows_are_sorted_by_any_column(browser: Chromium, page: Path) -> None:
    """The greatest number first, then the least; names from a to z; the total stays last."""
    browser.show_as(1200)
    browser.open(page.as_uri())
    assert json.loads(browser.evaluate(TYPES)) == ["sword", "guild", "total"]
    browser.evaluate(CLICK.format("p99"))
    assert json.loads(browser.evaluate(TYPES)) == ["guild", "sword", "total"]
    assert browser.evaluate(SORT.format("p99")) == "descending"
    browser.evaluate(CLICK.format("p99"))
    assert json.loads(browser.evaluate(TYPES)) == ["sword", "guild", "total"]
    browser.evaluate(CLICK.format("event type"))
    assert json.loads(browser.evaluate(TYPES)) == ["guild", "sword", "total"]
    assert browser.evaluate(SORT.format("p99")) is None


def test_the_table_of_phases_is_sorted_alone(browser: Chromium, page: Path) -> None:
    """Both tables by event type keep an order of their own."""
    browser.show_as(1200)
    browser.open(page.as_uri())
    browser.evaluate(CLICK.format("connections opened").replace("type-table", "phase-table"))
    phases = json.loads(browser.evaluate(TYPES.replace("type-table", "phase-table")))
    assert phases == ["guild", "sword", "total"]
    assert json.loads(browser.evaluate(TYPES)) == ["sword", "guild", "total"]


def test_the_viewers_clock_is_beside_utc(browser: Chromium, page: Path) -> None:
    """Where it differs."""
    facts = "document.querySelector('.facts-line').textContent"
    for zone, shown in (("Asia/Tokyo", "2026-11-23 22:15:30 UTC (07:15:30 GMT+9)"), ("UTC", "")):
        browser.call("Emulation.setTimezoneOverride", timezoneId=zone)
        browser.open(page.as_uri())
        text = browser.evaluate(facts)
        assert shown in text
        assert ("GMT" in text) == bool(shown)


def test_the_navigation_stays_and_covers_no_heading(browser: Chromium, page: Path) -> None:
    """A link leads to a heading below it."""
    browser.show_as(1200)
    browser.open(page.as_uri())
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    browser.evaluate("document.querySelector('nav a[href=\"#latency\"]').click()")
    assert browser.evaluate(NAV_TOP) == 0
    assert browser.evaluate(HEADING_TOP) >= browser.evaluate(NAV_BOTTOM)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("", ".verdict li a"),
        ("", ".earlier"),
        ("nav [href='#history']", "#trend-table tbody tr"),
        ("", ".figures [href='#event-types']"),
        (".verdict li a", "#exception-table tbody"),
        (".verdict .kept a", "#check-table tbody tr"),
        (".figures a[href='#event-types']", "#type-table tr.slowest"),
        (".figures a[href='#latency']", "#latency"),
    ],
)
def test_a_question_is_answered_on_the_first_screen_or_by_one_click(
    browser: Chromium, page: Path, link: str, shown: str
) -> None:
    """What was lost, what to do, which endpoint is slow, and whether it was worse before."""
    browser.show_as(1280)
    browser.open("about:blank")
    browser.open(page.as_uri())
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    if link:
        assert browser.evaluate(IN_VIEW.format(json.dumps(link))) is True
        browser.evaluate(f"document.querySelector({json.dumps(link)}).click()")
    assert browser.evaluate(IN_VIEW.format(json.dumps(shown))) is True


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light")])
def test_axe_finds_no_fault(browser: Chromium, page: Path, width: int, scheme: str) -> None:
    """On a wide page, a dark one, and a phone, where nothing is wider than the page."""
    browser.show_as(width, scheme=scheme)
    browser.open(page.as_uri())
    browser.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    done = browser.call("Runtime.evaluate", expression=AXE, awaitPromise=True)
    assert json.loads(done["result"]["value"]) == []
    assert browser.evaluate(IS_WIDER) is False


@pytest.mark.parametrize("width", [390, 768, 1265])
def test_no_table_needs_scrolling_sideways(browser: Chromium, page: Path, width: int) -> None:
    """What was lost, and of which type, is seen on a phone, too."""
    browser.show_as(width)
    browser.open(page.as_uri())
    assert json.loads(browser.evaluate(CUT)) == []


def test_a_phone_shows_the_losses_of_a_type_before_its_speed(browser: Chromium, page: Path) -> None:
    """With the name of the column at each figure."""
    browser.show_as(390)
    browser.open(page.as_uri())
    tops = json.loads(browser.evaluate(TOPS))
    assert tops["lost"] < tops["p99"]
    assert "lost" in browser.evaluate(LOST_NAME)


def test_fingers_hit_a_column_or_a_count(browser: Chromium, page: Path) -> None:
    """On a phone, what is in tables by event type has 24 pixels at least (WCAG 2.2, 2.5.8)."""
    browser.show_as(390)
    browser.open(page.as_uri())
    sizes = json.loads(browser.evaluate(TARGET_SIZES))
    assert sizes
    assert min(min(size) for size in sizes) >= 24


def test_the_ui_has_a_history_of_all_runs(browser: Chromium, page: Path, tmp_path: Path) -> None:
    """A file shows the link only if there is such a page beside the runs."""
    at_ui = tmp_path / "headcount" / "runs" / "run-1" / "report.html"
    at_ui.parent.mkdir(parents=True)
    shutil.copy(page, at_ui)
    with served(tmp_path) as address:
        browser.open(f"{address}/headcount/runs/run-1/report.html")
        assert browser.evaluate(IS_LINK_SHOWN) is True
    for url in (page.as_uri(), at_ui.as_uri()):
        browser.open(url)
        assert browser.evaluate(IS_LINK_SHOWN) is False


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder by HTTP."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_paper_has_what_is_folded(browser: Chromium, tmp_path: Path) -> None:
    """A reader of paper cannot unfold it."""
    page = tmp_path / "report.html"
    page.write_text(render(a_report(), some_exceptions()), encoding="utf-8")
    browser.show_as(1200)
    browser.open(page.as_uri())
    assert browser.evaluate(ROWS_SHOWN) == 0
    browser.show_as(1200, media="print")
    assert browser.evaluate(ROWS_SHOWN) > 0


def test_the_installed_browser_prints_the_page(page: Path, tmp_path: Path) -> None:
    """As PDF, on at least one page."""
    target = tmp_path / "report.pdf"
    print_page(page, target, find_browser())
    content = target.read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/Type /Page" in content or b"/Type/Page" in content
