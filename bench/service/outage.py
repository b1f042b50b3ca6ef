"""`outage`: the memory of the service's workers during a broker outage.

The service is under constant load. The broker is stopped (SIGSTOP: connections stay open, and
nothing answers) or killed, and comes back. The memory of a worker during the outage is compared
with its memory before and after.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import psutil

from bench.harness.figures import MedianRange, spread
from bench.harness.parts import TOPIC, Workbench, finished, last_line
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.service.request_list import STATELESS, requests_of, write
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.service import Server, ServerConfig

WAYS = ("stop", "kill")
PHASES = ("before", "during", "after")
TARGET_GROWTH_MIB = 32.0
SAMPLE_EVERY_S = 0.5
BEFORE_S = 10.0
AFTER_S = 20.0
DEADLINE_S = 90.0


@dataclass(frozen=True, slots=True)
class OutageSettings:
    """Settings: duration of the outage, its cause (one of WAYS), and number of clients."""

    outage_s: float = 60.0
    by: str = "stop"
    connections: int = 32
    workers: int = 2


@dataclass(frozen=True, slots=True)
class MemorySample:
    """The resident memory of one worker at one time."""

    phase: str
    pid: int
    at_s: float
    resident_mib: float


def measure(settings: OutageSettings, stage: Workbench) -> BenchmarkResult:
    """Measure before, during and after an outage, under load."""
    ensure_topic(stage.broker.cluster, TOPIC, partitions=4)
    requests = stage.folder / "requests.txt"
    write(requests, requests_of(STATELESS, "/"))
    taken: list[MemorySample] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_server(settings, stage))
        span_s = BEFORE_S + settings.outage_s + AFTER_S
        arguments = (server.config.host, server.port, requests, settings.connections, 0, span_s)
        load = stack.enter_context(
            stage.start("load", "-m", "bench.service.http_load", *map(str, arguments))
        )
        with stage.console.step("with the broker"):
            taken += _samples("before", server, BEFORE_S)
        with (
            stage.console.step(f"without it for {settings.outage_s:g} s"),
            _outage(settings, stage.broker, stack),
        ):
            taken += _samples("during", server, settings.outage_s)
        with stage.console.step("with the broker again"):
            taken += _samples("after", server, AFTER_S)
            finished(load, DEADLINE_S + settings.outage_s)
        answers = json.loads(last_line(load))
    return _result(settings, taken, answers)


def _server(settings: OutageSettings, stage: Workbench) -> Server:
    return Server(
        ServerConfig(
            bootstrap_servers=stage.broker.bootstrap_servers,
            topic=TOPIC,
            log_path=stage.folder / "logs" / "service.log",
            environ=stage.ready.environ,
            port=0,
            workers=settings.workers,
        )
    )


@contextlib.contextmanager
def _outage(
    settings: OutageSettings, broker: Broker, stack: contextlib.ExitStack
) -> Iterator[None]:
    """Stop or kill the broker for the block; a killed one is restarted on its folder."""
    if settings.by == "stop":
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        return
    broker.kill()
    yield
    stack.enter_context(Broker(replace(broker.config, port=broker.port)))


def _samples(phase: str, server: Server, seconds: float) -> list[MemorySample]:
    """Sample the memory of each worker."""
    began_s, samples = time.monotonic(), []
    while (at_s := time.monotonic() - began_s) < seconds:
        for worker in psutil.Process(server.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                resident = worker.memory_info().rss / 2**20
                samples.append(MemorySample(phase, worker.pid, round(at_s, 1), resident))
        time.sleep(SAMPLE_EVERY_S)
    return samples


def growth_mib(taken: Sequence[MemorySample]) -> dict[int, float]:
    """The growth of each worker's peak from before to during the outage, by process id."""
    peaks: dict[tuple[int, str], float] = {}
    for sample in taken:
        key = sample.pid, sample.phase
        peaks[key] = max(peaks.get(key, 0.0), sample.resident_mib)
    lasting = sorted({pid for pid, _ in peaks if all((pid, phase) in peaks for phase in PHASES)})
    return {pid: peaks[pid, "during"] - peaks[pid, "before"] for pid in lasting}


def _held_mib(taken: Sequence[MemorySample], pid: int) -> dict[str, MedianRange]:
    """The memory of a worker by phase."""
    samples = [sample for sample in taken if sample.pid == pid]
    return {
        phase: spread(sample.resident_mib for sample in samples if sample.phase == phase)
        for phase in PHASES
    }


def _result(
    settings: OutageSettings, taken: list[MemorySample], answers: Mapping[str, object]
) -> BenchmarkResult:
    growth = growth_mib(taken)
    held = {pid: _held_mib(taken, pid) for pid in growth}
    rows = [
        (
            f"worker {number}",
            *(held[pid][phase].show(".1f") for phase in PHASES),
            f"{growth[pid]:+.1f}",
        )
        for number, pid in enumerate(held, 1)
    ]
    return BenchmarkResult(
        name="outage",
        title="outage: resident MiB of a worker during a broker outage",
        columns=("service", *PHASES, "growth of the peak"),
        rows=rows,
        settings=asdict(settings),
        rounds=taken,
        figures={"growth_mib": growth, "resident_mib": held, "answers": answers},
        notes=(
            (
                f"outage of {settings.outage_s:g} s by SIG{settings.by.upper()};"
                f" {settings.connections} connections send requests throughout"
            ),
            (
                f"responses: {answers['acknowledged']} 2xx, {answers['refused']} other,"
                f" {answers['broken']} broken connections"
            ),
            (
                "median (lowest-highest) of samples, "
                f"one every {SAMPLE_EVERY_S:g} s for {BEFORE_S:g} s before and {AFTER_S:g} s after"
            ),
        ),
        targets=(
            PerformanceTarget(
                "growth of a worker's peak memory during a broker outage",
                TARGET_GROWTH_MIB,
                spread(growth.values()),
                at_most=True,
                unit=" MiB",
            ),
        ),
    )
