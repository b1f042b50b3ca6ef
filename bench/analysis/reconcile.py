"""`reconcile`: how long `headcount verify` takes, and how much memory, by the size of the run.

Generated topics and ledgers are judged in turn by `headcount verify`, by the script that a user
would write instead, and read by kcat, which does nothing else. Each is a process of its own.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import ProcessUsage, Workbench, last_line, warm_up, watched
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.runs.generated import deadline_s, generated, verified
from headcount.errors import PartError
from headcount.stack.process import Process

TARGET_RATIOS = {5_000_000: 0.4, 20_000_000: 0.25}
TARGET_MIB = 3 * 1024.0
TARGET_GROWTH = 2.0
TARGET_FAULTS = 1.3
MOST_FOR_THE_SCRIPT = 20_000_000
"""Of more events the script keeps more than the memory of most machines."""

MOST_REPEATED = 5_000_000
"""Larger runs are judged once."""

HELD_BY = (
    "Python's work on each event, of which the two passes over messages and attempts take about a "
    "half each, and the start of Spark and its workers"
)
HELD_GROWTH_BY = "each event is unpacked, read, written down and compared by Python's libraries"
VERIFY, FAULTY, SCRIPT, READ = "headcount verify", "the same, with faults", "script", "bare read"


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """How it is measured; in a run with faults, so many acknowledged events are missing."""

    rounds: int = 3
    events: tuple[int, ...] = (1_000_000, 5_000_000, 20_000_000, 50_000_000)
    faults: int = 1000

    def rounds_of(self, events: int) -> int:
        """How often the contenders are let at a run."""
        return self.rounds if events <= MOST_REPEATED else 1


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs of the same size, of which one has faults; a large one has no other beside it."""

    events: int
    topic: str
    clean: Path
    faulty: Path | None
    faults: int


@dataclass(frozen=True, slots=True)
class ReconcileRound:
    """What one contender took, and how many it found lost."""

    events: int
    variant: str
    watched: ProcessUsage
    lost: int | None


@dataclass(frozen=True, slots=True)
class ReconcileRounds:
    """Some rounds, looked at by size and contender."""

    rounds: Sequence[ReconcileRound] = field(default_factory=list)

    def of(self, events: int, variant: str, value: Callable[[ProcessUsage], float]) -> list[float]:
        """Give a figure of each round of a contender."""
        return [
            value(each.watched)
            for each in self.rounds
            if (each.events, each.variant) == (events, variant)
        ]

    def seconds(self, events: int, variant: str) -> list[float]:
        """Give the time of each round of a contender."""
        return self.of(events, variant, lambda seen: seen.seconds)


def measure(settings: ReconcileSettings, stage: Workbench) -> BenchmarkResult:
    """Generate the runs, then let each contender at them, in turn."""
    taken: list[ReconcileRound] = []
    for events in settings.events:
        runs = _runs(settings, stage, events)
        contenders = _contenders(runs, stage)
        if not taken:
            warm_up(stage, contenders[VERIFY])
        for number in range(settings.rounds_of(events)):
            for name in in_turn(list(contenders), number):
                with stage.console.step(f"{events:,} events, round {number + 1}: {name}"):
                    taken.append(contenders[name]())
    return _result(settings, stage, ReconcileRounds(taken))


def _runs(settings: ReconcileSettings, stage: Workbench, events: int) -> RunPair:
    topic, folder = f"events-{events}", stage.folder / f"generated-{events}"
    clean = generated(stage, folder, topic, events)
    faults, faulty = min(settings.faults, events), None
    if events <= MOST_REPEATED:
        beside = folder.with_name(f"{folder.name}-faults")
        faulty = generated(stage, beside, f"{topic}-faults", events, faults)
    return RunPair(events, topic, clean, faulty, faults)


def _contenders(runs: RunPair, stage: Workbench) -> dict[str, Callable[[], ReconcileRound]]:
    events, faulty = runs.events, runs.faulty
    contenders = {
        VERIFY: lambda: ReconcileRound(events, VERIFY, verified(stage, runs.clean, events), 0),
        READ: lambda: _read(stage, runs),
    }
    if faulty is not None:
        contenders[FAULTY] = lambda: ReconcileRound(
            events, FAULTY, verified(stage, faulty, events, runs.faults), runs.faults
        )
    if events <= MOST_FOR_THE_SCRIPT:
        contenders[SCRIPT] = lambda: _script(stage, runs)
    return contenders


def _script(stage: Workbench, runs: RunPair) -> ReconcileRound:
    """Let the script judge it. PartError if it does not find the same."""
    process = stage.start("the script", "-m", "bench.analysis.polars_script", str(runs.clean))
    seen = watched(process, deadline_s(runs.events))
    counts: dict[str, int] = json.loads(last_line(process))
    lost = counts.get("lost", 0)
    if (lost, counts.get("delivered", 0)) != (0, runs.events):
        raise PartError(f"the script counts {counts}")
    return ReconcileRound(runs.events, SCRIPT, seen, lost)


