"""The exceptions in a browser: filters, links, the steps of an id, keyboard, and no script."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import pandas as pd
import pytest
from headcount_analysis.causes.exception_patterns import Pattern
from headcount_analysis.causes.losses import Losses, LossGroup
from headcount_analysis.causes.unacknowledged import UnacknowledgedGroup
from headcount_analysis.report.exceptions_csv import COLUMNS
from headcount_analysis.report.html.page import render
from headcount_analysis.report.shown_exceptions import Exceptions

from bench.report.chromium import Chromium, chromium
from tests.analysis.report.html.test_exception_table import LOST
from tests.analysis.report.literal import START_NS, a_report

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on PATH"),
]

AXE = "axe.run().then(done => JSON.stringify(done.violations.map(each => each.id)))"
SECOND_NS = 1_000_000_000
TYPE = "sword & shield"
SHOWN = """
JSON.stringify([...document.querySelectorAll("#exception-table tbody")]
  .filter((body) => body.checkVisibility())
  .map((body) => body.rows[0].cells[body.rows[0].cells.length - 1].textContent.trim()))
"""
STATUS = "document.getElementById('exception-count').textContent"
IS_STATUS_SHOWN = "document.getElementById('exception-count').checkVisibility()"
SET = """
(() => {{ const field = document.getElementById("exception-tools").elements["{name}"];
  field.value = {value}; for (const kind of ["input", "change"]) {{
    field.dispatchEvent(new Event(kind, {{ bubbles: true }})); }} }})()
"""
VALUES = """
JSON.stringify(Object.fromEntries([...new FormData(document.getElementById("exception-tools"))]
  .filter(([, value]) => value)))
"""
OPEN_STEPS = """
[...document.querySelectorAll("#exception-table .steps")]
  .filter((row) => row.checkVisibility()).length
"""


def rows() -> list[dict[str, object]]:
    """Return an exception a second: six lost ones and three ghosts."""
    kinds = ["lost"] * 6 + ["ghost"] * 3
    return [
        {
            **LOST,
            "id": f"id-{place}",
            "class": kind,
            "event_type": (TYPE, "guild")[place % 2],
            "acked_partition": place % 3 if kind == "lost" else "",
            "acked_offset": place if kind == "lost" else "",
            "server": str(40 + place % 2),
            **({"outcome": "failed", "http_status": 409 + place % 2} if kind == "ghost" else {}),
            "sent_at": f"2023-11-14T22:13:{20 + place}.000000Z",
            "sent_at_ns": START_NS + place * SECOND_NS,
        }
        for place, kind in enumerate(kinds)
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a report with nine exceptions."""
    frame = pd.DataFrame(rows(), columns=list(COLUMNS), dtype=object)
    report = replace(
        a_report(),
        patterns=(Pattern("lost", 3, 6, "event type", {"type": TYPE}),),
        losses=Losses(by_partition=(LossGroup("2", 9, 2, START_NS, START_NS),)),
        unacknowledged=(
            UnacknowledgedGroup("409", "refused", 2, None, None, {TYPE: 2}, {"ghost": 2}),
        ),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(report, Exceptions({"lost": 6, "ghost": 3}, frame)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def shared_browser(page: str) -> Iterator[Chromium]:
    """Open the report once for all tests."""
    with chromium() as browser:
        browser.show_as(1200)
        opened(browser, page)
        yield browser


@pytest.fixture
def browser(shared_browser: Chromium) -> Chromium:
    """Show all rows of the report, with their steps hidden."""
    opened_steps = "document.querySelectorAll('#exception-table [aria-expanded=true]')"
    shared_browser.evaluate(f"for (const each of {opened_steps}) each.click()")
    reset(shared_browser)
    return shared_browser


def reset(browser: Chromium) -> None:
    """Show all rows by the button, and wait until it is done."""
    browser.evaluate("document.querySelector('#exception-tools [type=reset]').click()")
    browser.call("Runtime.evaluate", expression="new Promise(setTimeout)", awaitPromise=True)


def opened(browser: Chromium, url: str) -> None:
    """Open a page that may differ from the last one in its link alone."""
    browser.open("about:blank")
    browser.open(url)


def follow(browser: Chromium, link: str) -> None:
    """Follow a link within the page."""
    moved = "new Promise((done) => addEventListener('hashchange', done, { once: true }))"
    expression = f"location.hash = {json.dumps(link)}; {moved}"
    browser.call("Runtime.evaluate", expression=expression, awaitPromise=True)


def shown(browser: Chromium) -> str:
    """Return the numbers of the ids that are shown."""
    return "".join(row_id.removeprefix("id-") for row_id in json.loads(browser.evaluate(SHOWN)))


def shown_with(browser: Chromium, **values: str) -> str:
    """Set filters, one by one, and return what is shown."""
    for name, value in values.items():
        browser.evaluate(SET.format(name=name.rstrip("_"), value=json.dumps(value)))
    return shown(browser)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"class": "ghost"}, "678"),
        ({"type": "guild"}, "1357"),
        ({"partition": "2"}, "25"),
        ({"process": "41"}, "1357"),
        ({"error": "409"}, "68"),
        ({"from": "22:13:24"}, "45678"),
        ({"to": "22:13:22"}, "012"),
        ({"from": "22:13:21.5", "to": "22:13:23.5"}, "23"),
        ({"from": "2023-11-14 22:13:27"}, "78"),
        ({"text": "SWORD  id-4"}, "4"),
        ({"class": "lost", "type": "guild", "partition": "0"}, "3"),
    ],
)
def test_rows_are_filtered(browser: Chromium, filters: dict[str, str], numbers: str) -> None:
    """By class, type, partition, process, error, time and words; all filters must match."""
    assert shown(browser) == "012345678"
    assert shown_with(browser, **filters) == numbers
    assert browser.evaluate(STATUS) == f"{len(numbers)} of 9 rows"
    reset(browser)
    assert shown(browser) == "012345678"


