"""`metrics`: what reports and exported metrics cost a saturated generator.

Three Locusts run at the same time on the same core, so that they meet the same machine: one reports
nothing, one reports its progress as in `headcount run`, and one exports its metrics as well, to an
endpoint for Prometheus that is scraped, and by OTLP. Everything else runs on the other core: the
responder, and the processes that watch the topic and export the metrics.
"""

import contextlib
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench.harness.figures import MedianRange, in_turn, ratio, spread
from bench.harness.parts import Workbench, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.load.overhead import (
    START_DEADLINE_S,
    MeasuredLocust,
    OverheadRound,
    OverheadSettings,
    ledger_options,
    pinned_responder,
)
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import Process, wait_until

TARGET = 0.98
NOTHING, REPORTED, EXPORTED = "nothing", "progress", "metrics"
VARIANTS = (NOTHING, REPORTED, EXPORTED)
SCRAPE_EVERY_S = 5.0
_CHILDREN = {"exporter": "headcount.telemetry.export.exporter", "watcher": "topic_watcher"}
"""What a Locust starts: a name for it, and a part of its command line."""


@dataclass(frozen=True, slots=True)
class MetricsRound:
    """One Locust within its window, and the CPU seconds of what it started."""

    generator: OverheadRound
    children_s: Mapping[str, float]

    @property
    def exporter_us(self) -> float:
        """Microseconds of the exporter's CPU time per request."""
        return self.children_s["exporter"] / self.generator.requests * 1e6

    @property
    def watcher_us(self) -> float:
        """Microseconds of the topic watcher's CPU time per request."""
        return self.children_s["watcher"] / self.generator.requests * 1e6


@dataclass(frozen=True, slots=True)
class _Contender:
    window: MeasuredLocust
    process: Process
    port: int | None


def measure(settings: OverheadSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds; every other one starts the variants in the opposite order."""
    taken: dict[str, list[MetricsRound]] = {name: [] for name in VARIANTS}
    with pinned_responder(stage) as url:
        for number in range(settings.rounds):
            with stage.console.step(f"Round {number + 1} of {settings.rounds}"):
                for name, result in _one_round(settings, stage, number, url).items():
                    taken[name].append(result)
    return _result(settings, taken, two_cores())


def _one_round(
    settings: OverheadSettings, stage: Workbench, number: int, url: str
) -> dict[str, MetricsRound]:
    """Run one Locust of each variant, all at once. Raises PartError if a request failed."""
    started = {
        name: _started(settings, stage, name, number, url) for name in in_turn(VARIANTS, number)
    }
    for locust in started.values():
        ready = locust.window.ready_file
        wait_until(ready.exists, START_DEADLINE_S, f"{ready} exists", locust.process)
        _pin_children(locust.process)
    before = {name: _children_s(locust.process) for name, locust in started.items()}
    _start_file(stage, number).touch()
    _scrape_for(settings.window_s, [locust.port for locust in started.values() if locust.port])
    after = {name: _children_s(locust.process) for name, locust in started.items()}
    return {
        name: MetricsRound(
            locust.window.result(locust.process),
            {child: after[name][child] - before[name][child] for child in _CHILDREN},
        )
        for name, locust in started.items()
    }


def _start_file(stage: Workbench, number: int) -> Path:
    return stage.folder / f"metrics-{number}.start"


def _started(
    settings: OverheadSettings, stage: Workbench, variant: str, number: int, url: str
) -> _Contender:
    run_id = f"metrics-{variant}-{number}"
    port = free_port() if variant == EXPORTED else None
    options = ["--start-file", str(_start_file(stage, number)), *ledger_options(stage, run_id)]
    if variant != NOTHING:
        options += ["--progress-file", str(stage.folder / f"{run_id}.progress")]
    variables = {"PYTHONHASHSEED": "0"}
    if port is not None:
        options += ["--metrics-port", str(port)]
        variables["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = url
    ready = replace(stage.ready, environ={**stage.ready.environ, **variables})
    window = MeasuredLocust(settings, replace(stage, ready=ready), run_id, variant)
    process = window.started("bench/load/users/ledger_players.py", url, *options)
    return _Contender(window, process, port)


def _pin_children(locust: Process) -> None:
    """Pin what a Locust has started to the second core."""
    if cores := two_cores():
        for child in psutil.Process(locust.pid).children(recursive=True):
            pin(child.pid, cores[1])


def _children_s(locust: Process) -> dict[str, float]:
    """Return the CPU seconds so far of each child; 0 for one that it has not started."""
    seconds = dict.fromkeys(_CHILDREN, 0.0)
    for child in psutil.Process(locust.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            command, times = " ".join(child.cmdline()), child.cpu_times()
            for name, part in _CHILDREN.items():
                if part in command:
                    seconds[name] += times.user + times.system
    return seconds


def _scrape_for(seconds: float, ports: Sequence[int]) -> None:
    """Scrape endpoints for a time, as Prometheus does."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        for port in ports:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics") as response:
                response.read()
        time.sleep(min(SCRAPE_EVERY_S, left_s))


