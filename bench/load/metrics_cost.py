"""`metrics`: throughput of a saturated generator that exports its metrics, and of one without.

In alternating rounds, the same users on one core send the same requests to a responder on another,
where the processes that watch the topic and export the metrics run as well. With metrics, an
endpoint for Prometheus is open, and a message by OTLP is sent each second.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

import psutil

from bench.harness.figures import ratio, spread
from bench.harness.parts import Workbench, pin, two_cores
from bench.harness.result import BenchmarkResult
from bench.harness.target import PerformanceTarget
from bench.load.overhead import (
    START_DEADLINE_S,
    MeasuredLocust,
    OverheadRound,
    OverheadSettings,
    ledger_options,
    taken_in_turn,
)
from headcount.stack.ports import free_port
from headcount.stack.process import Process

TARGET = 0.98
OFF, ON = "off", "on"
VARIANTS = (OFF, ON)
_INTERVAL_MS = "1000"
_PIN_EVERY_S = 0.2


def measure(settings: OverheadSettings, stage: Workbench) -> BenchmarkResult:
    """Run the rounds, alternating the variants."""
    taken = taken_in_turn(settings, stage, VARIANTS, _one_round)
    return _result(settings, taken, two_cores())


def _one_round(
    settings: OverheadSettings, stage: Workbench, variant: str, number: int, url: str
) -> OverheadRound:
    """Run one Locust. Raises PartError if a request failed."""
    exports = variant == ON
    of_round = _exporting(stage, url) if exports else stage
    window = MeasuredLocust(settings, of_round, f"metrics-{variant}-{number}", variant)
    locust = window.started(
        "bench/load/users/ledger_players.py",
        url,
        *ledger_options(stage, window.run_id),
        *(("--metrics-port", str(free_port())) if exports else ()),
    )
    if cores := two_cores():
        _pin_children(locust, cores[1], window.window_file.exists)
    return window.result(locust)


def _exporting(stage: Workbench, url: str) -> Workbench:
    """Return a stage whose programs send metrics to the responder, too."""
    variables = {
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": url,
        "OTEL_METRIC_EXPORT_INTERVAL": _INTERVAL_MS,
    }
    ready = replace(stage.ready, environ={**stage.ready.environ, **variables})
    return replace(stage, ready=ready)


def _pin_children(locust: Process, core: int, is_over: Callable[[], bool]) -> None:
    """Pin what Locust starts to a core, until its window is over."""
    deadline_s = time.monotonic() + START_DEADLINE_S
    while not is_over() and locust.returncode is None and time.monotonic() < deadline_s:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(locust.pid).children(recursive=True):
                pin(child.pid, core)
        time.sleep(_PIN_EVERY_S)


def _result(
    settings: OverheadSettings, taken: list[OverheadRound], cores: tuple[int, int] | None
) -> BenchmarkResult:
    by_variant = {name: [result for result in taken if result.variant == name] for name in VARIANTS}
    rates = {name: [result.per_second for result in rounds] for name, rounds in by_variant.items()}
    costs = {name: [result.cpu_us for result in rounds] for name, rounds in by_variant.items()}
    share, cpu_share = ratio(rates[ON], rates[OFF]), ratio(costs[OFF], costs[ON])
    rows = [
        (name, spread(rates[name]).show(), spread(costs[name]).show(".1f")) for name in VARIANTS
    ]
    rows.append(("ratio, on / off", share.show(".3f"), cpu_share.show(".3f")))
    return BenchmarkResult(
        name="metrics",
        title="metrics: requests per second of one generator, with its metrics exported and not",
        columns=("metrics", "requests/s", "CPU µs/request"),
        rows=rows,
        settings={"settings": settings, "pinned_to_cores": cores, "target": TARGET},
        rounds=[(result, {"per_second": result.per_second}) for result in taken],
        figures={
            "requests_per_s": {name: spread(values) for name, values in rates.items()},
            "cpu_us_per_request": {name: spread(values) for name, values in costs.items()},
            "ratio": share,
            "cpu_ratio": cpu_share,
        },
        notes=(
            f"median (lowest-highest) of {settings.rounds} rounds, {settings.window_s:g} s each",
            f"{settings.users} users without wait time; ratios are taken within each round",
            "off: Locust without a web UI, whose generator reports nothing while it runs",
            f"generator on core {cores[0]}, everything else on core {cores[1]}"
            if cores
            else "generator and the rest could not be pinned to separate cores",
        ),
        targets=(PerformanceTarget("requests/s with metrics, relative to none", TARGET, share),),
    )
