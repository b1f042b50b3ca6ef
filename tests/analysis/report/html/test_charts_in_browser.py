"""The charts in a browser: hover, crosshair, zoom and legend, with a real mouse and keyboard."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from headcount_analysis.measure.over_time import LoadSlice, OverTime
from headcount_analysis.report.html.page import render

from bench.report.chromium import Chromium, chromium
from tests.analysis.report.literal import START_NS, a_report, some_exceptions

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

LOAD, USERS, LOSSES, CURVE, LATENCY = range(5)
"""The charts of the page, in their order."""
OVER_TIME = (LOAD, USERS, LOSSES, LATENCY)
SHOWN = (
    "[...document.querySelectorAll('.chart')].map(c => [...c.querySelectorAll('svg[data-plot]')]"
)
SHOWN += ".find(s => s.getBoundingClientRect().width > 0))"
PLOT = """
(() => {{
  const svg = {shown}[{chart}];
  svg.scrollIntoView({{block: "center", behavior: "instant"}});
  const [left, top, width, height] = svg.dataset.plot.split(" ").map(Number);
  const box = svg.getBoundingClientRect(); const scale = box.width / svg.viewBox.baseVal.width;
  return JSON.stringify([box.left + left * scale, box.top + top * scale, width * scale,
    height * scale]);
}})()
"""
CROSSHAIRS = f"JSON.stringify({SHOWN}.map(s => s.querySelector('.crosshair').getAttribute('d')))"
LINES = f"JSON.stringify({SHOWN}.map(s => s.querySelector('.line, .bar').getAttribute('d')))"
TICKS = (
    f"JSON.stringify({SHOWN}.map(s => [...s.querySelectorAll('.x text')].map(t => t.textContent)))"
)
VALUES = "(() => {{ const b = document.querySelectorAll('.chart > .values')[{chart}];"
VALUES += " return b.hidden ? '' : b.innerText; }})()"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run from 22:13:20 to 22:13:50 UTC; an event sent at 22:13:22 is lost."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(a_report(), some_exceptions(lost=1)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def started() -> Iterator[Chromium]:
    """A browser for all tests of this file."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(started: Chromium, page: Path) -> Chromium:
    """The browser with the page opened anew on a wide screen."""
    started.show_as(1200)
    started.open(page.as_uri())
    return started


def seen(browser: Chromium, script: str) -> Any:
    """Evaluate an expression that returns JSON."""
    return json.loads(browser.evaluate(script))


def mouse(browser: Chromium, kind: str, x: float, y: float, clicks: int = 1) -> None:
    """Do something with the mouse; its left button is down between a press and a release."""
    browser.call(
        "Input.dispatchMouseEvent",
        type=kind,
        x=x,
        y=y,
        clickCount=clicks,
        button="none" if kind == "mouseMoved" else "left",
    )


def place(browser: Chromium, chart: int, share: float) -> tuple[float, float]:
    """Return a place within the plot of a chart, scrolled into view."""
    left, top, width, height = seen(browser, PLOT.format(shown=SHOWN, chart=chart))
    return left + share * width, top + height / 2


def hover(browser: Chromium, chart: int, share: float) -> str:
    """Move the mouse to a place in a chart, and return the values that appear."""
    mouse(browser, "mouseMoved", *place(browser, chart, share))
    return str(browser.evaluate(VALUES.format(chart=chart)))


def drag(browser: Chromium, chart: int, start: float, end: float) -> None:
    """Drag over a part of a chart."""
    (left, y), (right, _) = (place(browser, chart, share) for share in (start, end))
    mouse(browser, "mouseMoved", left, y)
    mouse(browser, "mousePressed", left, y)
    for share in (0.3, 0.7, 1.0):
        mouse(browser, "mouseMoved", left + share * (right - left), y)
    mouse(browser, "mouseReleased", right, y)


def test_hovering_shows_the_values_of_a_second(browser: Chromium) -> None:
    """With the clock in UTC and the time from the start."""
    loss = hover(browser, LOSSES, 2.5 / 30).splitlines()
    assert loss == ["22:13:22 UTC, +2 s", "lost", "1", "Click to list them"]
    assert hover(browser, LOSSES, 3.5 / 30).splitlines() == ["22:13:23 UTC, +3 s", "nothing"]
    load = hover(browser, LOAD, 10.6 / 30).split()
    assert load[:4] == ["22:13:30", "UTC,", "+10", "s"]
    assert load[4:] == ["target", "10", "started", "10", "answered", "9", "arrived", "9"]
    assert "p99\n7 ms" in hover(browser, LATENCY, 0.2)
    assert hover(browser, CURVE, 0.2).startswith("p")


def test_the_viewers_own_time_is_beside_utc(browser: Chromium) -> None:
    """Where it differs."""
    browser.call("Emulation.setTimezoneOverride", timezoneId="Asia/Kolkata")
    try:
        assert "22:13:22 UTC (03:43:22 here)" in hover(browser, LOSSES, 2.5 / 30)
    finally:
        browser.call("Emulation.setTimezoneOverride", timezoneId="")


def test_the_crosshair_is_at_the_same_time_in_all_charts(browser: Chromium) -> None:
    """In those over time, and it goes when the mouse leaves."""
    hover(browser, LOSSES, 2.5 / 30)
    lines = seen(browser, CROSSHAIRS)
    assert len({lines[chart].split(" ")[0] for chart in OVER_TIME}) == 1
    assert lines[LOAD].startswith("M")
    assert lines[CURVE] == ""
    mouse(browser, "mouseMoved", 2, 2)
    assert set(seen(browser, CROSSHAIRS)) == {""}
    assert browser.evaluate(VALUES.format(chart=LOSSES)) == ""