def _result(
    settings: OverheadSettings,
    taken: Mapping[str, Sequence[MetricsRound]],
    cores: tuple[int, int] | None,
) -> BenchmarkResult:
    generators = {name: [result.generator for result in rounds] for name, rounds in taken.items()}
    rates = {name: [result.per_second for result in of] for name, of in generators.items()}
    costs = {name: [result.cpu_us for result in of] for name, of in generators.items()}
    shares = {name: ratio(costs[NOTHING], costs[name]) for name in VARIANTS}
    rate_shares = {name: ratio(rates[name], rates[NOTHING]) for name in VARIANTS}
    exporter = spread(result.exporter_us for result in taken[EXPORTED])
    return BenchmarkResult(
        name="metrics",
        title="metrics: CPU time per request of a generator, by what it reports",
        columns=(
            *("reports", "requests/s", "relative", "CPU µs/request", "relative"),
            *("exporter µs", "topic watcher µs"),
        ),
        rows=[
            (
                name,
                spread(rates[name]).show(),
                rate_shares[name].show(".3f"),
                spread(costs[name]).show(".2f"),
                shares[name].show(".3f"),
                spread(result.exporter_us for result in taken[name]).show(".2f"),
                spread(result.watcher_us for result in taken[name]).show(".2f"),
            )
            for name in VARIANTS
        ],
        settings={"settings": settings, "pinned_to_cores": cores, "target": TARGET},
        rounds=[result for rounds in taken.values() for result in rounds],
        figures={
            "requests_per_s": {name: spread(values) for name, values in rates.items()},
            "cpu_us_per_request": {name: spread(values) for name, values in costs.items()},
            "ratio": rate_shares[EXPORTED],
            "cpu_ratio": shares[EXPORTED],
            "exporter_us_per_request": exporter,
        },
        notes=_notes(settings, cores),
        targets=_targets(shares[EXPORTED], rate_shares[EXPORTED]),
    )


def _notes(settings: OverheadSettings, cores: tuple[int, int] | None) -> tuple[str, ...]:
    return (
        f"median (lowest-highest) of {settings.rounds} rounds, {settings.window_s:g} s each",
        f"the three run at the same time, with {settings.users} users each and without wait time",
        "relative to a generator that reports nothing; ratios are taken within each round",
        f"{REPORTED}: what `headcount run` reports while it runs, which needs the topic watcher",
        f"{EXPORTED}: that, a scrape every {SCRAPE_EVERY_S:g} s, and OTLP at its default interval",
        f"generators on core {cores[0]}, everything else on core {cores[1]}"
        if cores
        else "generators and the rest could not be pinned to separate cores",
    )


def _targets(cpu: MedianRange, rate: MedianRange) -> tuple[PerformanceTarget, ...]:
    return (
        PerformanceTarget(
            "CPU time per request of a generator that reports nothing, relative to one whose "
            "metrics are exported",
            TARGET,
            cpu,
        ),
        PerformanceTarget(
            "requests/s with metrics exported, relative to one that reports nothing on the same "
            "core",
            TARGET,
            rate,
        ),
    )
