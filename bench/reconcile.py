"""`reconcile`: how long `headcount verify` takes, and how much memory.

A generated topic and ledger are judged in turn by `headcount verify`, by the script that a user
would write instead, and read by kcat, which does nothing else. Each is a process of its own.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Spread, in_turn, ratio, spread
from bench.generated import deadline_s, generated
from bench.parts import TOPIC, Stage, Watched, last_line, watched
from bench.result import Result
from bench.target import Target
from headcount.errors import PartError
from headcount.stack.process import Process

RUN_ID = "generated"
TARGET_RATIOS = {5_000_000: 0.4, 20_000_000: 0.25}
TARGET_MIB = 3 * 1024.0
HELD_BY = (
    "the start of Spark and the compiling of its reader, and then the JVM's work on each event, "
    "which it reads and hands over to Python"
)
VERIFY, SCRIPT, SCRIPT_IDS, READ = "headcount verify", "script", "script, ids alone", "bare read"


@dataclass(frozen=True, slots=True)
class Settings:
    """How it is measured; `faults` acknowledged events are missing from the topic."""

    rounds: int = 3
    events: int = 5_000_000
    faults: int = 0

    @property
    def deadline_s(self) -> float:
        """What any part may take."""
        return deadline_s(self.events)


@dataclass(frozen=True, slots=True)
class Round:
    """What one contender took, and found."""

    variant: str
    watched: Watched
    lost: int | None


def measure(settings: Settings, stage: Stage) -> Result:
    """Generate the run, then let each contender at it, in turn."""
    run = generated(stage, stage.folder / RUN_ID, TOPIC, settings.events, settings.faults)
    contenders: dict[str, Callable[[], Round]] = {
        VERIFY: lambda: _verify(settings, stage, run),
        SCRIPT: lambda: _script(settings, stage, run),
        SCRIPT_IDS: lambda: _script(settings, stage, run, "--ids-only"),
        READ: lambda: _read(settings, stage, run),
    }
    taken: list[Round] = []
    for number in range(settings.rounds):
        for name in in_turn(list(contenders), number):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}: {name}"):
                taken.append(contenders[name]())
    return _result(settings, stage, run, taken)


def _verify(settings: Settings, stage: Stage, run: Path) -> Round:
    """Judge the run. PartError if the verdict is not what it must be."""
    process = stage.start("headcount verify", "-m", "headcount", "verify", str(run), "--quiet")
    seen = watched(process, settings.deadline_s, allowed=(0, 1))
    said = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    expected = "fail" if settings.faults else "pass"
    if (said["verdict"], said["counts"]["lost"]) != (expected, settings.faults):
        raise PartError(
            f"headcount verify says {said['verdict']} with {said['counts']['lost']} lost, and "
            f"{settings.faults} are: {'; '.join(said['reasons'])}"
        )
    if said["counts"]["attempted"] != settings.events:
        raise PartError(f"headcount verify counts {said['counts']['attempted']} attempts")
    return Round(VERIFY, seen, said["counts"]["lost"])


def _script(settings: Settings, stage: Stage, run: Path, *options: str) -> Round:
    """Let the script judge it. PartError if it does not find the same."""
    process = stage.start("the script", "-m", "bench.peer_polars", str(run), *options)
    seen = watched(process, settings.deadline_s)
    counts = _said(process)
    lost = counts.get("lost", 0)
    if (lost, counts.get("delivered", 0)) != (settings.faults, settings.events - settings.faults):
        raise PartError(f"the script counts {counts}")
    return Round(SCRIPT_IDS if options else SCRIPT, seen, lost)


def _read(settings: Settings, stage: Stage, run: Path) -> Round:
    if not shutil.which("kcat"):
        process = stage.start("the bare read", "-m", "bench.peer_read", str(run))
        return Round(READ, watched(process, settings.deadline_s), None)
    servers = stage.broker.bootstrap_servers
    kcat = Process(
        "kcat",
        ["kcat", "-C", "-b", servers, "-t", TOPIC, "-o", "beginning", "-e", "-q", "-f", ""],
        log_path=stage.folder / "logs" / "kcat.log",
        environ=stage.ready.environ,
    )
    return Round(READ, watched(kcat, settings.deadline_s), None)


def _said(process: Process) -> dict[str, int]:
    counts: dict[str, int] = json.loads(last_line(process))
    return counts


def _result(settings: Settings, stage: Stage, run: Path, taken: list[Round]) -> Result:
    names = (VERIFY, SCRIPT, SCRIPT_IDS, READ)
    seconds = {name: _of(taken, name, lambda seen: seen.seconds) for name in names}
    shares = {name: ratio(seconds[VERIFY], seconds[name]) for name in names}
    sums: dict[str, dict[str, Spread]] = {
        name: {
            "seconds": spread(seconds[name]),
            "cpu_seconds": spread(_of(taken, name, lambda seen: seen.cpu_seconds)),
            "peak_mib": spread(_of(taken, name, lambda seen: seen.peak_mib)),
            "verify_over_it": shares[name],
        }
        for name in names
    }
    verdict = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    return Result(
        name="reconcile",
        title=f"reconcile: {settings.events:,} events, {settings.faults} of them lost",
        columns=("", "seconds", "CPU seconds", "peak MiB", "verify over it"),
        rows=[
            (
                _label(name),
                found["seconds"].show(".1f"),
                found["cpu_seconds"].show(".1f"),
                found["peak_mib"].show(),
                found["verify_over_it"].show(".2f"),
            )
            for name, found in sums.items()
        ],
        settings={"settings": settings, "bare_read": _reader()},
        rounds=taken,
        figures={**sums, "verdict": verdict["verdict"], "counts": verdict["counts"]},
        notes=_notes(settings, stage, verdict),
        targets=_targets(settings, shares[SCRIPT], sums[VERIFY]["peak_mib"]),
    )


def _targets(settings: Settings, share: Spread, peak_mib: Spread) -> list[Target]:
    """Hold the verdict against the script; of fewer events the start of Spark is too much."""
    limits = [limit for events, limit in TARGET_RATIOS.items() if settings.events >= events]
    what = f"the script's time, {settings.events:,} events"
    of_time = [Target(what, limit, share, at_most=True, held_by=HELD_BY) for limit in limits[-1:]]
    memory = Target("memory of the verdict", TARGET_MIB, peak_mib, at_most=True, unit=" MiB")
    return [*of_time, memory]


def _of(taken: list[Round], name: str, value: Callable[[Watched], float]) -> list[float]:
    return [value(each.watched) for each in taken if each.variant == name]


def _label(name: str) -> str:
    return {
        SCRIPT: "script: librdkafka, json, polars",
        SCRIPT_IDS: "    the same, content not compared",
        READ: f"bare read: {_reader()}",
    }.get(name, name)


def _notes(settings: Settings, stage: Stage, verdict: dict[str, object]) -> tuple[str, ...]:
    counts = verdict["counts"]
    assert isinstance(counts, dict)
    log = sum(each.stat().st_size for each in stage.folder.glob("broker/log/*/*.log"))
    return (
        f"verdict: {verdict['verdict']}, delivered {counts['delivered']:,}, lost {counts['lost']}",
        f"the script found the same; the topic has {log / 2**20:,.0f} MiB",
        "each contender is a process of its own, from its start to its end",
        "peak is resident memory, of verify's driver and JVM together",
        f"median (lowest-highest) of {settings.rounds} rounds in turn"
        if settings.rounds > 1
        else "one round",
    )


def _reader() -> str:
    return "kcat" if shutil.which("kcat") else "librdkafka (kcat is not on PATH)"
