"""`warm`: the time that a short `headcount run` takes in addition to its load.

The measurement covers the whole command: broker, service, load, wait for the
last events, Spark, verdict and report.
Java, the jars and Spark's class data archive already exist, as after a few runs.
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
    """Settings of the measurement."""

    rounds: int = 3
    run_time_s: int = 30


@dataclass(frozen=True, slots=True)
class WarmRound:
    """The usage of one run, and its number of requests."""

    watched: ProcessUsage
    attempted: int


def measure(settings: WarmSettings, stage: Workbench) -> BenchmarkResult:
    """Run warm-up rounds and the measured ones. Raises PartError if a run does not pass."""
    taken: list[WarmRound] = []
    number = itertools.count()

    def run_once() -> WarmRound:
        return _round(settings, stage, f"warm-{next(number)}")

    warm_up(stage, run_once)
    for counted in range(settings.rounds):
        with stage.console.step(f"Round {counted + 1} of {settings.rounds}"):
            taken.append(run_once())
    return _result(settings, taken)


def _round(settings: WarmSettings, stage: Workbench, run_id: str) -> WarmRound:
    reports = stage.folder / "reports"
    options = (
        *("--run-time", f"{settings.run_time_s}s", "--run-id", run_id),
        *("--reports-dir", str(reports), "--quiet"),
    )
    process = stage.start("headcount run", "-m", "headcount", "run", *options)
    usage = watched(process, settings.run_time_s + LONGEST_S)
    verdict = json.loads((reports / run_id / "verdict.json").read_text(encoding="utf-8"))
    if verdict["verdict"] != "pass":
        raise PartError(f"the verdict is {verdict['verdict']}: {'; '.join(verdict['reasons'])}")
    return WarmRound(usage, verdict["counts"]["attempted"])


def _result(settings: WarmSettings, taken: Sequence[WarmRound]) -> BenchmarkResult:
    beyond_s = spread(one_round.watched.seconds - settings.run_time_s for one_round in taken)
    cpu_seconds = spread(one_round.watched.cpu_seconds for one_round in taken)
    attempted = spread(one_round.attempted for one_round in taken)
    return BenchmarkResult(
        name=NAME,
        title=f"warm: a run of {settings.run_time_s} s, from the start of the command to its exit",
        columns=("seconds in addition to the load", "CPU seconds", "requests"),
        rows=[(beyond_s.show(".1f"), cpu_seconds.show(".1f"), attempted.show())],
        settings={"settings": settings},
        rounds=taken,
        figures={"beyond_s": beyond_s, "cpu_seconds": cpu_seconds, "attempted": attempted},
        notes=(
            "includes broker, service, load, wait for the last events, Spark, verdict and report",
            f"median (lowest-highest) of {settings.rounds} rounds, after warm-up rounds",
        ),
        targets=[
            PerformanceTarget(
                f"time that a warm run of {settings.run_time_s} s takes in addition to its load",
                TARGET_S,
                beyond_s,
                at_most=True,
                unit=" s",
            )
        ],
    )
