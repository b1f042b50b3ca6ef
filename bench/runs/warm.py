"""`warm`: what a short `headcount run` takes beyond its load.

All of it is counted, from the start of the command to its end: broker, service, load, drain, Spark,
verdict and report. Java, the jars and the class data of Spark are there already, as they are
after a few runs.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.harness.figures import spread
from bench.harness.parts import ProcessUsage, Workbench, warm_up, watched
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from headcount.errors import PartError

NAME = "warm"
TARGET_S = 25.0
LONGEST_S = 300.0


@dataclass(frozen=True, slots=True)
class WarmSettings:
    """How it is measured."""

    rounds: int = 3
    run_time_s: int = 30


@dataclass(frozen=True, slots=True)
class WarmRound:
    """One run, and how many requests it made."""

    watched: ProcessUsage
    attempted: int


def measure(settings: WarmSettings, stage: Workbench) -> BenchmarkResult:
    """Make some runs, behind some that do not count. PartError if one does not pass."""
    taken: list[WarmRound] = []
    number = itertools.count()

    def judged() -> WarmRound:
        return _round(settings, stage, f"warm-{next(number)}")

    warm_up(stage, judged)
    for counted in range(settings.rounds):
        with stage.console.step(f"Round {counted + 1} of {settings.rounds}"):
            taken.append(judged())
    return _result(settings, taken)


def _round(settings: WarmSettings, stage: Workbench, run_id: str) -> WarmRound:
    wish = ("--run-time", f"{settings.run_time_s}s", "--run-id", run_id)
    reports = stage.folder / "reports"
    where = ("--reports-dir", str(reports), "--quiet")
    process = stage.start("headcount run", "-m", "headcount", "run", *wish, *where)
    seen = watched(process, settings.run_time_s + LONGEST_S)
    said = json.loads((reports / run_id / "verdict.json").read_text(encoding="utf-8"))
    if said["verdict"] != "pass":
        raise PartError(f"the verdict is {said['verdict']}: {'; '.join(said['reasons'])}")
    return WarmRound(seen, said["counts"]["attempted"])


def _result(settings: WarmSettings, taken: Sequence[WarmRound]) -> BenchmarkResult:
    beyond_s = spread(each.watched.seconds - settings.run_time_s for each in taken)
    cpu_seconds = spread(each.watched.cpu_seconds for each in taken)
    attempted = spread(each.attempted for each in taken)
    return BenchmarkResult(
        name=NAME,
        title=f"warm: a run of {settings.run_time_s} s, from its command to its end",
        columns=("seconds beyond its load", "CPU seconds", "requests"),
        rows=[(beyond_s.show(".1f"), cpu_seconds.show(".1f"), attempted.show())],
        settings={"settings": settings},
        rounds=taken,
        figures={"beyond_s": beyond_s, "cpu_seconds": cpu_seconds, "attempted": attempted},
        notes=(
            "broker, service, load, drain, Spark, verdict and report",
            f"median (lowest-highest) of {settings.rounds} rounds, behind some that do not count",
        ),
        targets=[
            PerformanceTarget(
                f"a warm run of {settings.run_time_s} s, beyond its load",
                TARGET_S,
                beyond_s,
                at_most=True,
                unit=" s",
            )
        ],
    )