def _read(stage: Workbench, runs: RunPair) -> ReconcileRound:
    if not shutil.which("kcat"):
        process = stage.start("the bare read", "-m", "bench.analysis.bare_read", str(runs.clean))
        return ReconcileRound(runs.events, READ, watched(process, deadline_s(runs.events)), None)
    servers = stage.broker.bootstrap_servers
    kcat = Process(
        "kcat",
        ["kcat", "-C", "-b", servers, "-t", runs.topic, "-o", "beginning", "-e", "-q", "-f", ""],
        log_path=stage.folder / "logs" / "kcat.log",
        environ=stage.ready.environ,
    )
    return ReconcileRound(runs.events, READ, watched(kcat, deadline_s(runs.events)), None)


def _result(
    settings: ReconcileSettings, stage: Workbench, taken: ReconcileRounds
) -> BenchmarkResult:
    rows, figures = [], {}
    for events in settings.events:
        for name in (VERIFY, FAULTY, SCRIPT, READ):
            if not taken.seconds(events, name):
                continue
            sums = _sums(taken, events, name)
            figures[f"{events}, {name}"] = sums
            rows.append(
                (
                    f"{events:,}" if name == VERIFY else "",
                    _label(name),
                    sums["seconds"].show(".1f"),
                    sums["cpu_seconds"].show(".1f"),
                    sums["peak_mib"].show(),
                    sums["verify_over_it"].show(".2f"),
                )
            )
    return BenchmarkResult(
        name="reconcile",
        title="reconcile: what a verdict takes, by the events of a run",
        columns=("events", "", "seconds", "CPU seconds", "peak MiB", "verify over it"),
        rows=rows,
        settings={"settings": settings, "bare_read": _reader()},
        rounds=taken.rounds,
        figures=figures,
        notes=_notes(settings, stage),
        targets=_targets(settings, taken),
    )


def _sums(taken: ReconcileRounds, events: int, name: str) -> dict[str, MedianRange]:
    return {
        "seconds": spread(taken.seconds(events, name)),
        "cpu_seconds": spread(taken.of(events, name, lambda seen: seen.cpu_seconds)),
        "peak_mib": spread(taken.of(events, name, lambda seen: seen.peak_mib)),
        "verify_over_it": ratio(taken.seconds(events, VERIFY), taken.seconds(events, name)),
    }


def _targets(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Hold the verdict against the script, a bare read, and itself."""
    return [
        *(
            PerformanceTarget(
                f"the script's time, {events:,} events", limit, share, True, held_by=HELD_BY
            )
            for events, limit in TARGET_RATIOS.items()
            if events in settings.events
            for share in [
                ratio(taken.seconds(events, VERIFY), taken.seconds(events, SCRIPT)),
            ]
        ),
        *_of_faults(settings, taken),
        *_of_growth(settings, taken),
        *(
            PerformanceTarget(
                f"memory of the verdict, {events:,} events",
                TARGET_MIB,
                spread(taken.of(events, VERIFY, lambda seen: seen.peak_mib)),
                at_most=True,
                unit=" MiB",
            )
            for events in settings.events
        ),
    ]


def _of_faults(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Hold runs with faults against those without."""
    targets = []
    for events in settings.events:
        if seconds := taken.seconds(events, FAULTY):
            share = ratio(seconds, taken.seconds(events, VERIFY))
            what = f"the clean run's time, {settings.faults:,} faults in {events:,} events"
            targets.append(PerformanceTarget(what, TARGET_FAULTS, share, at_most=True))
    return targets


def _of_growth(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Hold what more events take against what a bare read of them takes."""

    def median(events: int, name: str) -> float:
        return spread(taken.seconds(events, name)).median

    shares = [
        (median(more, VERIFY) - median(fewer, VERIFY)) / (median(more, READ) - median(fewer, READ))
        for fewer, more in pairwise(sorted(settings.events))
        if median(more, READ) > median(fewer, READ)
    ]
    if not shares:
        return []
    what = "the growing part, over a bare read's"
    return [
        PerformanceTarget(what, TARGET_GROWTH, spread(shares), at_most=True, held_by=HELD_GROWTH_BY)
    ]


def _label(name: str) -> str:
    return {
        SCRIPT: "script: librdkafka, json, polars",
        READ: f"bare read: {_reader()}",
    }.get(name, name)


def _notes(settings: ReconcileSettings, stage: Workbench) -> tuple[str, ...]:
    log = sum(each.stat().st_size for each in stage.folder.glob("broker/log/*/*.log"))
    events = sum(each if each > MOST_REPEATED else 2 * each for each in settings.events)
    rounds = f"median (lowest-highest) of {settings.rounds} rounds in turn"
    return (
        f"verify and the script found the same; faults: {settings.faults:,} events lost",
        f"a million events are {log / events * 1_000_000 / 2**20:,.0f} MiB of topic",
        "each contender is a process of its own, from its start to its end",
        "peak is resident memory, of verify's driver, workers and JVM together",
        f"{rounds}, of more than {MOST_REPEATED:,} events one",
        f"the script is let at up to {MOST_FOR_THE_SCRIPT:,} events: it keeps them all in memory",
    )


def _reader() -> str:
    return "kcat" if shutil.which("kcat") else "librdkafka (kcat is not on PATH)"
