"""`report`: the size of the report of a long run, and how soon a browser shows it.

`headcount verify` judges a generated run. Then chromium opens its report and an empty page in
alternating rounds.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.harness.figures import in_turn, ratio, spread
from bench.harness.parts import TOPIC, ProcessUsage, Workbench, finished, watched
from bench.harness.result import BenchmarkResult
from bench.report.chromium import Chromium, PageTiming, chromium
from headcount.errors import PartError

RUN_ID = "long"
DEADLINE_S = 1800.0
HEAP = "2g"
PAGES = EMPTY, PAGE = "an empty page", "report.html"
LOOKS = (
    ("wide", 1200, "light", "screen"),
    ("dark", 1200, "dark", "screen"),
    ("phone", 390, "light", "screen"),
    ("paper", 720, "light", "print"),
)
_NOTHING = '<!DOCTYPE html><html lang="en"><title>empty</title><p>empty'


@dataclass(frozen=True, slots=True)
class PageLoadSettings:
    """Settings of the measurement: `minutes` at `rate` requests per second, with `faults` faults.

    `keep` is the folder for the report and screenshots of it.
    """

    minutes: float = 30.0
    rate: int = 500
    faults: int = 2_000
    rounds: int = 5
    keep: Path | None = None

    @property
    def events(self) -> int:
        """The number of requests."""
        return round(self.minutes * 60 * self.rate)


@dataclass(frozen=True, slots=True)
class PageLoadRound:
    """The timing of one page load."""

    variant: str
    opened: PageTiming


def measure(settings: PageLoadSettings, stage: Workbench) -> BenchmarkResult:
    """Generate the run, judge it, and open its report."""
    run = stage.folder / RUN_ID
    with stage.console.step(f"Generating {settings.events:,} events"):
        size = (settings.minutes, settings.rate, settings.faults)
        location = (run, stage.broker.bootstrap_servers, TOPIC)
        generator = stage.start(
            "the run generator", "-m", "bench.runs.long_run", *map(str, (*location, *size))
        )
        finished(generator, DEADLINE_S)
    with stage.console.step("headcount verify"):
        usage = _verify(settings, stage, run)
    empty = stage.folder / "empty.html"
    empty.write_text(_NOTHING, encoding="utf-8")
    pages = {EMPTY: empty, PAGE: run / "report.html"}
    taken: list[PageLoadRound] = []
    with stage.console.step(f"Opening the report, {settings.rounds} times"):
        for number in range(settings.rounds):
            for name in in_turn(list(pages), number):
                with chromium() as browser:
                    taken.append(PageLoadRound(name, _opened(browser, pages[name])))
    if settings.keep is not None:
        with stage.console.step("Taking screenshots"):
            take_screenshots(run / "report.html", settings.keep)
    return _result(settings, run, usage, taken)


def take_screenshots(page: Path, folder: Path) -> None:
    """Save a page, and screenshots of it: wide, dark, on a phone and printed."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(page, folder / page.name)
    with chromium() as browser:
        for name, width, scheme, media in LOOKS:
            browser.show_as(width, scheme=scheme, media=media)
            browser.open(page.as_uri())
            browser.screenshot(folder / f"{name}.png")
        browser.pdf(folder / "paper.pdf")


def _verify(settings: PageLoadSettings, stage: Workbench, run: Path) -> ProcessUsage:
    """Judge the run. Raises PartError if the verdict is wrong."""
    command = ("-m", "headcount", "verify", str(run), "--quiet", "--spark-heap", HEAP)
    usage = watched(stage.start("headcount verify", *command), DEADLINE_S, allowed=(0, 1))
    verdict = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    expected = "fail" if settings.faults else "pass"
    if verdict["verdict"] != expected or verdict["counts"]["attempted"] != settings.events:
        reasons = "; ".join(verdict["reasons"])
        raise PartError(f"the verdict is {verdict['verdict']}, expected {expected}: {reasons}")
    return usage


def _opened(browser: Chromium, page: Path) -> PageTiming:
    browser.show_as(1200)
    return browser.open(page.as_uri())


def _result(
    settings: PageLoadSettings, run: Path, usage: ProcessUsage, taken: list[PageLoadRound]
) -> BenchmarkResult:
    rows, figures = [], {}
    load = {
        name: [one_round.opened.load_ms for one_round in taken if one_round.variant == name]
        for name in PAGES
    }
    for name in PAGES:
        timings = [one_round.opened for one_round in taken if one_round.variant == name]
        paint = spread(timing.paint_ms for timing in timings)
        over = ratio(load[name], load[EMPTY])
        figures[name] = {"paint_ms": paint, "load_ms": spread(load[name]), "load_over_empty": over}
        shown = (paint.show(".0f"), spread(load[name]).show(".0f"), over.show(".0f"))
        rows.append((name, *shown, f"{timings[0].nodes:,}"))
    size = (run / "report.html").stat().st_size
    return BenchmarkResult(
        name="report",
        title=f"report: {settings.events:,} requests in {settings.minutes:g} min",
        columns=(
            "",
            "first paint, ms",
            "loaded, ms",
            "loaded, relative to an empty page",
            "elements",
        ),
        rows=rows,
        settings={"settings": settings, "heap": HEAP},
        rounds=taken,
        figures={**figures, "report_bytes": size, "verify": usage},
        notes=(
            f"report.html is {size / 1e6:.2f} MB",
            f"verify took {usage.seconds:.1f} s and {usage.peak_mib:,.0f} MiB, heap {HEAP}",
            "a new chromium opens each page; times are by the page's own clock",
        ),
    )
