"""`history`: the time of `headcount history` over many runs, and how many verdicts it reads.

`bench.runs.many_runs` generates the runs. In alternating rounds the command makes the page without
an index and with one, beside `headcount --version`, the least that any command takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount_analysis.history.index import read_runs
from headcount_analysis.history.run_store import INDEX, store_at

from bench.harness.figures import in_turn, ratio, spread
from bench.harness.parts import ProcessUsage, Workbench, watched
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.runs.many_runs import generate

NAME = "history"
TARGET_S = 2.0
DEADLINE_S = 300.0
VARIANTS = START, WITHOUT, WITH = "headcount --version", "without an index", "with an index"


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """Settings of the measurement."""

    rounds: int = 5
    runs: int = 1000


@dataclass(frozen=True, slots=True)
class HistoryRound:
    """The usage of one command."""

    variant: str
    watched: ProcessUsage


def measure(settings: HistorySettings, stage: Workbench) -> BenchmarkResult:
    """Generate the runs, and make their page in each variant."""
    reports = stage.folder / "history"
    with stage.console.step(f"Generating {settings.runs:,} runs"):
        generate(reports, settings.runs)
        read = {name: read_runs(store_at(str(reports))).read for name in (WITHOUT, WITH)}
    taken: list[HistoryRound] = []
    for number in range(settings.rounds):
        with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
            taken += [_round(stage, reports, name) for name in in_turn(VARIANTS, number)]
    return _result(settings, read, reports, taken)


def _round(stage: Workbench, reports: Path, variant: str) -> HistoryRound:
    if variant == START:
        return HistoryRound(variant, _watched(stage, "--version"))
    if variant == WITHOUT:
        (reports / INDEX).unlink()
    page = str(stage.folder / "history.html")
    options = ("--reports-dir", str(reports), "--html", page)
    return HistoryRound(variant, _watched(stage, "history", *options))


def _watched(stage: Workbench, *command: str) -> ProcessUsage:
    return watched(stage.start("headcount history", "-m", "headcount", *command), DEADLINE_S)


def _result(
    settings: HistorySettings,
    read: Mapping[str, int],
    reports: Path,
    taken: Sequence[HistoryRound],
) -> BenchmarkResult:
    seconds = {
        name: [one_round.watched.seconds for one_round in taken if one_round.variant == name]
        for name in VARIANTS
    }
    rows, figures = [], {}
    for name in VARIANTS:
        over = ratio(seconds[name], seconds[START])
        figures[name] = {"seconds": spread(seconds[name]), "over_start": over}
        shown = (spread(seconds[name]).show(".2f"), over.show(".1f"))
        rows.append((name, f"{read.get(name, 0):,}", *shown))
    size = (reports / INDEX).stat().st_size
    return BenchmarkResult(
        name=NAME,
        title=f"history: the page of {settings.runs:,} runs",
        columns=("", "verdicts read", "seconds", "relative to headcount --version"),
        rows=rows,
        settings={"settings": settings},
        rounds=taken,
        figures={**figures, "verdicts_read": read, "index_bytes": size},
        notes=(f"the size of the index is {size / 1e6:.2f} MB; no ledger is read",),
        targets=[
            PerformanceTarget(
                f"page of {settings.runs:,} runs, {name}",
                TARGET_S,
                spread(seconds[name]),
                at_most=True,
                unit=" s",
            )
            for name in (WITHOUT, WITH)
        ],
    )
