"""Generated runs: made by `bench.runs.generate`, and judged by `headcount verify`."""

import json
from pathlib import Path

from bench.harness.parts import ProcessUsage, Workbench, finished, watched
from headcount.errors import PartError

START_S, EVENTS_PER_S = 300.0, 5_000  # what a deadline allows: no machine is that slow


def deadline_s(events: int) -> float:
    """What anything that is done with so many events may take."""
    return START_S + events / EVENTS_PER_S


def generated(stage: Workbench, run: Path, topic: str, events: int, faults: int = 0) -> Path:
    """Generate a run of which `faults` events are missing, and give its folder."""
    with stage.console.step(f"Generating {events:,} events"):
        wish = (run, stage.broker.bootstrap_servers, topic, events, faults)
        maker = stage.start("the generation", "-m", "bench.runs.generate", *map(str, wish))
        finished(maker, deadline_s(events))
    return run


def verified(stage: Workbench, run: Path, events: int, lost: int = 0) -> ProcessUsage:
    """Judge a run of which so many events are lost. PartError if that is not what is found."""
    process = stage.start("headcount verify", "-m", "headcount", "verify", str(run), "--quiet")
    seen = watched(process, deadline_s(events), allowed=(1 if lost else 0,))
    check_found(run, events, lost)
    return seen


def check_found(run: Path, events: int, lost: int = 0) -> None:
    """PartError if the verdict is not that so many events are lost, and all others delivered."""
    said = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    counts = said["counts"] or {}
    counted = [counts.get(each) for each in ("attempted", "delivered", "lost")]
    if (said["verdict"], counted) != ("fail" if lost else "pass", [events, events - lost, lost]):
        raise PartError(
            f"of {events:,} events {lost:,} are lost, and headcount verify says {said['verdict']} "
            f"with {counts}: {'; '.join(said['reasons'])}"
        )