def test_dragging_zooms_all_charts_over_time(browser: Chromium) -> None:
    """Hover still names the right second, and a double click shows the whole run again."""
    whole, ticks = seen(browser, LINES), seen(browser, TICKS)
    drag(browser, LOAD, 1 / 30, 4 / 30)
    zoomed, zoomed_ticks = seen(browser, LINES), seen(browser, TICKS)
    for chart in range(len(whole)):
        is_zoomed = chart != CURVE
        assert (zoomed[chart] != whole[chart]) is is_zoomed
        assert (zoomed_ticks[chart] != ticks[chart]) is is_zoomed
    assert {"22:13:22", "+2 s"} <= set(zoomed_ticks[LOSSES])
    assert "22:13:40" not in zoomed_ticks[LOSSES]
    assert hover(browser, LOSSES, 0.5).split()[0] == "22:13:22"
    at = place(browser, LATENCY, 0.5)
    for clicks in (1, 2):
        mouse(browser, "mousePressed", *at, clicks)
        mouse(browser, "mouseReleased", *at, clicks)
    assert (seen(browser, LINES), seen(browser, TICKS)) == (whole, ticks)


def test_a_click_is_not_a_zoom_and_a_button_ends_one(browser: Chromium) -> None:
    """The button appears with the zoom, for those who do not know of the double click."""
    whole = seen(browser, LINES)
    button = "document.querySelectorAll('.reset')[{chart}]"
    drag(browser, LOAD, 0.5, 0.501)
    assert seen(browser, LINES) == whole
    assert browser.evaluate(button.format(chart=USERS) + ".hidden") is True
    drag(browser, USERS, 0.5, 0.8)
    assert seen(browser, LINES) != whole
    browser.evaluate(button.format(chart=USERS) + ".click()")
    assert seen(browser, LINES) == whole


def test_a_click_on_a_bar_links_to_its_rows(browser: Chromium) -> None:
    """Of this second; where nothing is, nothing happens."""
    for share, hash_ in (
        (9.5, ""),
        (2.5, "#exceptions?from=2023-11-14T22:13:22.000Z&to=2023-11-14T22:13:22.999Z"),
    ):
        at = place(browser, LOSSES, share / 30)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            mouse(browser, kind, *at)
        assert browser.evaluate("location.hash") == hash_


def test_a_thin_bar_is_found_near_the_mouse(started: Chromium, tmp_path: Path) -> None:
    """In a long run a bar is wider than its second, so the mouse is rarely within it."""
    slices = tuple(LoadSlice(float(at), lost=int(at == 1_000)) for at in range(3_000))
    page = tmp_path / "long.html"
    report = replace(a_report(), over_time=OverTime(1.0, START_NS, slices))
    page.write_text(render(report, some_exceptions(lost=1)), encoding="utf-8")
    started.show_as(1200)
    started.open(page.as_uri())
    for off_by_s in (-6, 0, 6):
        assert "lost\n1" in hover(started, LOSSES, (1_000.5 + off_by_s) / 3_000)
    assert "nothing" in hover(started, LOSSES, 1_100 / 3_000)


def test_a_click_on_the_legend_hides_a_line(browser: Chromium) -> None:
    """And shows it again; what is hidden is not among the values."""
    click = "document.querySelectorAll('.chart')[0].querySelectorAll('.legend button')[0]"
    drawn = f"getComputedStyle({SHOWN}[0].querySelector('.line')).display"
    browser.evaluate(f"{click}.click()")
    assert browser.evaluate(f"{click}.getAttribute('aria-pressed')") == "false"
    assert browser.evaluate(drawn) == "none"
    assert "target" not in hover(browser, LOAD, 0.5)
    browser.evaluate(f"{click}.click()")
    assert browser.evaluate(f"{click}.getAttribute('aria-pressed')") == "true"
    assert browser.evaluate(drawn) != "none"
    assert "target" in hover(browser, LOAD, 0.4)


def test_arrow_keys_move_the_crosshair(browser: Chromium) -> None:
    """So the values can be read without a mouse; Escape hides them."""
    browser.evaluate(f"document.querySelectorAll('.plots')[{LOSSES}].focus()")
    shown = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "Escape"):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        shown.append(str(browser.evaluate(VALUES.format(chart=LOSSES))).split(" ")[0])
    assert shown == ["22:13:20", "22:13:21", "22:13:22", "22:13:21", ""]


def test_charts_are_there_without_scripts_and_on_a_phone(started: Chromium, page: Path) -> None:
    """Every chart is drawn once, within the page, with its axis and its legend."""
    started.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        for width in (1200, 390):
            started.show_as(width)
            started.open(page.as_uri())
            boxes = seen(
                started,
                f"JSON.stringify({SHOWN}.map(s => [s.getBoundingClientRect().width,"
                " s.getBoundingClientRect().right, s.querySelectorAll('text').length]))",
            )
            assert len(boxes) >= 5
            assert all(0.7 * width < wide <= right <= width for wide, right, _ in boxes)
            assert all(texts > 4 for _, _, texts in boxes)
    finally:
        started.call("Emulation.setScriptExecutionDisabled", value=False)
    started.open(page.as_uri())
    assert hover(started, LOSSES, 2.5 / 30).splitlines()[1:3] == ["lost", "1"]
