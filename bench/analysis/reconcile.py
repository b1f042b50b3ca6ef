"""`reconcile`: the time and memory of `headcount verify`, by the size of the run.

Three programs take turns with generated runs: `headcount verify`, the script that a user would
write in its place, and kcat, which only reads the messages. Each runs in a separate process.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.analysis.reconcile_rounds import ReconcileRound, ReconcileRounds
from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import Workbench, last_line, warm_up, watched
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.runs.generated import deadline_s, generated, verified
from headcount.errors import PartError
from headcount.stack.process import Process

TARGET_RATIOS = {5_000_000: 0.4, 20_000_000: 0.25}
TARGET_MIB = 3 * 1024.0
TARGET_GROWTH = 2.0
TARGET_FAULTS = 1.3
TARGET_SECURE = 1.4
MOST_FOR_THE_SCRIPT = 20_000_000
"""With more events, the script needs more memory than most machines have."""

MOST_REPEATED = 5_000_000
"""Larger runs are measured once."""

HELD_BY = (
    "the remaining time is Python's work on each event, about half of it in the pass over messages "
    "and half in the pass over attempts, and the start-up of Spark and its workers"
)
HELD_GROWTH_BY = "Python's libraries unpack, parse, write and compare each event"
VERIFY, FAULTY, SCRIPT, READ = "headcount verify", "the same, with faults", "script", "bare read"
SECURE = "the same, over TLS"


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """Settings of the measurement; `faults` is the number of lost events in a run with faults.

    If `is_secure`, the clean runs are judged over TLS, too.
    """

    rounds: int = 3
    events: tuple[int, ...] = (1_000_000, 5_000_000, 20_000_000, 50_000_000)
    faults: int = 1000
    is_secure: bool = False

    def rounds_of(self, events: int) -> int:
        """The number of rounds for each contender."""
        return self.rounds if events <= MOST_REPEATED else 1


@dataclass(frozen=True, slots=True)
class RunPair:
    """A clean run, and one of the same size with faults, which is None if the runs are large."""

    events: int
    topic: str
    clean: Path
    faulty: Path | None
    faults: int


def measure(settings: ReconcileSettings, stage: Workbench) -> BenchmarkResult:
    """Generate the runs, and run each contender on them in alternating rounds."""
    taken: list[ReconcileRound] = []
    for events in settings.events:
        runs = _runs(settings, stage, events)
        contenders = _contenders(settings, runs, stage)
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
        faulty_folder = folder.with_name(f"{folder.name}-faults")
        faulty = generated(stage, faulty_folder, f"{topic}-faults", events, faults)
    return RunPair(events, topic, clean, faulty, faults)


def _contenders(
    settings: ReconcileSettings, runs: RunPair, stage: Workbench
) -> dict[str, Callable[[], ReconcileRound]]:
    events, faulty = runs.events, runs.faulty
    contenders = {
        VERIFY: lambda: ReconcileRound(events, VERIFY, verified(stage, runs.clean, events), 0),
        READ: lambda: _read(stage, runs),
    }
    if settings.is_secure:
        contenders[SECURE] = lambda: ReconcileRound(
            events, SECURE, verified(stage, runs.clean, events, is_secure=True), 0
        )
    if faulty is not None:
        contenders[FAULTY] = lambda: ReconcileRound(
            events, FAULTY, verified(stage, faulty, events, runs.faults), runs.faults
        )
    if events <= MOST_FOR_THE_SCRIPT:
        contenders[SCRIPT] = lambda: _script(stage, runs)
    return contenders


def _script(stage: Workbench, runs: RunPair) -> ReconcileRound:
    """Judge the run with the script. Raises PartError if its counts are wrong."""
    process = stage.start("the script", "-m", "bench.analysis.polars_script", str(runs.clean))
    usage = watched(process, deadline_s(runs.events))
    counts: dict[str, int] = json.loads(last_line(process))
    lost = counts.get("lost", 0)
    if (lost, counts.get("delivered", 0)) != (0, runs.events):
        raise PartError(f"the script counts {counts}")
    return ReconcileRound(runs.events, SCRIPT, usage, lost)


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
        for name in (VERIFY, SECURE, FAULTY, SCRIPT, READ):
            if not taken.seconds(events, name):
                continue
            summary = _summary(taken, events, name)
            figures[f"{events}, {name}"] = summary
            rows.append(
                (
                    f"{events:,}" if name == VERIFY else "",
                    _label(name),
                    summary["seconds"].show(".1f"),
                    summary["cpu_seconds"].show(".1f"),
                    summary["peak_mib"].show(),
                    summary["verify_over_it"].show(".2f"),
                )
            )
    return BenchmarkResult(
        name="reconcile",
        title="reconcile: time and memory of a verdict, by number of events",
        columns=("events", "", "seconds", "CPU seconds", "peak MiB", "verify / this"),
        rows=rows,
        settings={"settings": settings, "bare_read": _reader()},
        rounds=taken.rounds,
        figures=figures,
        notes=_notes(settings, stage),
        targets=_targets(settings, taken),
    )


def _summary(taken: ReconcileRounds, events: int, name: str) -> dict[str, MedianRange]:
    return {
        "seconds": spread(taken.seconds(events, name)),
        "cpu_seconds": spread(taken.of(events, name, lambda usage: usage.cpu_seconds)),
        "peak_mib": spread(taken.of(events, name, lambda usage: usage.peak_mib)),
        "verify_over_it": ratio(taken.seconds(events, VERIFY), taken.seconds(events, name)),
    }


def _targets(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Targets relative to the script, a bare read and a clean run, and for memory."""
    return [
        *(
            PerformanceTarget(
                f"time relative to a user's own script, {events:,} events",
                limit,
                share,
                True,
                held_by=HELD_BY,
            )
            for events, limit in TARGET_RATIOS.items()
            if events in settings.events
            for share in [
                ratio(taken.seconds(events, VERIFY), taken.seconds(events, SCRIPT)),
            ]
        ),
        *_of_faults(settings, taken),
        *_of_security(settings, taken),
        *_of_growth(settings, taken),
        *(
            PerformanceTarget(
                f"peak memory of the verdict, {events:,} events",
                TARGET_MIB,
                spread(taken.of(events, VERIFY, lambda usage: usage.peak_mib)),
                at_most=True,
                unit=" MiB",
            )
            for events in settings.events
        ),
    ]


