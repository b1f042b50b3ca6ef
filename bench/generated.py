"""Generated runs: made by `bench.generate`, and judged by `headcount verify`."""

import json
from pathlib import Path

from bench.parts import Stage, Watched, finished, watched
from headcount.errors import PartError

START_S, EVENTS_PER_S = 300.0, 5_000  # what a deadline allows: no machine is that slow


def deadline_s(events: int) -> float:
    """What anything that is done with so many events may take."""
    return START_S + events / EVENTS_PER_S


def generated(stage: Stage, run: Path, topic: str, events: int, faults: int = 0) -> Path:
    """Generate a run of which `faults` events are missing, and give its folder."""
    with stage.console.step(f"Generating {events:,} events"):
        wish = (run, stage.broker.bootstrap_servers, topic, events, faults)
        maker = stage.start("the generation", "-m", "bench.generate", *map(str, wish))
        finished(maker, deadline_s(events))
    return run


def verified(stage: Stage, run: Path, events: int) -> Watched:
    """Judge a run that has no faults. PartError if it does not pass."""
    process = stage.start("headcount verify", "-m", "headcount", "verify", str(run), "--quiet")
    seen = watched(process, deadline_s(events))
    check_passed(run, events)
    return seen


def check_passed(run: Path, events: int) -> None:
    """PartError if the verdict is no pass with all events delivered."""
    said = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    if (said["verdict"], said["counts"]["delivered"]) != ("pass", events):
        raise PartError(f"the verdict is {said['verdict']}: {'; '.join(said['reasons'])}")