def test_nothing_matches(browser: Chromium) -> None:
    """The page then says where all exceptions are; a wrong time is marked and filters nothing."""
    assert shown_with(browser, text="id-4 ghost") == ""
    assert browser.evaluate(STATUS).endswith("exceptions.csv has all exceptions")
    reset(browser)
    assert shown_with(browser, **{"from": "noon"}) == "012345678"
    assert (
        browser.evaluate("document.querySelectorAll('#exception-tools input:invalid').length") == 1
    )


def test_a_link_shows_its_rows(browser: Chromium, page: str) -> None:
    """The filters are set, and the rows are in view; the filters are in the address afterwards."""
    opened(browser, f"{page}#exceptions?class=lost&type=sword%20%26%20shield")
    assert shown(browser) == "024"
    assert json.loads(browser.evaluate(VALUES)) == {"class": "lost", "type": TYPE}
    first = "document.querySelector('#exception-table tbody:not([hidden])').getBoundingClientRect()"
    assert 0 < browser.evaluate(f"{first}.top") < browser.evaluate("innerHeight")
    browser.evaluate(SET.format(name="process", value='"41"'))
    opened(browser, browser.evaluate("location.href"))
    assert json.loads(browser.evaluate(VALUES)) == {"class": "lost", "type": TYPE, "process": "41"}
    assert shown(browser) == ""


def test_times_in_a_link(browser: Chromium) -> None:
    """They are ISO 8601, and the fields show the time of day."""
    follow(browser, "#exceptions?from=2023-11-14T22:13:22.000Z&to=2023-11-14T22:13:23.001Z")
    assert shown(browser) == "23"
    assert json.loads(browser.evaluate(VALUES)) == {"from": "22:13:22", "to": "22:13:23.001"}


@pytest.mark.parametrize("link", ["class=refused", "partition=77", "type=unknown"])
def test_a_link_without_rows(browser: Chromium, link: str) -> None:
    """What has no rows shows none, instead of all."""
    follow(browser, f"#exceptions?{link}")
    assert shown(browser) == ""


@pytest.mark.parametrize(
    ("place", "numbers"),
    [
        ("header .verdict a", "012345"),
        (".classes li:nth-child(2) a", "678"),
        (".patterns a", "024"),
        (".losses a", "25"),
        ("#error-table a", "68"),
    ],
)
def test_sentences_and_tables_lead_to_their_rows(
    browser: Chromium, place: str, numbers: str
) -> None:
    """A click on a count shows what it counts; the next click replaces the filters."""
    shown_with(browser, text="id-7")
    follow(browser, browser.evaluate(f"document.querySelector({json.dumps(place)}).hash"))
    assert shown(browser) == numbers


