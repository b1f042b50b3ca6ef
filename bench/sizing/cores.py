"""`cores`: how the time to a verdict depends on events and cores.

`headcount verify` judges generated runs of two sizes. The extra time and CPU time of the larger run
are fitted to Amdahl's law: a parallel part, which n cores divide by n, and a serial part. Two sizes
separate both from the start-up time.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness.figures import in_turn, spread
from bench.harness.parts import Workbench, warm_up
from bench.harness.result import BenchmarkResult
from bench.runs.generated import generated, verified
from headcount.errors import PartError

NAME = "cores"
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class CoresSettings:
    """Settings of the measurement; Spark starts the same way for both sizes in `events`."""

    rounds: int = 2
    events: tuple[int, int] = (4_000_000, 12_000_000)


@dataclass(frozen=True, slots=True)
class Took:
    """Time and CPU time of one verdict."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class CoresRound:
    """One verdict on a run of `events` events."""

    events: int
    took: Took
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds to a verdict: `start_s`, and a parallel and a serial part per million events.

    With `cores` they are `start_s + millions * (shared_s / cores + serial_s)`, Amdahl's law.
    """

    start_s: float
    shared_s: float
    serial_s: float


def fit(took: Mapping[int, Took], cores: int) -> Fit:
    """Fit Amdahl's law to two sizes, measured on at least two cores.

    A part that measurement noise makes negative becomes 0.
    """
    small, large = sorted(took)
    millions = (large - small) / MILLION
    seconds = max(0.0, took[large].seconds - took[small].seconds) / millions
    cpu_seconds = max(0.0, took[large].cpu_seconds - took[small].cpu_seconds) / millions
    shared_s = min(max(0.0, cpu_seconds - seconds) * cores / (cores - 1), seconds * cores)
    serial_s = max(0.0, seconds - shared_s / cores)
    start_s = took[small].seconds - small / MILLION * seconds
    return Fit(max(0.0, start_s), shared_s, serial_s)


def measure(settings: CoresSettings, stage: Workbench) -> BenchmarkResult:
    """Generate the runs and judge each. Raises PartError on a machine with one core."""
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        raise PartError("`cores` needs at least two cores, and this machine has one")
    runs = {
        events: generated(stage, stage.folder / f"generated-{events}", f"events-{events}", events)
        for events in settings.events
    }
    warm_up(stage, functools.partial(verified, stage, runs[min(runs)], min(runs)))
    taken = []
    for number in range(settings.rounds):
        for name in in_turn(list(map(str, runs)), number):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}: {int(name):,}"):
                taken.append(_verify(stage, runs[int(name)], int(name)))
    return _result(settings, taken, cores)


def _verify(stage: Workbench, run: Path, events: int) -> CoresRound:
    seen = verified(stage, run, events)
    return CoresRound(events, Took(seen.seconds, seen.cpu_seconds), seen.peak_mib)


def _result(settings: CoresSettings, taken: Sequence[CoresRound], cores: int) -> BenchmarkResult:
    by_size = {
        events: [one_round for one_round in taken if one_round.events == events]
        for events in settings.events
    }
    seconds = {
        events: spread(one_round.took.seconds for one_round in by_size[events])
        for events in by_size
    }
    busy = {
        events: spread(one_round.took.cpu_seconds for one_round in by_size[events])
        for events in by_size
    }
    fitted = fit(
        {events: Took(seconds[events].median, busy[events].median) for events in by_size}, cores
    )
    peak = spread(one_round.peak_mib for one_round in taken)
    return BenchmarkResult(
        name=NAME,
        title="cores: time to a verdict, by events",
        columns=("events", "seconds", "CPU seconds"),
        rows=[
            (f"{events:,}", seconds[events].show(".1f"), busy[events].show(".1f"))
            for events in by_size
        ],
        settings={"settings": settings, "cores": cores},
        rounds=taken,
        figures={
            "start_s": fitted.start_s,
            "shared_s_per_million": fitted.shared_s,
            "serial_s_per_million": fitted.serial_s,
            "peak_mib": peak,
        },
        notes=(
            f"on {cores} cores: start {fitted.start_s:.1f} s",
            f"a million events: {fitted.shared_s:.2f} s of CPU, divided among the cores",
            (
                f"a million events: plus {fitted.serial_s:.2f} s on a single core, "
                "however many cores there are"
            ),
            f"peak {peak.show()} MiB; median (lowest-highest) of {settings.rounds} rounds",
        ),
    )
