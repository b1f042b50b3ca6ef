"""`costs`: CPU time and bytes per event, for each part and store.

A generator, the service and a broker work together as in a run; the CPU time and bytes that each
used are divided by the number of requests. The sizing model uses these figures (`model.py`).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.harness.figures import spread
from bench.harness.parts import TOPIC, Workbench, finished, usage
from bench.harness.result import BenchmarkResult
from bench.load.overhead import ledger_of, ledger_options
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.stack.service import Server, ServerConfig

NAME = "costs"
PARTS = ("generator", "service", "broker")
STORES = ("ledger", "topic")
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class CostsSettings:
    """Settings of the measurement; the first round warms up and does not count."""

    rounds: int = 3
    seconds: float = 10.0
    users: int = 32
    workers: int = 2
    threads: int = 16


@dataclass(frozen=True, slots=True)
class CostsRound:
    """CPU time by part and bytes by store, for each of `events` acknowledged events."""

    events: int
    cpu_us: dict[str, float]
    bytes: dict[str, float]


def measure(settings: CostsSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds."""
    ensure_topic(stage.broker.cluster, TOPIC, partitions=4)
    config = ServerConfig(
        bootstrap_servers=stage.broker.bootstrap_servers,
        topic=TOPIC,
        log_path=stage.folder / "logs" / "service.log",
        environ={**stage.ready.environ, "SERVICE_LOG_LEVEL": "warning"},
        port=0,
        workers=settings.workers,
        threads=settings.threads,
    )
    with Server(config) as server:
        taken = []
        for number in range(settings.rounds + 1):
            with stage.console.step(f"Round {number} of {settings.rounds}"):
                taken.append(_round(settings, stage, server, f"costs-{number}"))
    return _result(settings, taken[1:])


def _round(settings: CostsSettings, stage: Workbench, server: Server, run_id: str) -> CostsRound:
    """Run one Locust. Raises PartError if a request was not acknowledged."""
    window_file = stage.folder / f"{run_id}.json"
    before = _used(stage, server)
    locust = stage.start(
        f"locust {run_id}",
        *("-m", "locust", "-f", "bench/load/users/ledger_players.py", "--host", server.url),
        *("--headless", "-u", str(settings.users), "-r", str(settings.users)),
        *("--warm-up", "1", "--window", str(settings.seconds), "--window-file", str(window_file)),
        *("--only-summary", "--loglevel", "WARNING", *ledger_options(stage, run_id)),
    )
    finished(locust, DEADLINE_S + settings.seconds)
    service_s, broker_s, topic_bytes = (
        now - then for now, then in zip(_used(stage, server), before, strict=True)
    )
    window = json.loads(window_file.read_text(encoding="utf-8"))
    if window["failures"]:
        raise PartError(f"{window['failures']:.0f} requests failed: see {locust.log_path}")
    events, ledger = _attempted(stage.folder / run_id), stage.folder / run_id / "ledger"
    return CostsRound(
        events=events,
        cpu_us={
            # In its steady state only: starting a generator is not a cost of an event.
            "generator": window["cpu_seconds"] / window["requests"] * 1e6,
            "service": service_s / events * 1e6,
            "broker": broker_s / events * 1e6,
        },
        bytes={
            "ledger": _size(ledger.rglob("*")) / events,
            "topic": topic_bytes / events,
        },
    )


def _used(stage: Workbench, server: Server) -> tuple[float, float, float]:
    """CPU seconds of service and broker, and bytes of the topic, so far."""
    logs = stage.folder.glob(f"broker/log/{TOPIC}-*/*.log")
    return usage(server.pid)[1], usage(stage.broker.pid)[1], float(_size(logs))


def _attempted(run: Path) -> int:
    part = ledger_of(run)
    if part.seal is None or part.damage or not part.seal.attempted:
        raise PartError(f"the ledger of {run} is incomplete: {part}")
    return part.seal.attempted


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _result(settings: CostsSettings, taken: Sequence[CostsRound]) -> BenchmarkResult:
    cpu_us = {name: spread(one_round.cpu_us[name] for one_round in taken) for name in PARTS}
    size = {name: spread(one_round.bytes[name] for one_round in taken) for name in STORES}
    rows = [
        (name, measured.show(".0f"), f"{1e6 / measured.median:,.0f}", "")
        for name, measured in cpu_us.items()
    ]
    rows += [(name, "", "", measured.show(".0f")) for name, measured in size.items()]
    events = sum(one_round.events for one_round in taken)
    return BenchmarkResult(
        name=NAME,
        title="costs: CPU time and bytes per acknowledged event",
        columns=("part", "CPU µs", "events/s of one core", "bytes"),
        rows=rows,
        settings={"settings": settings},
        rounds=taken,
        figures={"cpu_us_per_event": cpu_us, "bytes_per_event": size},
        notes=(
            f"{events:,} events; median (lowest-highest) of {settings.rounds} rounds",
            f"rounds of {settings.seconds:g} s, after one warm-up round",
            f"{settings.users} users without a pause; acks=all, idempotent, one broker",
            f"gunicorn, {settings.workers} workers of {settings.threads} threads",
            "the requests of locustfiles/mixed.py, which do not use the database",
        ),
    )