def press(browser: Chromium, key: str) -> None:
    """Press a key."""
    text = "\r" if key == "Enter" else ""
    code = 13 if key == "Enter" else 9
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text
        )


def test_the_steps_are_opened_by_mouse_and_keyboard(browser: Chromium) -> None:
    """A click on a row, or Enter on its id, opens and closes it; a link to one id opens it."""
    row = "document.querySelector('#exception-table tbody tr')"
    assert browser.evaluate(OPEN_STEPS) == 0
    browser.evaluate(f"{row}.cells[0].click()")
    assert browser.evaluate(OPEN_STEPS) == 1
    browser.evaluate(f"{row}.querySelector('button').focus()")
    press(browser, "Enter")
    assert browser.evaluate(OPEN_STEPS) == 0
    press(browser, "Tab")
    press(browser, "Enter")
    steps = browser.evaluate(f"{row}.parentNode.nextElementSibling.rows[1].innerText")
    assert "acknowledged at" in steps
    assert "not found" in steps
    expanded = "document.activeElement.getAttribute('aria-expanded')"
    assert (browser.evaluate(OPEN_STEPS), browser.evaluate(expanded)) == (1, "true")


def test_a_link_to_an_id_opens_its_steps(browser: Chromium) -> None:
    """One row is shown, with its steps."""
    follow(browser, "#exceptions?text=id-5")
    assert (shown(browser), browser.evaluate(OPEN_STEPS)) == ("5", 1)


def test_on_a_phone_rows_are_filtered_too(browser: Chromium) -> None:
    """Rows are laid out otherwise there, and still hidden."""
    browser.show_as(390)
    follow(browser, "#exceptions?class=ghost")
    assert shown(browser) == "678"
    wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert browser.evaluate(wider) is False
    browser.show_as(1200)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light")])
def test_axe_finds_no_fault_in_filters_and_steps(
    browser: Chromium, width: int, scheme: str
) -> None:
    """With all steps shown, on a wide page, a dark one, and a phone."""
    browser.show_as(width, scheme=scheme)
    browser.evaluate(
        "for (const each of document.querySelectorAll('#exception-table button')) each.click()"
    )
    browser.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    done = browser.call("Runtime.evaluate", expression=AXE, awaitPromise=True)
    assert json.loads(done["result"]["value"]) == []
    browser.show_as(1200)


def test_without_a_script_everything_is_there(shared_browser: Chromium, page: str) -> None:
    """All rows and all steps; a link leads to its first row, and tools that would fail are not."""
    shared_browser.show_as(1200)
    shared_browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(shared_browser, f"{page}#exceptions?class=ghost&type=guild")
        assert shown(shared_browser) == "012345678"
        assert shared_browser.evaluate(OPEN_STEPS) == 9
        assert not shared_browser.evaluate("document.querySelector('.tools').checkVisibility()")
        target = "document.querySelector(':target').closest('tr').textContent"
        assert "id-7" in shared_browser.evaluate(target)
        deadline_s = time.monotonic() + 20
        while not shared_browser.evaluate("scrollY > 0"):  # smoothly
            assert time.monotonic() < deadline_s
    finally:
        shared_browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_paper_has_all_rows_that_the_filters_leave(
    browser: Chromium, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It says how many these are only if some are left out; steps are left out."""
    many = [{**row, "id": f"{row['id']}-{copy}"} for copy in range(20) for row in rows()]
    frame = pd.DataFrame(many, columns=list(COLUMNS), dtype=object)
    path = tmp_path_factory.mktemp("paper") / "report.html"
    path.write_text(render(a_report(), Exceptions({"lost": 120, "ghost": 60}, frame)), "utf-8")
    browser.show_as(1200, media="print")
    for place, shown, status in (
        ("", 180, False),
        ("#exceptions?class=ghost", 60, True),
    ):
        browser.open("about:blank")
        browser.open(path.as_uri() + place)
        assert len(json.loads(browser.evaluate(SHOWN))) == shown
        assert browser.evaluate(IS_STATUS_SHOWN) is status
        assert browser.evaluate(OPEN_STEPS) == 0
    browser.show_as(1200)