def _of_faults(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Targets for runs with faults, relative to clean runs."""
    targets = []
    for events in settings.events:
        if seconds := taken.seconds(events, FAULTY):
            share = ratio(seconds, taken.seconds(events, VERIFY))
            what = f"time relative to a clean run, {settings.faults:,} faults in {events:,} events"
            targets.append(PerformanceTarget(what, TARGET_FAULTS, share, at_most=True))
    return targets


def _of_security(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """Targets for runs judged over TLS, relative to plaintext."""
    return [
        PerformanceTarget(
            f"time over TLS relative to plaintext, {events:,} events",
            TARGET_SECURE,
            ratio(seconds, taken.seconds(events, VERIFY)),
            at_most=True,
        )
        for events in settings.events
        if (seconds := taken.seconds(events, SECURE))
    ]


def _of_growth(settings: ReconcileSettings, taken: ReconcileRounds) -> list[PerformanceTarget]:
    """The target for the time of additional events, relative to a bare read of them."""

    def median(events: int, name: str) -> float:
        return spread(taken.seconds(events, name)).median

    shares = [
        (median(more, VERIFY) - median(fewer, VERIFY)) / (median(more, READ) - median(fewer, READ))
        for fewer, more in pairwise(sorted(settings.events))
        if median(more, READ) > median(fewer, READ)
    ]
    if not shares:
        return []
    what = "time per additional event, relative to a bare read"
    return [
        PerformanceTarget(what, TARGET_GROWTH, spread(shares), at_most=True, held_by=HELD_GROWTH_BY)
    ]


def _label(name: str) -> str:
    return {
        SCRIPT: "script: librdkafka, json, polars",
        READ: f"bare read: {_reader()}",
    }.get(name, name)


def _notes(settings: ReconcileSettings, stage: Workbench) -> tuple[str, ...]:
    log = sum(path.stat().st_size for path in stage.folder.glob("broker/log/*/*.log"))
    events = sum(event if event > MOST_REPEATED else 2 * event for event in settings.events)
    rounds = f"median (lowest-highest) of {settings.rounds} alternating rounds"
    return (
        f"verify and the script counted the same; faults: {settings.faults:,} events lost",
        f"a million events take {log / events * 1_000_000 / 2**20:,.0f} MiB in the topic",
        "each contender is measured as a separate process, from start to exit",
        "peak MiB: resident memory; for verify, the sum of driver, workers and JVM",
        f"{rounds}; one round above {MOST_REPEATED:,} events",
        (
            "the script, which a user would write instead of Headcount, runs on at most "
            f"{MOST_FOR_THE_SCRIPT:,} events: it keeps them all in memory"
        ),
    )


def _reader() -> str:
    return "kcat" if shutil.which("kcat") else "librdkafka (kcat is not on PATH)"
