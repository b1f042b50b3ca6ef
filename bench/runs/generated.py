"""Generates runs with `bench.runs.generate`, and judges them with `headcount verify`."""

import json
from pathlib import Path

from bench.harness.parts import ProcessUsage, Workbench, finished, watched
from headcount.errors import PartError
from headcount.stack.ports import LOOPBACK

START_S, EVENTS_PER_S = 300.0, 5_000  # for deadlines; no machine is this slow


def deadline_s(events: int) -> float:
    """The deadline for any work on a run with this number of events, in seconds."""
    return START_S + events / EVENTS_PER_S


def generated(stage: Workbench, run: Path, topic: str, events: int, faults: int = 0) -> Path:
    """Generate a run with `faults` missing events; return its folder."""
    with stage.console.step(f"Generating {events:,} events"):
        arguments = (run, stage.broker.bootstrap_servers, topic, events, faults)
        name = "the run generator"
        generator = stage.start(name, "-m", "bench.runs.generate", *map(str, arguments))
        finished(generator, deadline_s(events))
    return run


def verified(
    stage: Workbench, run: Path, events: int, lost: int = 0, *, is_secure: bool = False
) -> ProcessUsage:
    """Judge a run with `lost` lost events. Raises PartError if the verdict differs.

    If `is_secure`, the topic is read over TLS, after a login.
    """
    command = ["-m", "headcount", "verify", str(run), "--quiet"]
    if is_secure:
        servers = f"{LOOPBACK}:{stage.secure.port}"
        command += ["--bootstrap-servers", servers]
        command += ["--kafka-config", str(stage.secure.client_file)]
    process = stage.start("headcount verify", *command)
    usage = watched(process, deadline_s(events), allowed=(1 if lost else 0,))
    check_verdict(run, events, lost)
    return usage


def check_verdict(run: Path, events: int, lost: int = 0) -> None:
    """Raise PartError unless the verdict counts `lost` events as lost and the rest as delivered."""
    verdict = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    counts = verdict["counts"] or {}
    counted = [counts.get(name) for name in ("attempted", "delivered", "lost")]
    if (verdict["verdict"], counted) != ("fail" if lost else "pass", [events, events - lost, lost]):
        raise PartError(
            f"{lost:,} of {events:,} events are lost, but the verdict is {verdict['verdict']} "
            f"with {counts}: {'; '.join(verdict['reasons'])}"
        )
